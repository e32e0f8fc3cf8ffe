/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gradient.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/config.h"
#include "model/loss.h"
#include "tensor/attention.h"
#include "tensor/dropout.h"
#include "tensor/kernels.h"
#include "tensor/norm.h"
#include "tensor/product.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

struct gradient {
    struct team *team;
    struct workspace *space;
};

struct gradient *gradient_new(int threads)
{
    struct gradient *g = MEM_NEW(struct gradient);
    g->team = team_new(threads);
    g->space = workspace_new();
    return g;
}

void gradient_free(struct gradient *g)
{
    if (!g)
        return;
    team_free(g->team);
    workspace_free(g->space);
    free(g);
}

/* What a layer leaves behind for the way back; all have a row a token. */
struct trail {
    float *x;        /* what came in */
    float *qkv;      /* 3 · hidden */
    float *seen;     /* what attention gave */
    float *sum, *h;  /* before and after the first norm */
    float *raw;      /* inner, before gelu */
    float *inner;    /* after it */
    float *last_sum; /* before the second norm */
};

struct pass {
    const struct gradient_job *j;
    const struct parameters *p;
    const struct model_config *c;
    struct team *team;
    struct workspace *space;
    const struct batch *texts;
    size_t rows;
    float *embedded; /* before the first norm */
    struct trail *trails;
    float *state;
    float *pooled;
    float *slopes; /* of parameters; NULL: no way back */
};

/* ---- pieces of both ways
 * ----------------------------------------------------------- */

static const float *value(const struct pass *p, enum weight_role role,
                          size_t layer)
{
    return p->p->values + parameters_at(p->p, role, layer);
}

static float *slope(const struct pass *p, enum weight_role role, size_t layer)
{
    return p->slopes + parameters_at(p->p, role, layer);
}

/* A place in the network where numbers are dropped out. */
enum place { DROP_LOOKS, DROP_SEEN, DROP_OUTER, PLACES };

static struct dropout dropout_at(const struct pass *p, size_t layer,
                                 enum place place)
{
    uint64_t number = (uint64_t)layer * PLACES + place + 1;
    return (struct dropout){
        .rate = p->slopes ? p->j->dropout : 0,
        .seed = p->j->seed ^ number * 0xd1342543de82ef95U,
    };
}

struct drop_job {
    struct dropout d;
    float *x;
    size_t rows, width;
};

static void drop_part(void *arg, int i, int n)
{
    const struct drop_job *j = arg;
    size_t from, to;
    team_share(j->rows, 1, i, n, &from, &to);
    for (size_t r = from; r < to; r++)
        dropout_row(&j->d, r, j->x + r * j->width, j->width);
}

static void drop(const struct pass *p, struct dropout d, float *x, size_t rows)
{
    struct drop_job j = {.d = d, .rows = rows, .width = p->c->hidden};
    j.x = x;
    if (d.rate > 0)
        team_run(p->team, drop_part, &j);
}

enum { SHARE = 1024 }; /* numbers that a member takes at least */

/* n numbers of x that change by those of y. */
struct change {
    float *x;
    const float *y;
    size_t n;
};

static void change(const struct pass *p, void (*part)(void *arg, int i, int n),
                   float *x, const float *y, size_t n)
{
    struct change c = {.y = y, .n = n};
    c.x = x;
    team_run(p->team, part, &c);
}

static void add_part(void *arg, int i, int n)
{
    const struct change *c = arg;
    size_t from, to;
    team_share(c->n, SHARE, i, n, &from, &to);
    kernels()->add(c->x + from, c->y + from, to - from);
}

static void gelu_part(void *arg, int i, int n)
{
    const struct change *c = arg;
    size_t from, to;
    team_share(c->n, SHARE, i, n, &from, &to);
    memcpy(c->x + from, c->y + from, (to - from) * sizeof(*c->x));
    kernels()->gelu(c->x + from, to - from);
}

static void gelu_back_part(void *arg, int i, int n)
{
    const struct change *c = arg;
    size_t from, to;
    team_share(c->n, SHARE, i, n, &from, &to);
    kernels()->gelu_back(c->y + from, c->x + from, to - from);
}

static void add(const struct pass *p, float *x, const float *y, size_t n)
{
    change(p, add_part, x, y, n);
}

/* A weight with its bias, as they lie among the parameters. */
struct pair {
    size_t weight, bias, outs, in;
};

static struct pair pair_of(const struct pass *p, enum weight_role role,
                           size_t layer, size_t outs, size_t in)
{
    /* the biases of query, key and value lie one behind the other, too */
    return (struct pair){parameters_at(p->p, role, layer),
                         parameters_at(p->p, role + 1, layer), outs, in};
}

static void there(const struct pass *p, const struct pair *w, const float *x,
                  size_t rows, float *y)
{
    product_apply(p->team, p->space,
                  &(struct product){
                      .m = rows,
                      .k = w->in,
                      .n = w->outs,
                      .a = {x, w->in, false},
                      .b = {p->p->values + w->weight, w->in, true},
                      .bias = p->p->values + w->bias,
                      .y = y,
                      .ldy = w->outs,
                      .bf16 = p->j->bf16,
                  });
}

struct sum_job {
    const float *x;
    size_t rows, width;
    float *ret;
};

static void sum_part(void *arg, int i, int n)
{
    const struct sum_job *j = arg;
    size_t from, to;
    team_share(j->width, 16, i, n, &from, &to);
    for (size_t r = 0; r < j->rows; r++)
        kernels()->add(j->ret + from, j->x + r * j->width + from, to - from);
}

/* From the slopes of y to those of the pair, if they are wanted, and of x. */
static void back(const struct pass *p, const struct pair *w, const float *x,
                 size_t rows, const float *slopes, bool wanted, float *ret)
{
    struct sum_job sums = {slopes, rows, w->outs, p->slopes + w->bias};
    if (wanted) {
        product_apply(p->team, p->space,
                      &(struct product){
                          .m = w->outs,
                          .k = rows,
                          .n = w->in,
                          .a = {slopes, w->outs, true},
                          .b = {x, w->in, false},
                          .y = p->slopes + w->weight,
                          .ldy = w->in,
                          .adds = true,
                          .bf16 = p->j->bf16,
                      });
        team_run(p->team, sum_part, &sums);
    }
    product_apply(p->team, p->space,
                  &(struct product){
                      .m = rows,
                      .k = w->outs,
                      .n = w->in,
                      .a = {slopes, w->outs, false},
                      .b = {p->p->values + w->weight, w->in, false},
                      .y = ret,
                      .ldy = w->in,
                      .bf16 = p->j->bf16,
                  });
}

static struct norm norm_of(const struct pass *p, enum weight_role role,
                           size_t layer)
{
    return (struct norm){value(p, role, layer), value(p, role + 1, layer),
                         p->c->hidden, (float)p->c->layer_norm_eps};
}

static void norm_there(const struct pass *p, enum weight_role role,
                       size_t layer, const float *x, float *y)
{
    const struct norm n = norm_of(p, role, layer);
    norm_apply(p->team, &n, x, p->rows, y);
}

static void norm_back_to(const struct pass *p, enum weight_role role,
                         size_t layer, const float *x, const float *slopes,
                         float *ret)
{
    const struct norm n = norm_of(p, role, layer);
    norm_back(p->team, p->space, &n, x, p->rows, slopes, ret,
              slope(p, role, layer), slope(p, role + 1, layer));
}

static float *room(const struct pass *p, size_t rows, size_t width)
{
    return WORKSPACE_ARRAY(p->space, float, rows *width);
}

static struct attention_job attention_of(const struct pass *p, const float *qkv,
                                         const struct dropout *d, float *y)
{
    return (struct attention_job){
        .qkv = qkv,
        .heads = p->c->heads,
        .width = p->c->hidden / p->c->heads,
        .offsets = p->texts->offsets,
        .n_texts = p->texts->n_texts,
        .y = y,
        .dropout = d->rate > 0 ? d : NULL,
    };
}

/* ---- there
 * ---------------------------------------------------------------------------
 */

static void embed(struct pass *p)
{
    const struct model_config *c = p->c;
    size_t hidden = c->hidden;
    const float *words = value(p, ROLE_WORDS, 0);
    const float *places =
        value(p, ROLE_POSITIONS, 0) + c->position_offset * hidden;
    p->embedded = room(p, p->rows, hidden);
    for (size_t t = 0; t < p->texts->n_texts; t++) {
        size_t from = p->texts->offsets[t];
        for (size_t i = from; i < p->texts->offsets[t + 1]; i++) {
            float *row = p->embedded + i * hidden;
            memcpy(row, words + p->texts->ids[i] * hidden,
                   hidden * sizeof(*row));
            kernels()->add(row, places + (i - from) * hidden, hidden);
            if (c->type_vocab)
                kernels()->add(row, value(p, ROLE_TYPES, 0), hidden);
        }
    }
    p->state = room(p, p->rows, hidden);
    norm_there(p, ROLE_EMBEDDING_NORM, 0, p->embedded, p->state);
    drop(p, dropout_at(p, 0, DROP_OUTER), p->state, p->rows);
}

static void layer_there(struct pass *p, size_t i)
{
    size_t hidden = p->c->hidden;
    size_t inner = p->c->inner;
    struct trail *t = &p->trails[i];
    struct dropout looks = dropout_at(p, i + 1, DROP_LOOKS);
    const struct pair qkv = {parameters_at(p->p, ROLE_QUERY, i),
                             parameters_at(p->p, ROLE_QUERY_BIAS, i),
                             3 * hidden, hidden};
    const struct pair out = pair_of(p, ROLE_ATTENTION_OUT, i, hidden, hidden);
    const struct pair wide = pair_of(p, ROLE_INNER, i, inner, hidden);
    const struct pair narrow = pair_of(p, ROLE_OUTER, i, hidden, inner);
    *t = (struct trail){
        .x = p->state,
        .qkv = room(p, p->rows, 3 * hidden),
        .seen = room(p, p->rows, hidden),
        .sum = room(p, p->rows, hidden),
        .h = room(p, p->rows, hidden),
        .raw = room(p, p->rows, inner),
        .inner = room(p, p->rows, inner),
        .last_sum = room(p, p->rows, hidden),
    };
    there(p, &qkv, t->x, p->rows, t->qkv);
    const struct attention_job a = attention_of(p, t->qkv, &looks, t->seen);
    attention_apply(p->team, p->space, &a);
    there(p, &out, t->seen, p->rows, t->sum);
    drop(p, dropout_at(p, i + 1, DROP_SEEN), t->sum, p->rows);
    add(p, t->sum, t->x, p->rows * hidden);
    norm_there(p, ROLE_ATTENTION_NORM, i, t->sum, t->h);
    there(p, &wide, t->h, p->rows, t->raw);
    change(p, gelu_part, t->inner, t->raw, p->rows * inner);
    there(p, &narrow, t->inner, p->rows, t->last_sum);
    drop(p, dropout_at(p, i + 1, DROP_OUTER), t->last_sum, p->rows);
    add(p, t->last_sum, t->h, p->rows * hidden);
    p->state = room(p, p->rows, hidden);
    norm_there(p, ROLE_LAYER_NORM, i, t->last_sum, p->state);
}

/* The share of a text's vector that one of its tokens has; 0: none. */
static float share_of(const struct pass *p, size_t text, size_t token)
{
    if (p->j->pooling == POOLING_CLS)
        return token == p->texts->offsets[text] ? 1 : 0;
    return 1 / (float)(p->texts->offsets[text + 1] - p->texts->offsets[text]);
}

static void pool(struct pass *p)
{
    size_t hidden = p->c->hidden;
    size_t n = p->texts->n_texts;
    p->pooled = room(p, n, hidden);
    memset(p->pooled, 0, n * hidden * sizeof(*p->pooled));
    for (size_t t = 0; t < n; t++) {
        for (size_t i = p->texts->offsets[t]; i < p->texts->offsets[t + 1];
             i++) {
            float by = share_of(p, t, i);
            for (size_t k = 0; k < hidden; k++)
                p->pooled[t * hidden + k] += by * p->state[i * hidden + k];
        }
    }
    drop(p, dropout_at(p, p->c->layers + 1, DROP_OUTER), p->pooled, n);
}

/* ---- the heads
 * ------------------------------------------------------------------------ */

/* All tasks; the slopes of the texts' vectors to `ret` on the way back. */
static double heads(const struct pass *p, float *ret, size_t *ret_right,
                    size_t *ret_known)
{
    size_t n = p->texts->n_texts;
    size_t hidden = p->c->hidden;
    double loss = 0;
    for (size_t task = 0; task < p->p->n_heads; task++) {
        size_t mark = workspace_mark(p->space);
        const struct pair w = {parameters_head_at(p->p, task, false),
                               parameters_head_at(p->p, task, true),
                               p->p->heads[task].n, hidden};
        float *logits = room(p, n, w.outs);
        const struct loss of = {
            .n = w.outs,
            .weights = p->j->class_weights ? p->j->class_weights[task] : NULL,
            .smoothing = p->j->smoothing,
            .chosen = p->j->chosen ? p->j->chosen[task] : NULL,
        };
        there(p, &w, p->pooled, n, logits);
        loss += loss_find(&of, p->j->truth[task], n, logits, &ret_right[task],
                          &ret_known[task]);
        if (p->slopes) {
            float *own = room(p, n, hidden);
            for (size_t i = 0; p->j->share > 0 && i < n * w.outs; i++)
                logits[i] *= p->j->share;
            back(p, &w, p->pooled, n, logits, true, own);
            add(p, ret, own, n * hidden);
        }
        workspace_reset(p->space, mark);
    }
    return loss;
}

/* ---- back
 * ----------------------------------------------------------------------------
 */

/* The slopes of the last state's rows, of those of the texts' vectors. */
static void unpool(const struct pass *p, float *pooled, float *ret)
{
    size_t hidden = p->c->hidden;
    drop(p, dropout_at(p, p->c->layers + 1, DROP_OUTER), pooled,
         p->texts->n_texts);
    for (size_t t = 0; t < p->texts->n_texts; t++) {
        for (size_t i = p->texts->offsets[t]; i < p->texts->offsets[t + 1];
             i++) {
            float by = share_of(p, t, i);
            for (size_t k = 0; k < hidden; k++)
                ret[i * hidden + k] = by * pooled[t * hidden + k];
        }
    }
}

static float *copy(const struct pass *p, const float *x, size_t n)
{
    float *y = WORKSPACE_ARRAY(p->space, float, n);
    memcpy(y, x, n * sizeof(*y));
    return y;
}

/* `g`: the slopes of the layer's end, afterwards those of its beginning. */
static void layer_back(const struct pass *p, size_t i, float *g)
{
    size_t hidden = p->c->hidden;
    size_t inner = p->c->inner;
    size_t n = p->rows * hidden;
    size_t mark = workspace_mark(p->space);
    const struct trail *t = &p->trails[i];
    struct dropout looks = dropout_at(p, i + 1, DROP_LOOKS);
    bool wanted = i + 1 >= p->j->frozen;
    const struct pair qkv = {parameters_at(p->p, ROLE_QUERY, i),
                             parameters_at(p->p, ROLE_QUERY_BIAS, i),
                             3 * hidden, hidden};
    const struct pair out = pair_of(p, ROLE_ATTENTION_OUT, i, hidden, hidden);
    const struct pair wide = pair_of(p, ROLE_INNER, i, inner, hidden);
    const struct pair narrow = pair_of(p, ROLE_OUTER, i, hidden, inner);
    float *sum = room(p, p->rows, hidden);
    float *h = room(p, p->rows, hidden);
    float *dinner = room(p, p->rows, inner);
    float *dqkv = room(p, p->rows, 3 * hidden);
    norm_back_to(p, ROLE_LAYER_NORM, i, t->last_sum, g, sum);
    float *dropped = copy(p, sum, n);
    drop(p, dropout_at(p, i + 1, DROP_OUTER), dropped, p->rows);
    back(p, &narrow, t->inner, p->rows, dropped, wanted, dinner);
    change(p, gelu_back_part, dinner, t->raw, p->rows * inner);
    back(p, &wide, t->h, p->rows, dinner, wanted, h);
    add(p, h, sum, n);
    norm_back_to(p, ROLE_ATTENTION_NORM, i, t->sum, h, sum);
    memcpy(dropped, sum, n * sizeof(*dropped));
    drop(p, dropout_at(p, i + 1, DROP_SEEN), dropped, p->rows);
    back(p, &out, t->seen, p->rows, dropped, wanted, h);
    const struct attention_job a = attention_of(p, t->qkv, &looks, NULL);
    attention_back(p->team, p->space, &a, h, dqkv);
    back(p, &qkv, t->x, p->rows, dqkv, wanted, g);
    add(p, g, sum, n);
    workspace_reset(p->space, mark);
}

static void unembed(const struct pass *p, float *g)
{
    const struct model_config *c = p->c;
    size_t hidden = c->hidden;
    float *sum = room(p, p->rows, hidden);
    drop(p, dropout_at(p, 0, DROP_OUTER), g, p->rows);
    norm_back_to(p, ROLE_EMBEDDING_NORM, 0, p->embedded, g, sum);
    float *words = slope(p, ROLE_WORDS, 0);
    float *places = slope(p, ROLE_POSITIONS, 0) + c->position_offset * hidden;
    for (size_t t = 0; t < p->texts->n_texts; t++) {
        size_t from = p->texts->offsets[t];
        for (size_t i = from; i < p->texts->offsets[t + 1]; i++) {
            const float *row = sum + i * hidden;
            kernels()->add(words + p->texts->ids[i] * hidden, row, hidden);
            kernels()->add(places + (i - from) * hidden, row, hidden);
            if (c->type_vocab)
                kernels()->add(slope(p, ROLE_TYPES, 0), row, hidden);
        }
    }
}

double gradient_run(struct gradient *g, const struct gradient_job *j,
                    float *slopes, size_t *ret_right, size_t *ret_known)
{
    size_t mark = workspace_mark(g->space);
    const struct model_config *c = j->p->config;
    struct pass p = {
        .j = j,
        .p = j->p,
        .c = c,
        .team = g->team,
        .space = g->space,
        .texts = j->texts,
        .rows = j->texts->offsets[j->texts->n_texts],
        .trails = WORKSPACE_ARRAY(g->space, struct trail, c->layers),
    };
    p.slopes = slopes;
    embed(&p);
    for (size_t i = 0; i < c->layers; i++)
        layer_there(&p, i);
    pool(&p);
    float *pooled = room(&p, j->texts->n_texts, c->hidden);
    memset(pooled, 0, j->texts->n_texts * c->hidden * sizeof(*pooled));
    double loss = heads(&p, pooled, ret_right, ret_known);
    if (slopes && j->frozen <= c->layers) {
        float *state = room(&p, p.rows, c->hidden);
        unpool(&p, pooled, state);
        for (size_t i = c->layers; i-- > 0 && i + 1 >= j->frozen;)
            layer_back(&p, i, state);
        if (j->frozen == 0)
            unembed(&p, state);
    }
    workspace_reset(g->space, mark);
    return loss;
}
