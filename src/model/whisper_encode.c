/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder: 30 s of mel bands to 1500 rows. */
#include <string.h>

#include "model/whisper_private.h"
#include "tensor/attention.h"
#include "tensor/workspace.h"

static void apply(struct whisper_session *s, const struct linear *l,
                  const float *x, size_t rows, size_t ldx, float *y,
                  const float *residual, enum linear_after after)
{
    struct linear_job j = {
        .l = l,
        .x = x,
        .rows = rows,
        .ldx = ldx,
        .ldy = linear_outs(l),
        .residual = residual,
        .after = after,
    };
    j.y = y;
    linear_apply(s->team, s->space, &j);
}

/*
 * Both convolutions. Three frames side by side are a row where they lie: with
 * a frame of zeros at either end, the next row begins a frame further on, or
 * two. Positions are added where the second one ends.
 */
static void listen(const struct whisper *w, struct whisper_session *s,
                   const float *mels, size_t rows, float *ret)
{
    size_t frames = rows * WHISPER_FRAMES_PER_ROW;
    size_t bands = w->sizes.mels;
    size_t d = w->sizes.audio.state;
    size_t mark = workspace_mark(s->space);
    float *heard = WORKSPACE_ARRAY(s->space, float, (frames + 2) * bands);
    float *first = WORKSPACE_ARRAY(s->space, float, (frames + 2) * d);
    memset(heard, 0, bands * sizeof(*heard));
    memcpy(heard + bands, mels, frames * bands * sizeof(*heard));
    memset(heard + (frames + 1) * bands, 0, bands * sizeof(*heard));
    memset(first, 0, d * sizeof(*first));
    memset(first + (frames + 1) * d, 0, d * sizeof(*first));
    apply(s, w->conv1, heard, frames, bands, first + d, NULL, AFTER_GELU);
    apply(s, w->conv2, first, rows, WHISPER_FRAMES_PER_ROW * d, ret,
          w->audio_places, AFTER_GELU);
    workspace_reset(s->space, mark);
}

/* One layer, from x to x; `other` has as many rows. */
static void run_layer(const struct whisper *w, struct whisper_session *s,
                      const struct whisper_layer *l, size_t rows, float *x,
                      float *other)
{
    const struct whisper_part *p = &w->sizes.audio;
    const size_t offsets[] = {0, rows};
    size_t d = p->state;
    size_t mark = workspace_mark(s->space);
    float *normal = WORKSPACE_ARRAY(s->space, float, rows *d);
    float *wide = WORKSPACE_ARRAY(s->space, float,
                                  rows *(p->inner > 3 * d ? p->inner : 3 * d));
    norm_apply(s->team, &l->self, x, rows, normal);
    apply(s, l->linears[WHISPER_QKV], normal, rows, d, wide, NULL,
          AFTER_NOTHING);
    const struct attention_job a = {
        .qkv = wide,
        .heads = p->heads,
        .width = d / p->heads,
        .offsets = offsets,
        .n_texts = 1,
        .y = normal,
    };
    attention_apply(s->team, s->space, &a);
    apply(s, l->linears[WHISPER_OUT], normal, rows, d, other, x, AFTER_NOTHING);
    norm_apply(s->team, &l->mlp, other, rows, normal);
    apply(s, l->linears[WHISPER_INNER], normal, rows, d, wide, NULL,
          AFTER_GELU);
    apply(s, l->linears[WHISPER_OUTER], wide, rows, p->inner, x, other,
          AFTER_NOTHING);
    workspace_reset(s->space, mark);
}

void whisper_encode(const struct whisper *w, struct whisper_session *s,
                    const float *mels, size_t rows, float *ret)
{
    const struct whisper_part *p = &w->sizes.audio;
    size_t mark = workspace_mark(s->space);
    float *other = WORKSPACE_ARRAY(s->space, float, rows * p->state);
    listen(w, s, mels, rows, ret);
    for (size_t i = 0; i < p->layers; i++)
        run_layer(w, s, &w->audio[i], rows, ret, other);
    norm_apply(s->team, &w->audio_end, ret, rows, ret);
    workspace_reset(s->space, mark);
}
