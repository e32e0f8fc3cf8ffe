/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of tests/interop/whisper.py: interop_listen MODEL PRECISION SOUND,
 * the sound as f32 of 16 kHz, of which one window is heard. Lines of stdin:
 *   logits TOKEN...   what may come after each; rows of f32 to stdout
 *   search TOKEN...   a text after them, greedily, with timestamps; a line
 *   forbidden         signs that nobody says; a line
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/mel.h"
#include "model/whisper_private.h"
#include "model/whisper_rules.h"
#include "model/whisper_search.h"

enum { TOKENS_MAX = 448, ARGS = 4, DECIMAL = 10, SOUND_BYTES = 16 << 20 };

struct listener {
    struct whisper *w;
    struct whisper_session *s;
    struct whisper_memory *m;
    struct whisper_rules rules;
};

/* A window as whisper_transcribe() has it: silence behind the sound. */
static void hear(struct listener *x, const float *pcm, size_t n)
{
    size_t bands = x->w->sizes.mels;
    size_t rows = x->w->sizes.audio.ctx;
    size_t all = rows * WHISPER_FRAMES_PER_ROW * bands;
    float *mels = mem_new(all, sizeof(*mels));
    float *heard = mem_new(rows * x->w->sizes.audio.state, sizeof(*heard));
    float most = -10;
    mel_apply(x->s->team, x->s->space, x->w->mel, pcm, n, 0,
              rows * WHISPER_FRAMES_PER_ROW, mels);
    for (size_t i = 0; i < all; i++)
        most = fmaxf(most, mels[i]);
    for (size_t i = 0; i < all; i++)
        mels[i] = (fmaxf(mels[i], most - 8) + 4) / 4;
    whisper_encode(x->w, x->s, mels, rows, heard);
    whisper_memory_hear(x->w, x->s, x->m, heard, rows);
    free(mels);
    free(heard);
}

static int tell_logits(struct listener *x, const uint32_t *tokens, size_t n,
                       struct err *e)
{
    size_t vocab = x->w->sizes.vocab;
    struct whisper_step steps[TOKENS_MAX];
    float *logits = mem_new((n + 1) * vocab, sizeof(*logits));
    for (size_t i = 0; i < n; i++)
        steps[i] =
            (struct whisper_step){.token = tokens[i], .at = i, .wants = true};
    int r = whisper_decode(x->w, x->s, x->m, steps, n, logits, NULL, e);
    if (!r)
        (void)fwrite(logits, sizeof(*logits), n * vocab, stdout);
    free(logits);
    return r;
}

static int search(struct listener *x, const uint32_t *tokens, size_t n,
                  struct err *e)
{
    struct whisper_found *f = MEM_NEW(struct whisper_found);
    const struct whisper_search job = {
        .w = x->w,
        .s = x->s,
        .m = x->m,
        .rules = &x->rules,
        .prompt = tokens,
        .n_prompt = n,
        .most = x->w->sizes.text.ctx - n - 1,
        .least_log = -INFINITY, /* to its end, however bad it is */
        .repetition = INFINITY,
        .is_last = true,
        .beams = 1,
    };
    int r = whisper_search(&job, f, e);
    for (size_t i = 0; !r && i < f->n; i++)
        (void)printf("%u ", f->tokens[i]);
    (void)printf("\n");
    free(f);
    return r;
}

static int answer(struct listener *x, struct err *e)
{
    char *line = NULL;
    size_t room = 0;
    int r = OTK_OK;
    while (!r && getline(&line, &room, stdin) > 0) {
        uint32_t tokens[TOKENS_MAX];
        size_t n = 0;
        char *at = strchr(line, ' ');
        char *end = at;
        while (at && n < TOKENS_MAX) {
            unsigned long id = strtoul(at, &end, DECIMAL);
            if (end == at)
                break;
            tokens[n++] = (uint32_t)id;
            at = end;
        }
        if (line[0] == 'l')
            r = tell_logits(x, tokens, n, e);
        else if (line[0] == 's')
            r = search(x, tokens, n, e);
        for (size_t i = 0; line[0] == 'f' && i < x->rules.n_forbidden; i++)
            (void)printf("%u%c", x->rules.forbidden[i],
                         i + 1 < x->rules.n_forbidden ? ' ' : '\n');
        (void)fflush(stdout);
    }
    free(line);
    return r;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct buf sound = BUF_INIT(SOUND_BYTES);
    struct listener x = {0};
    enum precision p;
    if (argc != ARGS) {
        (void)fprintf(stderr, "MODEL PRECISION SOUND\n");
        return 2;
    }
    int r = precision_from(str_from(argv[2]), &p, &e);
    if (!r)
        r = file_read(argv[3], &sound, &e);
    if (!r)
        r = whisper_load(argv[1], p, &x.w, &e);
    if (!r) {
        x.s = whisper_session_new(1);
        x.m = whisper_memory_new(x.w, 1);
        whisper_rules_init(&x.rules, &x.w->vocabulary, true);
        hear(&x, (const float *)(const void *)sound.ptr,
             sound.len / sizeof(float));
        r = answer(&x, &e);
    }
    if (r)
        (void)fprintf(stderr, "%s\n", e.msg);
    buf_free(&sound);
    whisper_memory_free(x.m);
    whisper_session_free(x.s);
    whisper_unref(x.w);
    return r ? 1 : 0;
}
