/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/cache.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tensor/kernels.h"
#include "tensor/reference.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

/* In strips, one behind the other, so that each is one stream of memory. */
struct cache {
    size_t heads, width;
    size_t most;    /* tokens, up to whole strips */
    size_t columns; /* of a head's values, up to whole strips */
    bool is_bf16;
    void *block; /* keys of all heads, then their values */
};

static size_t whole_strips(size_t n)
{
    return (n + STRIP - 1) / STRIP * STRIP;
}

static size_t number_bytes(const struct cache *c)
{
    return c->is_bf16 ? sizeof(uint16_t) : sizeof(float);
}

/* Numbers before a head's keys of a strip of tokens: width × STRIP. */
static size_t keys_at(const struct cache *c, size_t head, size_t token)
{
    return (head * c->most + token / STRIP * STRIP) * c->width;
}

/* Numbers before a head's values in a strip of columns: most × STRIP. */
static size_t values_at(const struct cache *c, size_t head, size_t column)
{
    return c->heads * c->width * c->most +
           (head * c->columns + column / STRIP * STRIP) * c->most;
}

size_t cache_bytes(const struct cache *c)
{
    return values_at(c, c->heads, 0) * number_bytes(c);
}

struct cache *cache_new(size_t heads, size_t width, size_t most,
                        enum precision p)
{
    struct cache *c = MEM_NEW(struct cache);
    c->heads = heads;
    c->width = width;
    c->most = whole_strips(most);
    c->columns = whole_strips(width);
    c->is_bf16 = p != PRECISION_F32;
    c->block = mem_try(cache_bytes(c), 1);
    if (!c->block) {
        free(c);
        return NULL;
    }
    return c;
}

void cache_free(struct cache *c)
{
    if (c)
        free(c->block);
    free(c);
}

/* `n` numbers to where they stand, `step` apart. */
static void put(struct cache *c, size_t at, size_t step, const float *x,
                size_t n)
{
    float *f32 = (float *)c->block + at;
    uint16_t *bf16 = (uint16_t *)c->block + at;
    for (size_t i = 0; i < n && !c->is_bf16; i++)
        f32[i * step] = x[i];
    for (size_t i = 0; i < n && c->is_bf16; i++)
        bf16[i * step] = reference_bf16(x[i]);
}

void cache_put(struct cache *c, size_t at, size_t n, const float *keys,
               const float *values, size_t ld)
{
    for (size_t h = 0; h < c->heads; h++) {
        for (size_t t = at; t < at + n; t++) {
            const float *k = keys + (t - at) * ld + h * c->width;
            const float *v = values + (t - at) * ld + h * c->width;
            put(c, keys_at(c, h, t) + t % STRIP, STRIP, k, c->width);
            for (size_t w = 0; w < c->width; w += STRIP)
                put(c, values_at(c, h, w) + t * STRIP, 1, v + w,
                    c->width - w < STRIP ? c->width - w : STRIP);
        }
    }
}

void cache_copy(struct cache *c, const struct cache *from, size_t n)
{
    size_t bytes = number_bytes(c);
    char *to = c->block;
    const char *block = from->block;
    for (size_t h = 0; h < c->heads; h++) {
        size_t at = keys_at(c, h, 0) * bytes;
        memcpy(to + at, block + at, whole_strips(n) * c->width * bytes);
        for (size_t w = 0; w < c->columns; w += STRIP) {
            at = values_at(c, h, w) * bytes;
            memcpy(to + at, block + at, n * STRIP * bytes);
        }
    }
}

/* ---- asking
 * ------------------------------------------------------------------------- */

struct work {
    const struct cache_job *j;
    const struct kernels *k;
    const struct cache *shape;
    const size_t *groups; /* first row of each, and the end */
    size_t n_groups;
    float *space; /* each member's: `stride` numbers */
    size_t stride;
};

/* One strip of the block, which begins `at` numbers from its start. */
static void strip(const struct work *w, size_t rows, size_t k, const float *x,
                  size_t ldx, size_t at, float *y, size_t ldy,
                  const struct cache *c)
{
    if (c->is_bf16)
        w->k->strip_bf16(rows, k, x, ldx, (const uint16_t *)c->block + at,
                         STRIP, y, ldy);
    else
        w->k->strip_f32(rows, k, x, ldx, (const float *)c->block + at, STRIP, y,
                        ldy);
}

/* Rows that look at the same tokens, by one head. */
static void ask(const struct work *w, float *space, size_t from, size_t rows,
                size_t head)
{
    const struct cache_job *j = w->j;
    const struct cache *c = j->rows[from].cache;
    size_t seen = j->rows[from].seen;
    size_t all = c->heads * c->width;
    const float *q = j->q + from * j->ldq + head * c->width;
    float *scores = space;
    float *sums = scores + TILE_ROWS * c->most;
    for (size_t t = 0; t < seen; t += STRIP)
        strip(w, rows, c->width, q, j->ldq, keys_at(c, head, t), scores + t,
              c->most, c);
    for (size_t r = 0; r < rows; r++) {
        float *row = scores + r * c->most;
        w->k->softmax(row, seen, 1 / sqrtf((float)c->width));
        if (j->weights)
            memcpy(j->weights + ((from + r) * c->heads + head) * j->ldweights,
                   row, seen * sizeof(*row));
    }
    for (size_t s = 0; s < c->columns; s += STRIP)
        strip(w, rows, seen, scores, c->most, values_at(c, head, s), sums + s,
              c->columns, c);
    for (size_t r = 0; r < rows; r++)
        memcpy(j->y + (from + r) * all + head * c->width, sums + r * c->columns,
               c->width * sizeof(float));
}

static void ask_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    float *space = w->space + (size_t)i * w->stride;
    size_t heads = w->shape->heads;
    size_t from;
    size_t to;
    team_share(w->n_groups * heads, 1, i, n, &from, &to);
    for (size_t u = from; u < to; u++) {
        size_t g = u / heads;
        ask(w, space, w->groups[g], w->groups[g + 1] - w->groups[g], u % heads);
    }
}

void cache_apply(struct team *t, struct workspace *space,
                 const struct cache_job *j)
{
    size_t mark = workspace_mark(space);
    const struct cache *shape = j->rows[0].cache;
    size_t *groups = WORKSPACE_ARRAY(space, size_t, j->n + 1);
    struct work w = {.j = j, .k = kernels(), .shape = shape, .groups = groups};
    for (size_t i = 0; i < j->n; i++) {
        bool goes_on = i && j->rows[i].cache == j->rows[i - 1].cache &&
                       j->rows[i].seen == j->rows[i - 1].seen &&
                       i - groups[w.n_groups - 1] < TILE_ROWS;
        if (!goes_on)
            groups[w.n_groups++] = i;
    }
    groups[w.n_groups] = j->n;
    w.stride = TILE_ROWS * (shape->most + shape->columns);
    w.space = WORKSPACE_ARRAY(space, float, w.stride *(size_t)team_size(t));
    team_run(t, ask_part, &w);
    workspace_reset(space, mark);
}
