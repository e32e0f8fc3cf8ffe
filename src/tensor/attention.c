/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/attention.h"

#include <math.h>
#include <string.h>

#include "tensor/dropout.h"
#include "tensor/kernels.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

struct work {
    const struct attention_job *j;
    const struct kernels *k;
    size_t longest; /* text, in tokens, up to whole strips */
    size_t columns; /* of a head, up to whole strips */
    float *space;   /* each member's own: `stride` numbers */
    size_t stride;
};

/* What a member needs for one head of one text. */
struct head {
    float *keys;   /* transposed: width × longest */
    float *values; /* longest × columns; only for odd widths */
    float *scores; /* TILE_ROWS × longest */
    float *edge;   /* TILE_ROWS × columns */
};

static struct head head_of(const struct work *w, int member)
{
    float *p = w->space + (size_t)member * w->stride;
    struct head h;
    h.keys = p;
    h.values = h.keys + w->j->width * w->longest;
    h.scores = h.values + w->longest * w->columns;
    h.edge = h.scores + TILE_ROWS * w->longest;
    return h;
}

static size_t whole_strips(size_t n)
{
    return (n + STRIP - 1) / STRIP * STRIP;
}

/* Up to TILE_ROWS rows of one head: scores, softmax, the sum of values. `at`
 * is where they stand, for dropout. */
static void ask(const struct work *w, const struct head *h, const float *q,
                const float *v, size_t ldv, size_t rows, size_t n, size_t at,
                float *y, size_t ldy)
{
    const struct attention_job *j = w->j;
    size_t width = j->width;
    size_t ld = 3 * j->heads * width;
    bool even = width == w->columns;
    for (size_t c = 0; c < n; c += STRIP)
        w->k->strip_f32(rows, width, q, ld, h->keys + c, w->longest,
                        h->scores + c, w->longest);
    for (size_t r = 0; r < rows; r++) {
        float *score = h->scores + r * w->longest;
        w->k->softmax(score, n, 1 / sqrtf((float)width));
        if (j->dropout)
            dropout_row(j->dropout, at + r * j->heads, score, n);
    }
    for (size_t c = 0; c < w->columns; c += STRIP)
        w->k->strip_f32(rows, n, h->scores, w->longest, v + c, ldv,
                        (even ? y : h->edge) + c, even ? ldy : w->columns);
    for (size_t r = 0; !even && r < rows; r++)
        memcpy(y + r * ldy, h->edge + r * w->columns, width * sizeof(*y));
}

/* One head of one text. */
static void attend(const struct work *w, const struct head *h, size_t text,
                   size_t head)
{
    const struct attention_job *j = w->j;
    size_t width = j->width;
    size_t all = j->heads * width;
    size_t from = j->offsets[text];
    size_t n = j->offsets[text + 1] - from;
    size_t asking = j->first_only && n ? 1 : n;
    const float *q = j->qkv + from * 3 * all + head * width;
    const float *v = q + 2 * all;
    size_t ldv = 3 * all;
    float *y = j->y + (j->first_only ? text : from) * all + head * width;
    w->k->transpose(n, width, q + all, 3 * all, h->keys, w->longest);
    for (size_t i = 0; n < whole_strips(n) && i < width; i++)
        memset(h->keys + i * w->longest + n, 0,
               (whole_strips(n) - n) * sizeof(float));
    if (width != w->columns) {
        for (size_t i = 0; i < n; i++) {
            float *row = h->values + i * w->columns;
            memcpy(row, v + i * ldv, width * sizeof(*row));
            memset(row + width, 0, (w->columns - width) * sizeof(*row));
        }
        v = h->values;
        ldv = w->columns;
    }
    for (size_t r = 0; r < asking; r += TILE_ROWS)
        ask(w, h, q + r * 3 * all, v, ldv,
            asking - r < TILE_ROWS ? asking - r : TILE_ROWS, n,
            (from + r) * j->heads + head, y + r * all, all);
}

static void attend_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    struct head h = head_of(w, i);
    size_t from, to;
    team_share(w->j->n_texts * w->j->heads, 1, i, n, &from, &to);
    for (size_t u = from; u < to; u++)
        attend(w, &h, u / w->j->heads, u % w->j->heads);
}

void attention_apply(struct team *t, struct workspace *space,
                     const struct attention_job *j)
{
    size_t mark = workspace_mark(space);
    struct work w = {.j = j, .k = kernels()};
    for (size_t i = 0; i < j->n_texts; i++) {
        size_t n = j->offsets[i + 1] - j->offsets[i];
        w.longest = n > w.longest ? n : w.longest;
    }
    w.longest = whole_strips(w.longest);
    w.columns = whole_strips(j->width);
    w.stride = j->width * w.longest + w.longest * w.columns +
               TILE_ROWS * (w.longest + w.columns);
    w.space = WORKSPACE_ARRAY(space, float, w.stride *(size_t)team_size(t));
    team_run(t, attend_part, &w);
    workspace_reset(space, mark);
}
