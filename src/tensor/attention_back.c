/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back through attention. What looked at what is computed again: that
 * is cheaper than to keep it for all heads.
 *
 * With P = softmax(s·q·kᵀ), D = P after dropout, y = D·v and slopes g of y:
 *   dv = Dᵀ·g,  dP = g·vᵀ after the same dropout,
 *   dS = s · P ∘ (dP - rowsum(P ∘ dP)),  dq = dS·k,  dk = dSᵀ·q.
 */
#include <math.h>
#include <string.h>

#include "tensor/attention.h"
#include "tensor/dropout.h"
#include "tensor/kernels.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

struct work {
    const struct attention_job *j;
    const struct kernels *k;
    const float *slopes; /* of y */
    float *ret;          /* slopes of qkv */
    size_t columns;      /* of a head, up to whole strips */
    size_t longest;      /* text, up to whole strips */
    float *space;
    size_t stride;
};

/* One head of one text, each copied together; of n tokens. */
struct head {
    float *q, *k, *v, *g;    /* n × columns, zeros behind the width */
    float *turned;           /* columns × longest: one of those transposed */
    float *looks, *left, *d; /* n × longest: P, D, dP and then dS */
    float *turned_looks, *part; /* longest × longest; n × columns */
};

static size_t whole_strips(size_t n)
{
    return (n + STRIP - 1) / STRIP * STRIP;
}

static struct head head_of(const struct work *w, int member)
{
    float *p = w->space + (size_t)member * w->stride;
    size_t narrow = w->longest * w->columns;
    size_t square = w->longest * w->longest;
    return (struct head){
        .q = p,
        .k = p + narrow,
        .v = p + 2 * narrow,
        .g = p + 3 * narrow,
        .turned = p + 4 * narrow,
        .part = p + 5 * narrow,
        .looks = p + 6 * narrow,
        .left = p + 6 * narrow + square,
        .d = p + 6 * narrow + 2 * square,
        .turned_looks = p + 6 * narrow + 3 * square,
    };
}

/* y = x·b for n rows of x and `columns` of b, whole strips of them. */
static void multiply(const struct work *w, size_t n, size_t k, const float *x,
                     size_t ldx, const float *b, size_t ldb, size_t columns,
                     float *y, size_t ldy)
{
    for (size_t r = 0; r < n; r += TILE_ROWS) {
        size_t rows = n - r < TILE_ROWS ? n - r : TILE_ROWS;
        for (size_t c = 0; c < columns; c += STRIP)
            w->k->strip_f32(rows, k, x + r * ldx, ldx, b + c, ldb,
                            y + r * ldy + c, ldy);
    }
}

/* x·bᵀ, n × n, for rows of a head's width. */
static void compare(const struct work *w, const struct head *h, size_t n,
                    const float *x, const float *b, float *y)
{
    size_t width = w->j->width;
    w->k->transpose(n, width, b, w->columns, h->turned, w->longest);
    for (size_t i = 0; i < width; i++)
        memset(h->turned + i * w->longest + n, 0,
               (whole_strips(n) - n) * sizeof(float));
    multiply(w, n, width, x, w->columns, h->turned, w->longest, whole_strips(n),
             y, w->longest);
}

static void gather(const struct work *w, size_t n, const float *x, size_t ldx,
                   float *ret)
{
    size_t width = w->j->width;
    for (size_t i = 0; i < n; i++) {
        memcpy(ret + i * w->columns, x + i * ldx, width * sizeof(*ret));
        memset(ret + i * w->columns + width, 0,
               (w->columns - width) * sizeof(*ret));
    }
}

/* a·b to the slopes of q, k or v. */
static void scatter(const struct work *w, const struct head *h, size_t n,
                    const float *a, const float *b, float *ret)
{
    size_t width = w->j->width;
    multiply(w, n, n, a, w->longest, b, w->columns, w->columns, h->part,
             w->columns);
    for (size_t i = 0; i < n; i++)
        memcpy(ret + i * 3 * w->j->heads * width, h->part + i * w->columns,
               width * sizeof(*ret));
}

/* dS of dP, in place. */
static void through_softmax(const float *p, float *d, size_t n, float scale)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[i] * d[i];
    for (size_t i = 0; i < n; i++)
        d[i] = scale * p[i] * (d[i] - sum);
}

static void go_back(const struct work *w, const struct head *h, size_t text,
                    size_t head)
{
    const struct attention_job *j = w->j;
    size_t all = j->heads * j->width;
    size_t from = j->offsets[text];
    size_t n = j->offsets[text + 1] - from;
    const float *qkv = j->qkv + from * 3 * all + head * j->width;
    float *ret = w->ret + from * 3 * all + head * j->width;
    float scale = 1 / sqrtf((float)j->width);
    gather(w, n, qkv, 3 * all, h->q);
    gather(w, n, qkv + all, 3 * all, h->k);
    gather(w, n, qkv + 2 * all, 3 * all, h->v);
    gather(w, n, w->slopes + from * all + head * j->width, all, h->g);
    compare(w, h, n, h->q, h->k, h->looks);
    compare(w, h, n, h->g, h->v, h->d);
    for (size_t i = 0; i < n; i++) {
        float *p = h->looks + i * w->longest;
        float *left = h->left + i * w->longest;
        float *d = h->d + i * w->longest;
        size_t at = (from + i) * j->heads + head;
        w->k->softmax(p, n, scale);
        memcpy(left, p, n * sizeof(*p));
        if (j->dropout) {
            dropout_row(j->dropout, at, left, n);
            dropout_row(j->dropout, at, d, n);
        }
        through_softmax(p, d, n, scale);
    }
    w->k->transpose(n, n, h->left, w->longest, h->turned_looks, w->longest);
    scatter(w, h, n, h->turned_looks, h->g, ret + 2 * all);
    scatter(w, h, n, h->d, h->k, ret);
    w->k->transpose(n, n, h->d, w->longest, h->turned_looks, w->longest);
    scatter(w, h, n, h->turned_looks, h->q, ret + all);
}

static void back_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    struct head h = head_of(w, i);
    size_t from, to;
    team_share(w->j->n_texts * w->j->heads, 1, i, n, &from, &to);
    for (size_t u = from; u < to; u++)
        go_back(w, &h, u / w->j->heads, u % w->j->heads);
}

void attention_back(struct team *t, struct workspace *space,
                    const struct attention_job *j, const float *slopes,
                    float *ret)
{
    size_t mark = workspace_mark(space);
    struct work w = {.j = j, .k = kernels(), .slopes = slopes};
    w.ret = ret;
    for (size_t i = 0; i < j->n_texts; i++) {
        size_t n = j->offsets[i + 1] - j->offsets[i];
        w.longest = n > w.longest ? n : w.longest;
    }
    w.longest = whole_strips(w.longest);
    w.columns = whole_strips(j->width);
    w.stride = 6 * w.longest * w.columns + 4 * w.longest * w.longest;
    w.space = WORKSPACE_ARRAY(space, float, w.stride *(size_t)team_size(t));
    team_run(t, back_part, &w);
    workspace_reset(space, mark);
}
