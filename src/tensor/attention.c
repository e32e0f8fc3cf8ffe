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

/* From so many tokens on, values are worth a copy: rows of all heads lie far
 * apart, and each tile of questions reads them anew. */
enum { COPY_FROM = 128 };

/* Questions that go through keys and values together: what is read for one
 * tile of them is still near for the next. */
enum { BLOCK_ROWS = 4 * TILE_ROWS };

/* What a member needs for one head of one text. Keys and copied values lie in
 * strips, one behind the other, so that each is one stream of memory. */
struct head {
    float *keys;   /* strips of tokens: width × STRIP each */
    float *values; /* strips of columns: longest × STRIP each */
    float *scores; /* BLOCK_ROWS × longest */
    float *edge;   /* BLOCK_ROWS × columns */
};

static struct head head_of(const struct work *w, int member)
{
    float *p = w->space + (size_t)member * w->stride;
    struct head h;
    h.keys = p;
    h.values = h.keys + w->j->width * w->longest;
    h.scores = h.values + w->longest * w->columns;
    h.edge = h.scores + BLOCK_ROWS * w->longest;
    return h;
}

static size_t whole_strips(size_t n)
{
    return (n + STRIP - 1) / STRIP * STRIP;
}

/* Values where they lie, or in strips. */
struct values {
    const float *v;
    size_t ld;   /* between tokens */
    size_t next; /* from a strip of columns to the next one */
};

static void strips(const struct work *w, size_t rows, size_t k, const float *x,
                   size_t ldx, const float *strip, size_t ld, float *y,
                   size_t ldy)
{
    for (size_t r = 0; r < rows; r += TILE_ROWS)
        w->k->strip_f32(rows - r < TILE_ROWS ? rows - r : TILE_ROWS, k,
                        x + r * ldx, ldx, strip, ld, y + r * ldy, ldy);
}

/* Up to BLOCK_ROWS rows of one head: scores, softmax, the sum of values. `at`
 * is where they stand, for dropout. */
static void ask(const struct work *w, const struct head *h, const float *q,
                const struct values *v, size_t rows, size_t n, size_t at,
                float *y, size_t ldy)
{
    const struct attention_job *j = w->j;
    size_t width = j->width;
    size_t ld = 3 * j->heads * width;
    bool even = width == w->columns;
    for (size_t c = 0; c < n; c += STRIP)
        strips(w, rows, width, q, ld, h->keys + c * width, STRIP, h->scores + c,
               w->longest);
    for (size_t r = 0; r < rows; r++) {
        float *score = h->scores + r * w->longest;
        w->k->softmax(score, n, 1 / sqrtf((float)width));
        if (j->dropout)
            dropout_row(j->dropout, at + r * j->heads, score, n);
    }
    for (size_t c = 0; c < w->columns; c += STRIP)
        strips(w, rows, n, h->scores, w->longest, v->v + c / STRIP * v->next,
               v->ld, (even ? y : h->edge) + c, even ? ldy : w->columns);
    for (size_t r = 0; !even && r < rows; r++)
        memcpy(y + r * ldy, h->edge + r * w->columns, width * sizeof(*y));
}

static void turn_keys(const struct work *w, const struct head *h,
                      const float *keys, size_t ld, size_t n)
{
    size_t width = w->j->width;
    for (size_t c = 0; c < n; c += STRIP) {
        float *strip = h->keys + c * width;
        size_t rows = n - c < STRIP ? n - c : STRIP;
        w->k->transpose(rows, width, keys + c * ld, ld, strip, STRIP);
        for (size_t i = 0; rows < STRIP && i < width; i++)
            memset(strip + i * STRIP + rows, 0, (STRIP - rows) * sizeof(float));
    }
}

static void copy_values(const struct work *w, const struct head *h,
                        const float *v, size_t ld, size_t n)
{
    size_t width = w->j->width;
    for (size_t c = 0; c < width; c += STRIP) {
        size_t columns = width - c < STRIP ? width - c : STRIP;
        float *strip = h->values + c * w->longest;
        for (size_t i = 0; i < n; i++) {
            memcpy(strip + i * STRIP, v + i * ld + c, columns * sizeof(float));
            memset(strip + i * STRIP + columns, 0,
                   (STRIP - columns) * sizeof(float));
        }
    }
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
    struct values v = {q + 2 * all, 3 * all, STRIP};
    float *y = j->y + (j->first_only ? text : from) * all + head * width;
    turn_keys(w, h, q + all, 3 * all, n);
    if (width != w->columns || (n >= COPY_FROM && asking > 1)) {
        copy_values(w, h, v.v, v.ld, n);
        v = (struct values){h->values, STRIP, STRIP * w->longest};
    }
    for (size_t r = 0; r < asking; r += BLOCK_ROWS)
        ask(w, h, q + r * 3 * all, &v,
            asking - r < BLOCK_ROWS ? asking - r : BLOCK_ROWS, n,
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
               BLOCK_ROWS * (w.longest + w.columns);
    w.space = WORKSPACE_ARRAY(space, float, w.stride *(size_t)team_size(t));
    team_run(t, attend_part, &w);
    workspace_reset(space, mark);
}
