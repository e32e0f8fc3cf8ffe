/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder: a few tokens at a time, over what it remembers. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/weight.h"
#include "model/whisper_private.h"
#include "tensor/kernels.h"
#include "tensor/workspace.h"

struct whisper_memory {
    size_t lines, layers;
    size_t heard_rows;    /* of the window */
    struct cache **heard; /* one a layer */
    struct cache **said;  /* of each line, one a layer */
};

/* ---- memory
 * ------------------------------------------------------------------------- */

struct whisper_memory *whisper_memory_new(const struct whisper *w, size_t lines)
{
    const struct whisper_part *p = &w->sizes.text;
    struct whisper_memory *m = MEM_NEW(struct whisper_memory);
    bool all = true;
    m->lines = lines;
    m->layers = p->layers;
    m->heard = mem_new(p->layers, sizeof(struct cache *));
    m->said = mem_new(p->layers * lines, sizeof(struct cache *));
    for (size_t i = 0; all && i < p->layers; i++)
        all = (m->heard[i] =
                   cache_new(p->heads, p->state / p->heads, w->sizes.audio.ctx,
                             w->info.precision)) != NULL;
    for (size_t i = 0; all && i < p->layers * lines; i++)
        all = (m->said[i] = cache_new(p->heads, p->state / p->heads, p->ctx,
                                      w->info.precision)) != NULL;
    if (all)
        return m;
    whisper_memory_free(m);
    return NULL;
}

void whisper_memory_free(struct whisper_memory *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->layers; i++)
        cache_free(m->heard[i]);
    for (size_t i = 0; i < m->layers * m->lines; i++)
        cache_free(m->said[i]);
    free(m->heard);
    free(m->said);
    free(m);
}

void whisper_memory_hear(const struct whisper *w, struct whisper_session *s,
                         struct whisper_memory *m, const float *encoded,
                         size_t rows)
{
    size_t d = w->sizes.text.state;
    size_t mark = workspace_mark(s->space);
    float *kv = WORKSPACE_ARRAY(s->space, float, rows * 2 * d);
    m->heard_rows = rows;
    for (size_t i = 0; i < m->layers; i++) {
        struct linear_job j = {
            .l = w->text[i].linears[WHISPER_HEARD],
            .x = encoded,
            .rows = rows,
            .ldx = d,
            .ldy = 2 * d,
        };
        j.y = kv;
        linear_apply(s->team, s->space, &j);
        cache_put(m->heard[i], 0, rows, kv, kv + d, 2 * d);
    }
    workspace_reset(s->space, mark);
}

void whisper_memory_fork(const struct whisper *w, struct whisper_memory *m,
                         size_t to, size_t from, size_t n)
{
    (void)w;
    for (size_t i = 0; to != from && i < m->layers; i++)
        cache_copy(m->said[to * m->layers + i], m->said[from * m->layers + i],
                   n);
}

/* ---- a step
 * ------------------------------------------------------------------------- */

/* Some tokens on their way through the layers. */
struct pass {
    const struct whisper *w;
    struct whisper_session *s;
    struct whisper_memory *m;
    const struct whisper_step *steps;
    size_t n;
    float *x, *normal, *wide; /* rows of state, state, and the widest */
    struct cache_row *rows;
    float *weights; /* of the layer; NULL: nobody asks */
};

static void apply(const struct pass *p, const struct linear *l, const float *x,
                  float *y, const float *residual, enum linear_after after)
{
    struct linear_job j = {
        .l = l,
        .x = x,
        .rows = p->n,
        .ldx = linear_in(l),
        .ldy = linear_outs(l),
        .residual = residual,
        .after = after,
    };
    j.y = y;
    linear_apply(p->s->team, p->s->space, &j);
}

/* x += y, a row of state a token. */
static void add(const struct pass *p, const float *y)
{
    kernels()->add(p->x, y, p->n * p->w->sizes.text.state);
}

static int embed(const struct pass *p, struct err *e)
{
    size_t d = p->w->sizes.text.state;
    int r = OTK_OK;
    for (size_t i = 0; !r && i < p->n; i++) {
        float *row = p->x + i * d;
        r = weight_read_rows(p->w->words, p->steps[i].token, 1, row, e);
        if (!r)
            kernels()->add(row, p->w->text_places + p->steps[i].at * d, d);
    }
    return r;
}

/* Each token looks at those of its line up to itself. */
static void look_back(const struct pass *p, size_t layer)
{
    size_t d = p->w->sizes.text.state;
    for (size_t i = 0; i < p->n; i++) {
        const struct whisper_step *s = &p->steps[i];
        struct cache *c = p->m->said[s->line * p->m->layers + layer];
        const float *row = p->wide + i * 3 * d;
        cache_put(c, s->at, 1, row + d, row + 2 * d, 3 * d);
        p->rows[i] = (struct cache_row){c, s->at + 1};
    }
    struct cache_job j = {
        .rows = p->rows, .n = p->n, .q = p->wide, .ldq = 3 * d};
    j.y = p->normal;
    cache_apply(p->s->team, p->s->space, &j);
}

/* … and at what was heard. */
static void look_up(const struct pass *p, size_t layer)
{
    for (size_t i = 0; i < p->n; i++)
        p->rows[i] = (struct cache_row){p->m->heard[layer], p->m->heard_rows};
    struct cache_job j = {.rows = p->rows,
                          .n = p->n,
                          .q = p->wide,
                          .ldq = p->w->sizes.text.state,
                          .ldweights = p->w->sizes.audio.ctx};
    j.y = p->normal;
    j.weights = p->weights;
    cache_apply(p->s->team, p->s->space, &j);
}

static void run_layer(const struct pass *p, size_t layer)
{
    const struct whisper_layer *l = &p->w->text[layer];
    struct linear *const *linears = l->linears;
    struct team *t = p->s->team;
    norm_apply(t, &l->self, p->x, p->n, p->normal);
    apply(p, linears[WHISPER_QKV], p->normal, p->wide, NULL, AFTER_NOTHING);
    look_back(p, layer);
    apply(p, linears[WHISPER_OUT], p->normal, p->wide, NULL, AFTER_NOTHING);
    add(p, p->wide);
    norm_apply(t, &l->cross, p->x, p->n, p->normal);
    apply(p, linears[WHISPER_ASK], p->normal, p->wide, NULL, AFTER_NOTHING);
    look_up(p, layer);
    apply(p, linears[WHISPER_TELL], p->normal, p->wide, NULL, AFTER_NOTHING);
    add(p, p->wide);
    norm_apply(t, &l->mlp, p->x, p->n, p->normal);
    apply(p, linears[WHISPER_INNER], p->normal, p->wide, NULL, AFTER_GELU);
    apply(p, linears[WHISPER_OUTER], p->wide, p->normal, NULL, AFTER_NOTHING);
    add(p, p->normal);
}

/* Logits of the rows that are asked for. */
static void tell(struct pass *p, float *ret)
{
    size_t d = p->w->sizes.text.state;
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (p->steps[i].wants)
            memmove(p->x + kept++ * d, p->x + i * d, d * sizeof(*p->x));
    }
    p->n = kept;
    if (!kept)
        return;
    norm_apply(p->s->team, &p->w->text_end, p->x, kept, p->normal);
    apply(p, p->w->logits, p->normal, ret, NULL, AFTER_NOTHING);
}

int whisper_decode(const struct whisper *w, struct whisper_session *s,
                   struct whisper_memory *m, const struct whisper_step *steps,
                   size_t n, float *ret, const struct whisper_looker *l,
                   struct err *e)
{
    const struct whisper_part *t = &w->sizes.text;
    size_t widest = t->inner > 3 * t->state ? t->inner : 3 * t->state;
    size_t mark = workspace_mark(s->space);
    struct pass p = {.w = w, .s = s, .m = m, .steps = steps, .n = n};
    p.x = WORKSPACE_ARRAY(s->space, float, n * t->state);
    p.normal = WORKSPACE_ARRAY(s->space, float, n * t->state);
    p.wide = WORKSPACE_ARRAY(s->space, float, n *widest);
    p.rows = WORKSPACE_ARRAY(s->space, struct cache_row, n);
    if (l)
        p.weights =
            WORKSPACE_ARRAY(s->space, float, n * t->heads * w->sizes.audio.ctx);
    int r = embed(&p, e);
    for (size_t i = 0; !r && i < t->layers; i++) {
        run_layer(&p, i);
        if (l)
            l->look(l->ctx, i, p.weights);
    }
    if (!r)
        tell(&p, ret);
    workspace_reset(s->space, mark);
    return r;
}
