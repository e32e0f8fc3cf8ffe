/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Half as many bytes and, where a processor multiplies them, half the time.
 * Tiles want rows of a, and of b panels in which the two numbers of a pair,
 * one below the other in a column, lie side by side (tensor/kernels.h).
 */
#include "tensor/product_bf16.h"

#include <string.h>

#include "tensor/kernels.h"
#include "tensor/product.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

struct work {
    const struct product *p;
    const struct kernels *k;
    size_t depth;  /* k, up to whole pairs */
    uint16_t *a;   /* m × depth */
    float *turned; /* of each member: TILE_ROWS rows of an a that lies turned */
    uint16_t *rows;   /* … PANEL rows of a b that lies turned */
    uint16_t *panels; /* … a panel */
    float *bias;      /* n, up to whole panels */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void round_row(const struct work *w, const float *x, uint16_t *ret)
{
    ret[w->depth - 1] = 0; /* where k is odd */
    w->k->to_bf16(x, w->p->k, ret);
}

/* A member's share of the rows of a. */
static void round_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    const struct side *a = &w->p->a;
    float *turned = w->turned + (size_t)i * TILE_ROWS * w->p->k;
    size_t from, to;
    team_share(w->p->m, TILE_ROWS, i, n, &from, &to);
    for (size_t r = from; r < to; r += TILE_ROWS) {
        size_t rows = least(to - r, TILE_ROWS);
        const float *x = a->transposed ? turned : a->p + r * a->ld;
        if (a->transposed)
            w->k->transpose(w->p->k, rows, a->p + r, a->ld, turned, w->p->k);
        for (size_t k = 0; k < rows; k++)
            round_row(w, x + k * (a->transposed ? w->p->k : a->ld),
                      w->a + (r + k) * w->depth);
    }
}

/* Rows of b are columns of the panel. Pairs are words: what turns a matrix of
 * numbers turns one of them. */
static void pack_turned(const struct work *w, size_t c, size_t columns,
                        uint16_t *rows, uint16_t *panel)
{
    for (size_t i = 0; i < columns; i++)
        round_row(w, w->p->b.p + (c + i) * w->p->b.ld, rows + i * w->depth);
    w->k->transpose(columns, w->depth / 2, (const float *)(const void *)rows,
                    w->depth / 2, (float *)(void *)panel, PANEL);
}

/* Two rows of b are a row of pairs. */
static void pack_as_it_lies(const struct work *w, size_t c, size_t columns,
                            uint16_t *panel)
{
    const struct side *b = &w->p->b;
    uint16_t upper[PANEL];
    uint16_t lower[PANEL] = {0};
    for (size_t k = 0; k < w->p->k; k += 2, panel += 2 * PANEL) {
        w->k->to_bf16(b->p + k * b->ld + c, columns, upper);
        if (k + 1 < w->p->k)
            w->k->to_bf16(b->p + (k + 1) * b->ld + c, columns, lower);
        else
            memset(lower, 0, sizeof(lower));
        for (size_t i = 0; i < columns; i++) {
            panel[2 * i] = upper[i];
            panel[2 * i + 1] = lower[i];
        }
    }
}

/* Up to TILE_ROWS rows from r by the panel of `columns` from c. */
static void tile(const struct work *w, size_t r, size_t c, size_t columns,
                 const uint16_t *panel)
{
    const struct product *p = w->p;
    size_t rows = least(p->m - r, TILE_ROWS);
    float *y = p->y + r * p->ldy + c;
    float apart[TILE_ROWS * PANEL];
    bool here = columns == PANEL && !p->adds;
    w->k->tile_bf16(rows, w->depth, w->a + r * w->depth, w->depth, panel,
                    w->bias + c, here ? y : &apart[0], here ? p->ldy : PANEL);
    for (size_t k = 0; !here && k < rows; k++) {
        if (p->adds)
            w->k->add(y + k * p->ldy, apart + k * PANEL, columns);
        else
            memcpy(y + k * p->ldy, apart + k * PANEL, columns * sizeof(*y));
    }
}

/* A member's share of the columns. */
static void multiply_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    const struct product *p = w->p;
    uint16_t *rows = w->rows + (size_t)i * PANEL * w->depth;
    uint16_t *panel = w->panels + (size_t)i * PANEL * w->depth;
    size_t from, to;
    team_share(p->n, PANEL, i, n, &from, &to);
    for (size_t c = from; c < to; c += PANEL) {
        size_t columns = least(to - c, PANEL);
        if (columns < PANEL)
            memset(panel, 0, PANEL * w->depth * sizeof(*panel));
        if (p->b.transposed)
            pack_turned(w, c, columns, rows, panel);
        else
            pack_as_it_lies(w, c, columns, panel);
        for (size_t r = 0; r < p->m; r += TILE_ROWS)
            tile(w, r, c, columns, panel);
    }
}

void product_bf16(struct team *t, struct workspace *space,
                  const struct product *p)
{
    size_t mark = workspace_mark(space);
    size_t members = (size_t)team_size(t);
    size_t columns = (p->n + PANEL - 1) / PANEL * PANEL;
    struct work w = {.p = p, .k = kernels(), .depth = (p->k + 1) / 2 * 2};
    w.a = WORKSPACE_ARRAY(space, uint16_t, p->m * w.depth);
    w.turned = WORKSPACE_ARRAY(space, float, members *TILE_ROWS * p->k);
    w.rows = WORKSPACE_ARRAY(space, uint16_t, members * PANEL * w.depth);
    w.panels = WORKSPACE_ARRAY(space, uint16_t, members * PANEL * w.depth);
    w.bias = WORKSPACE_ARRAY(space, float, columns);
    memset(w.bias, 0, columns * sizeof(*w.bias));
    if (p->bias)
        memcpy(w.bias, p->bias, p->n * sizeof(*w.bias));
    team_run(t, round_part, &w);
    team_run(t, multiply_part, &w);
    workspace_reset(space, mark);
}
