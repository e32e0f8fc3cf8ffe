/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"
#include "model/names.h"
#include "model/weight.h"
#include "tensor/attention.h"
#include "tensor/kernels.h"
#include "tensor/norm.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

enum {
    THREADS_MAX = 64,
    CHUNK_TOKENS = 256, /* more leave the second cache between two products */
};

struct layer {
    struct linear *qkv, *out, *inner, *outer;
    struct norm attention, end;
};

struct encoder {
    const struct model_config *config;
    const struct weight *words; /* in the file: few of its rows are used */
    float *places;              /* max_tokens × hidden: positions and type 0 */
    float *norms;               /* gains and biases, embedding's first */
    struct norm embedding;
    struct layer *layers;
};

/* ---- loading
 * ----------------------------------------------------------------------- */

/* What is read on the way to packed weights. */
struct loader {
    const struct names *names;
    enum precision precision;
    float *room; /* 3 · hidden × hidden or inner × hidden, with biases behind */
    float *norms;
    size_t hidden, inner;
};

static int read_role(const struct loader *l, enum weight_role role,
                     size_t layer, float *ret, struct err *e)
{
    const struct weight *w;
    int r = names_find(l->names, role, layer, &w, e);
    return r ? r : weight_read(w, ret, e);
}

/* A gain and its bias, whose role is the next; the i-th of all norms. */
static int read_norm(const struct loader *l, enum weight_role role,
                     size_t layer, size_t i, struct norm *ret, struct err *e)
{
    float *gain = l->norms + 2 * i * l->hidden;
    float *bias = gain + l->hidden;
    *ret = (struct norm){gain, bias, l->hidden,
                         (float)l->names->config->layer_norm_eps};
    int r = read_role(l, role, layer, gain, e);
    return r ? r : read_role(l, role + 1, layer, bias, e);
}

/* `n` weights of outs × in one under the other, each with its bias. */
static int read_linear(const struct loader *l, enum weight_role role, size_t n,
                       size_t layer, size_t outs, size_t in,
                       struct linear **ret, struct err *e)
{
    int r = OTK_OK;
    float *bias = l->room + n * outs * in;
    for (size_t i = 0; !r && i < n; i++) {
        enum weight_role own = role + (enum weight_role)(2 * i);
        r = read_role(l, own, layer, l->room + i * outs * in, e);
        if (!r)
            r = read_role(l, own + 1, layer, bias + i * outs, e);
    }
    return r ? r
             : linear_new(l->room, bias, n * outs, in, l->precision, ret, e);
}

static int read_layer(const struct loader *l, size_t i, struct layer *ret,
                      struct err *e)
{
    size_t hidden = l->hidden;
    size_t inner = l->inner;
    int r = read_linear(l, ROLE_QUERY, 3, i, hidden, hidden, &ret->qkv, e);
    if (!r)
        r = read_linear(l, ROLE_ATTENTION_OUT, 1, i, hidden, hidden, &ret->out,
                        e);
    if (!r)
        r = read_norm(l, ROLE_ATTENTION_NORM, i, 2 * i + 1, &ret->attention, e);
    if (!r)
        r = read_linear(l, ROLE_INNER, 1, i, inner, hidden, &ret->inner, e);
    if (!r)
        r = read_linear(l, ROLE_OUTER, 1, i, hidden, inner, &ret->outer, e);
    return r ? r : read_norm(l, ROLE_LAYER_NORM, i, 2 * i + 2, &ret->end, e);
}

/* Positions from the family's first one on; every token is of type 0, whose
 * vector is added here once. */
static int read_places(const struct loader *l, struct encoder *x, struct err *e)
{
    const struct model_config *c = x->config;
    const struct weight *w;
    x->places = mem_try(c->max_tokens * c->hidden, sizeof(*x->places));
    if (!x->places)
        return err_set(e, OTK_ELIMIT, "no memory for %zu positions",
                       c->max_tokens);
    int r = names_find(l->names, ROLE_POSITIONS, 0, &w, e);
    if (!r)
        r = weight_read_rows(w, c->position_offset, c->max_tokens, x->places,
                             e);
    if (r || c->type_vocab == 0)
        return r;
    r = names_find(l->names, ROLE_TYPES, 0, &w, e);
    if (!r)
        r = weight_read_rows(w, 0, 1, l->room, e);
    for (size_t i = 0; !r && i < c->max_tokens; i++)
        kernels()->add(x->places + i * c->hidden, l->room, c->hidden);
    return r;
}

int encoder_new(const struct names *n, enum precision p, struct encoder **ret,
                struct err *e)
{
    const struct model_config *c = n->config;
    struct encoder *x = MEM_NEW(struct encoder);
    size_t side = c->inner > 3 * c->hidden ? c->inner : 3 * c->hidden;
    struct loader l = {
        .names = n,
        .precision = p,
        .hidden = c->hidden,
        .inner = c->inner,
        .room = mem_try(side * (c->hidden + 1), sizeof(float)),
    };
    x->config = c;
    x->layers = mem_new(c->layers, sizeof(*x->layers));
    x->norms = mem_new((2 * c->layers + 1) * 2 * c->hidden, sizeof(*x->norms));
    l.norms = x->norms;
    int r = l.room
                ? OTK_OK
                : err_set(e, OTK_ELIMIT, "no memory for a layer of %zu × %zu",
                          side, c->hidden);
    if (!r)
        r = names_find(n, ROLE_WORDS, 0, &x->words, e);
    if (!r)
        r = read_places(&l, x, e);
    if (!r)
        r = read_norm(&l, ROLE_EMBEDDING_NORM, 0, 0, &x->embedding, e);
    for (size_t i = 0; !r && i < c->layers; i++)
        r = read_layer(&l, i, &x->layers[i], e);
    free(l.room);
    if (r)
        encoder_free(x);
    else
        *ret = x;
    return r;
}

void encoder_free(struct encoder *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->config->layers; i++) {
        struct layer *l = &x->layers[i];
        linear_free(l->qkv);
        linear_free(l->out);
        linear_free(l->inner);
        linear_free(l->outer);
    }
    free(x->norms);
    free(x->layers);
    free(x->places);
    free(x);
}

const struct model_config *encoder_config(const struct encoder *x)
{
    return x->config;
}

size_t encoder_bytes(const struct encoder *x)
{
    size_t n = x->config->max_tokens * x->config->hidden * sizeof(float);
    for (size_t i = 0; i < x->config->layers; i++) {
        const struct layer *l = &x->layers[i];
        n += linear_bytes(l->qkv) + linear_bytes(l->out) +
             linear_bytes(l->inner) + linear_bytes(l->outer);
    }
    return n;
}

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
    const struct linear_job j = {
        .l = l,
        .x = x,
        .rows = rows,
        .ldx = linear_in(l),
        .y = y,
        .ldy = linear_outs(l),
        .residual = residual,
        .after = after,
    };
    linear_apply(p->team, p->space, &j);
}

static int embed(const struct pass *p, struct err *e)
{
    size_t hidden = p->x->config->hidden;
    int r = OTK_OK;
    for (size_t t = 0; !r && t < p->n_texts; t++) {
        for (size_t i = p->offsets[t]; !r && i < p->offsets[t + 1]; i++) {
            float *row = p->state + i * hidden;
            r = weight_read_rows(p->x->words, p->ids[i], 1, row, e);
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
    apply(p, l->qkv, p->state, p->rows, qkv, NULL, AFTER_NOTHING);
    attention_apply(p->team, p->space, &a);
    for (size_t i = 0; first_only && i < p->n_texts; i++)
        memmove(p->state + i * hidden, p->state + p->offsets[i] * hidden,
                hidden * sizeof(*p->state));
    apply(p, l->out, seen, asked, mixed, p->state, AFTER_NOTHING);
    normalize(p, &l->attention, mixed, asked);
    apply(p, l->inner, mixed, asked, inner, NULL, after(c->activation));
    apply(p, l->outer, inner, asked, p->state, mixed, AFTER_NOTHING);
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
    struct chunks c = {.x = x, .s = s, .b = b, .want = want, .ret = ret};
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
