/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"
#include "model/encoder_private.h"
#include "model/weight.h"
#include "tensor/attention.h"
#include "tensor/kernels.h"
#include "tensor/norm.h"
#include "tensor/reference.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

enum {
    THREADS_MAX = 64,
    CHUNK_TOKENS = 256, /* more leave the second cache between two products */
};

/* ---- a forward
 * --------------------------------------------------------------------- */

struct session {
    struct team *team, *alone;
    struct workspace *spaces[THREADS_MAX]; /* one a thread */
    int threads;
};

struct session *session_new(int threads)
{
    struct session *s = MEM_NEW(struct session);
    s->team = team_new(threads);
    s->alone = team_new(1);
    s->threads = threads;
    for (int i = 0; i < threads; i++)
        s->spaces[i] = workspace_new();
    return s;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    team_free(s->team);
    team_free(s->alone);
    for (int i = 0; i < s->threads; i++)
        workspace_free(s->spaces[i]);
    free(s);
}

void session_linear(struct session *s, const struct linear_job *j)
{
    linear_apply(s->team, s->spaces[0], j);
}

/* Some texts on their way through the layers. */
struct pass {
    const struct encoder *x;
    struct team *team;
    struct workspace *space;
    const uint32_t *ids;
    const size_t *offsets; /* from 0 */
    size_t n_texts, rows;
    float *state; /* rows × hidden */
};

static void normalize(const struct pass *p, const struct norm *norm, float *x,
                      size_t rows)
{
    norm_apply(p->team, norm, x, rows, x);
}

static void apply(const struct pass *p, const struct linear *l, const float *x,
                  size_t rows, float *y, const float *residual,
                  enum linear_after after)
{
    struct linear_job j = {
        .l = l,
        .x = x,
        .rows = rows,
        .ldx = linear_in(l),
        .ldy = linear_outs(l),
        .residual = residual,
        .after = after,
    };
    j.y = y;
    linear_apply(p->team, p->space, &j);
}

/* Rounded as packed files have them: a model gives the same from its weights
 * and from its packed file. */
static void round_row(const struct encoder *x, float *row)
{
    for (size_t i = 0; x->precision != PRECISION_F32 && i < x->config->hidden;
         i++)
        row[i] = reference_of_bf16(reference_bf16(row[i]));
}

static int embed(const struct pass *p, struct err *e)
{
    size_t hidden = p->x->config->hidden;
    int r = OTK_OK;
    for (size_t t = 0; !r && t < p->n_texts; t++) {
        for (size_t i = p->offsets[t]; !r && i < p->offsets[t + 1]; i++) {
            float *row = p->state + i * hidden;
            r = weight_read_rows(p->x->words, p->ids[i], 1, row, e);
            if (!r && p->x->words->type != WEIGHT_BF16)
                round_row(p->x, row);
            kernels()->add(row, p->x->places + (i - p->offsets[t]) * hidden,
                           hidden);
        }
    }
    if (!r)
        normalize(p, &p->x->embedding, p->state, p->rows);
    return r;
}

static enum linear_after after(enum model_activation a)
{
    return a == ACTIVATION_GELU       ? AFTER_GELU
           : a == ACTIVATION_GELU_NEW ? AFTER_GELU_NEW
                                      : AFTER_RELU;
}

/*
 * One layer, in place. With `first_only` the state has a row for each text
 * afterwards.
 */
static void run_layer(struct pass *p, const struct layer *l, bool first_only)
{
    const struct model_config *c = p->x->config;
    size_t hidden = c->hidden;
    size_t mark = workspace_mark(p->space);
    size_t asked = first_only ? p->n_texts : p->rows;
    float *qkv = WORKSPACE_ARRAY(p->space, float, p->rows * 3 * hidden);
    float *seen = WORKSPACE_ARRAY(p->space, float, asked *hidden);
    float *mixed = WORKSPACE_ARRAY(p->space, float, asked *hidden);
    float *inner = WORKSPACE_ARRAY(p->space, float, asked * c->inner);
    const struct attention_job a = {
        .qkv = qkv,
        .heads = c->heads,
        .width = hidden / c->heads,
        .offsets = p->offsets,
        .n_texts = p->n_texts,
        .first_only = first_only,
        .y = seen,
    };
    apply(p, l->linears[LINEAR_QKV], p->state, p->rows, qkv, NULL,
          AFTER_NOTHING);
    attention_apply(p->team, p->space, &a);
    for (size_t i = 0; first_only && i < p->n_texts; i++)
        memmove(p->state + i * hidden, p->state + p->offsets[i] * hidden,
                hidden * sizeof(*p->state));
    apply(p, l->linears[LINEAR_OUT], seen, asked, mixed, p->state,
          AFTER_NOTHING);
    normalize(p, &l->attention, mixed, asked);
    apply(p, l->linears[LINEAR_INNER], mixed, asked, inner, NULL,
          after(c->activation));
    apply(p, l->linears[LINEAR_OUTER], inner, asked, p->state, mixed,
          AFTER_NOTHING);
    normalize(p, &l->end, p->state, asked);
    workspace_reset(p->space, mark);
}

static int run_pass(struct pass *p, enum encoder_want want, float *ret,
                    struct err *e)
{
    const struct model_config *c = p->x->config;
    size_t mark = workspace_mark(p->space);
    bool first = want == WANT_FIRST;
    p->state = WORKSPACE_ARRAY(p->space, float, p->rows * c->hidden);
    int r = embed(p, e);
    for (size_t i = 0; !r && i < c->layers; i++)
        run_layer(p, &p->x->layers[i], first && i + 1 == c->layers);
    if (!r)
        memcpy(ret, p->state,
               (first ? p->n_texts : p->rows) * c->hidden * sizeof(*ret));
    workspace_reset(p->space, mark);
    return r;
}

/* ---- a batch
 * ----------------------------------------------------------------------- */

static int check_batch(const struct encoder *x, const struct batch *b,
                       struct err *e)
{
    const struct model_config *c = x->config;
    for (size_t t = 0; t < b->n_texts; t++) {
        size_t n = b->offsets[t + 1] - b->offsets[t];
        if (b->offsets[t + 1] <= b->offsets[t] || n > c->max_tokens)
            return err_set(e, OTK_EINVAL,
                           "text %zu has %zu tokens; 1 to %zu are possible", t,
                           n, c->max_tokens);
    }
    for (size_t i = 0; i < b->offsets[b->n_texts]; i++) {
        if (b->ids[i] >= c->vocab)
            return err_set(e, OTK_EINVAL,
                           "token %u, but the model knows %zu: its tokenizer "
                           "is another model's",
                           b->ids[i], c->vocab);
    }
    return OTK_OK;
}

/* A large batch in chunks of texts, which members take in turn. */
struct chunks {
    const struct encoder *x;
    struct session *s;
    const struct batch *b;
    enum encoder_want want;
    float *ret;
    size_t *starts; /* first text of each chunk, and the end */
    size_t n;
    _Atomic(size_t) next;
    struct err *errs; /* one a member */
};

static int run_chunk(const struct chunks *c, size_t k, struct team *team,
                     struct workspace *space, struct err *e)
{
    const struct batch *b = c->b;
    size_t first = c->starts[k];
    size_t n = c->starts[k + 1] - first;
    size_t from = b->offsets[first];
    size_t mark = workspace_mark(space);
    size_t *offsets = WORKSPACE_ARRAY(space, size_t, n + 1);
    for (size_t i = 0; i <= n; i++)
        offsets[i] = b->offsets[first + i] - from;
    struct pass p = {
        .x = c->x,
        .team = team,
        .space = space,
        .ids = b->ids + from,
        .offsets = offsets,
        .n_texts = n,
        .rows = offsets[n],
    };
    size_t row = c->want == WANT_FIRST ? first : from;
    int r = run_pass(&p, c->want, c->ret + row * c->x->config->hidden, e);
    workspace_reset(space, mark);
    return r;
}

static void chunks_part(void *arg, int i, int n)
{
    (void)n;
    struct chunks *c = arg;
    struct session *s = c->s;
    size_t k;
    while (!c->errs[i].code && (k = atomic_fetch_add(&c->next, 1)) < c->n)
        (void)run_chunk(c, k, s->alone, s->spaces[i], &c->errs[i]);
}

/* Cut between texts, at the latest after `most` tokens. */
static size_t cut(const struct batch *b, size_t most, size_t *starts)
{
    size_t n = 0;
    size_t tokens = 0;
    for (size_t t = 0; t < b->n_texts; t++) {
        size_t own = b->offsets[t + 1] - b->offsets[t];
        if (n == 0 || tokens + own > most) {
            starts[n++] = t;
            tokens = 0;
        }
        tokens += own;
    }
    starts[n] = b->n_texts;
    return n;
}

int encoder_run(const struct encoder *x, struct session *s,
                const struct batch *b, enum encoder_want want, float *ret,
                struct err *e)
{
    int r = b->n_texts ? check_batch(x, b, e) : OTK_OK;
    if (r || b->n_texts == 0)
        return r;
    size_t share = b->offsets[b->n_texts] / (size_t)s->threads + 1;
    struct chunks c = {.x = x, .s = s, .b = b, .want = want};
    c.ret = ret;
    c.starts = mem_new(b->n_texts + 1, sizeof(*c.starts));
    c.errs = mem_new((size_t)s->threads, sizeof(*c.errs));
    c.n = cut(b, share < CHUNK_TOKENS ? share : CHUNK_TOKENS, c.starts);
    /* each thread a chunk of its own, or all of them on one */
    if (c.n >= (size_t)s->threads)
        team_run(s->team, chunks_part, &c);
    for (size_t k = 0; c.n < (size_t)s->threads && k < c.n && !c.errs[0].code;
         k++)
        (void)run_chunk(&c, k, s->team, s->spaces[0], &c.errs[0]);
    for (int i = 0; !r && i < s->threads; i++) {
        if (c.errs[i].code)
            r = err_set(e, c.errs[i].code, "%s", c.errs[i].msg);
    }
    free(c.starts);
    free(c.errs);
    return r;
}
