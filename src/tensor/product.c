/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of Goto and van de Geijn (2008): by a sliver of b that stays in the
 * nearest cache go the rows of a block of a that stays in the next one. Both
 * are packed, so that a tile reads two streams, however a and b lie: rows that
 * are a power of two apart would drive each other out of a cache. k is cut so
 * that a sliver fits; sums wait in y for the next cut.
 */
#include "tensor/product.h"

#include <string.h>

#include "base/mem.h"
#include "tensor/kernels.h"
#include "tensor/product_bf16.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

enum {
    NEAR_BYTES = 18 << 10, /* of a sliver: leaves 14 KiB of 32 to tiles of a */
    BLOCK = 512,           /* rows of a: 384 KiB by a sliver of 24 columns */
    LINE = 16,             /* numbers */
};

struct work {
    const struct product *p;
    const struct kernels *k;
    size_t rows;    /* of a, up to whole tiles */
    size_t depth;   /* of k at a time; the last time it may be less */
    float *a;       /* for each depth: rows × depth, in tiles */
    float *slivers; /* of each member: depth × sliver */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* n divided by `by`, upwards. */
static size_t parts(size_t n, size_t by)
{
    return (n + by - 1) / by;
}

/* One tile of a, `depth` deep from `k`. */
static void pack_tile(const struct work *w, size_t r, size_t k, size_t depth,
                      float *ret)
{
    const struct side *a = &w->p->a;
    size_t rows = least(w->p->m - r, TILE_ROWS);
    if (rows < TILE_ROWS)
        memset(ret, 0, depth * TILE_ROWS * sizeof(*ret));
    if (!a->transposed) {
        w->k->transpose(rows, depth, a->p + r * a->ld + k, a->ld, ret,
                        TILE_ROWS);
        return;
    }
    const float *from = a->p + k * a->ld + r;
    for (size_t i = 0; i < depth && rows == TILE_ROWS; i++)
        memcpy(ret + i * TILE_ROWS, from + i * a->ld, TILE_ROWS * sizeof(*ret));
    for (size_t i = 0; i < depth && rows < TILE_ROWS; i++)
        memcpy(ret + i * TILE_ROWS, from + i * a->ld, rows * sizeof(*ret));
}

/* A member's share of the rows of a. */
static void pack_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    size_t from, to;
    team_share(w->rows, TILE_ROWS, i, n, &from, &to);
    for (size_t k = 0; k < w->p->k; k += w->depth) {
        size_t depth = least(w->p->k - k, w->depth);
        for (size_t r = from; r < to; r += TILE_ROWS)
            pack_tile(w, r, k, depth, w->a + k * w->rows + r * depth);
    }
}

/* A sliver of b: its columns, and a cut of k. */
struct piece {
    size_t c, columns;
    size_t k, depth;
};

/* Columns that there are not are zeros. */
static void pack_sliver(const struct work *w, const struct piece *at,
                        float *ret)
{
    const struct side *b = &w->p->b;
    size_t wide = w->k->sliver;
    if (at->columns < wide)
        memset(ret, 0, at->depth * wide * sizeof(*ret));
    if (b->transposed) {
        w->k->transpose(at->columns, at->depth, b->p + at->c * b->ld + at->k,
                        b->ld, ret, wide);
        return;
    }
    for (size_t i = 0; i < at->depth; i++)
        memcpy(ret + i * wide, b->p + (at->k + i) * b->ld + at->c,
               at->columns * sizeof(*ret));
}

/* Where sums begin: rows `ld` apart; 0: all have the same one. */
struct start {
    const float *p;
    size_t ld;
};

static struct start start_of(const struct product *p, const struct piece *at,
                             size_t r)
{
    static const float nothing[PANEL];
    if (at->k > 0 || p->adds)
        return (struct start){p->y + r * p->ldy + at->c, p->ldy};
    return (struct start){p->bias ? p->bias + at->c : nothing, 0};
}

/* The rows from r of a tile that the edge of y cuts off. */
static void multiply_edge(const struct work *w, const struct piece *at,
                          const float *sliver, size_t r)
{
    const struct product *p = w->p;
    float tile[TILE_ROWS * PANEL] = {0};
    size_t rows = least(p->m - r, TILE_ROWS);
    size_t bytes = at->columns * sizeof(*tile);
    struct start start = start_of(p, at, r);
    for (size_t i = 0; i < rows; i++)
        memcpy(tile + i * PANEL, start.p + i * start.ld, bytes);
    w->k->block_f32(TILE_ROWS, at->depth,
                    w->a + at->k * w->rows + r * at->depth, sliver, tile, PANEL,
                    tile, PANEL);
    for (size_t i = 0; i < rows; i++)
        memcpy(p->y + (r + i) * p->ldy + at->c, tile + i * PANEL, bytes);
}

/* Rows r … end by a sliver. */
static void multiply(const struct work *w, const struct piece *at,
                     const float *sliver, size_t r, size_t end)
{
    const struct product *p = w->p;
    struct start start = start_of(p, at, r);
    size_t inside = (end - r) / TILE_ROWS * TILE_ROWS;
    if (at->columns < w->k->sliver)
        inside = 0;
    if (inside)
        w->k->block_f32(inside, at->depth,
                        w->a + at->k * w->rows + r * at->depth, sliver, start.p,
                        start.ld, p->y + r * p->ldy + at->c, p->ldy);
    for (r += inside; r < end; r += TILE_ROWS)
        multiply_edge(w, at, sliver, r);
}

/* A member's share of the columns. */
static void multiply_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    const struct product *p = w->p;
    size_t wide = w->k->sliver;
    float *sliver = w->slivers + (size_t)i * w->depth * wide;
    size_t from, to;
    team_share(p->n, wide, i, n, &from, &to);
    for (size_t r = 0; r < p->m; r += BLOCK) {
        for (size_t k = 0; k < p->k; k += w->depth) {
            for (size_t c = from; c < to; c += wide) {
                const struct piece at = {c, least(to - c, wide), k,
                                         least(p->k - k, w->depth)};
                pack_sliver(w, &at, sliver);
                multiply(w, &at, sliver, r, least(p->m, r + BLOCK));
            }
        }
    }
}

void product_apply(struct team *t, struct workspace *space,
                   const struct product *p)
{
    if (p->adds && p->bias)
        bug("a product that adds, with a bias");
    if (p->bf16) {
        product_bf16(t, space, p);
        return;
    }
    size_t mark = workspace_mark(space);
    struct work w = {.p = p, .k = kernels()};
    size_t wide = w.k->sliver;
    size_t deepest = NEAR_BYTES / sizeof(float) / wide;
    w.rows = parts(p->m, TILE_ROWS) * TILE_ROWS;
    w.depth = parts(parts(p->k, parts(p->k, deepest)), LINE) * LINE;
    w.a = WORKSPACE_ARRAY(space, float, w.rows * p->k);
    w.slivers =
        WORKSPACE_ARRAY(space, float, (size_t)team_size(t) * w.depth * wide);
    team_run(t, pack_part, &w);
    team_run(t, multiply_part, &w);
    workspace_reset(space, mark);
}
