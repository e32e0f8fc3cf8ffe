/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/product.h"

#include <string.h>

#include "tensor/kernels.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

struct work {
    const struct product *p;
    const struct kernels *k;
    const float *a; /* m × k, rows lda apart */
    float *turned;  /* that, when a lies transposed */
    size_t lda;
    float *panels; /* one for each member */
};

/* A member's share of the rows of a, out of its columns. */
static void turn_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    const struct product *p = w->p;
    size_t from, to;
    team_share(p->m, 16, i, n, &from, &to);
    if (from < to)
        w->k->transpose(p->k, to - from, p->a.p + from, p->a.ld,
                        w->turned + from * p->k, p->k);
}

/* Columns c … c+columns of b, as tiles take them; the rest is zeros. */
static void pack(const struct work *w, size_t c, size_t columns, float *panel)
{
    const struct product *p = w->p;
    if (columns < PANEL)
        memset(panel, 0, p->k * PANEL * sizeof(*panel));
    if (p->b.transposed) {
        w->k->transpose(columns, p->k, p->b.p + c * p->b.ld, p->b.ld, panel,
                        PANEL);
        return;
    }
    for (size_t i = 0; i < p->k; i++)
        memcpy(panel + i * PANEL, p->b.p + i * p->b.ld + c,
               columns * sizeof(*panel));
}

static void put(const struct product *p, const float *tile, size_t r,
                size_t rows, size_t c, size_t columns)
{
    for (size_t i = 0; i < rows; i++) {
        float *y = p->y + (r + i) * p->ldy + c;
        for (size_t k = 0; k < columns; k++)
            y[k] = tile[i * PANEL + k] + (p->adds ? y[k] : 0);
    }
}

static void multiply_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    const struct product *p = w->p;
    float *panel = w->panels + (size_t)i * p->k * PANEL;
    float tile[TILE_ROWS * PANEL];
    size_t from, to;
    team_share(p->n, PANEL, i, n, &from, &to);
    for (size_t c = from; c < to; c += PANEL) {
        size_t columns = to - c < PANEL ? to - c : PANEL;
        bool whole = columns == PANEL && !p->adds;
        float bias[PANEL] = {0};
        if (p->bias)
            memcpy(bias, p->bias + c, columns * sizeof(*bias));
        pack(w, c, columns, panel);
        for (size_t r = 0; r < p->m; r += TILE_ROWS) {
            size_t rows = p->m - r < TILE_ROWS ? p->m - r : TILE_ROWS;
            w->k->tile_f32(rows, p->k, w->a + r * w->lda, w->lda, panel, bias,
                           whole ? p->y + r * p->ldy + c : tile,
                           whole ? p->ldy : PANEL);
            if (!whole)
                put(p, tile, r, rows, c, columns);
        }
    }
}

void product_apply(struct team *t, struct workspace *space,
                   const struct product *p)
{
    size_t mark = workspace_mark(space);
    struct work w = {.p = p, .k = kernels(), .a = p->a.p, .lda = p->a.ld};
    if (p->a.transposed) {
        w.turned = WORKSPACE_ARRAY(space, float, p->m * p->k);
        w.a = w.turned;
        w.lda = p->k;
        team_run(t, turn_part, &w);
    }
    w.panels =
        WORKSPACE_ARRAY(space, float, (size_t)team_size(t) * p->k * PANEL);
    team_run(t, multiply_part, &w);
    workspace_reset(space, mark);
}
