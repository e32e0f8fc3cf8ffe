/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/product.h"

#include <string.h>

#include "tensor/kernels.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

/*
 * Rows that begin so many bytes apart, or a multiple of it, share the same few
 * places of the nearest cache and drive each other out: those of a tile are
 * then copied to rows that are a line longer.
 */
enum { CROWDED = 2048, LINE = 16 /* numbers */ };

struct work {
    const struct product *p;
    const struct kernels *k;
    const float *a; /* m × k, rows lda apart */
    float *copied;  /* that, when a lies transposed or its rows are crowded */
    size_t lda;
    float *panels; /* one for each member */
};

/* A member's share of the rows of a. */
static void copy_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    const struct product *p = w->p;
    size_t from, to;
    team_share(p->m, LINE, i, n, &from, &to);
    if (from < to && p->a.transposed)
        w->k->transpose(p->k, to - from, p->a.p + from, p->a.ld,
                        w->copied + from * w->lda, w->lda);
    for (size_t r = from; r < to && !p->a.transposed; r++)
        memcpy(w->copied + r * w->lda, p->a.p + r * p->a.ld,
               p->k * sizeof(float));
}

static bool crowded(const struct side *a)
{
    return a->ld * sizeof(float) % CROWDED == 0;
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
    const float *b = p->b.p + c;
    for (size_t i = 0; i < p->k && columns == PANEL; i++) /* a length known */
        memcpy(panel + i * PANEL, b + i * p->b.ld, PANEL * sizeof(*panel));
    for (size_t i = 0; i < p->k && columns < PANEL; i++)
        memcpy(panel + i * PANEL, b + i * p->b.ld, columns * sizeof(*panel));
}

/* What is added to is large and was not looked at for long: it comes while the
 * tile is computed. */
static void ask_for(const struct product *p, size_t r, size_t rows, size_t c,
                    size_t columns)
{
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < columns; k += LINE)
            __builtin_prefetch(p->y + (r + i) * p->ldy + c + k);
    }
}

static void put(const struct work *w, const float *tile, size_t r, size_t rows,
                size_t c, size_t columns)
{
    const struct product *p = w->p;
    for (size_t i = 0; i < rows; i++) {
        float *y = p->y + (r + i) * p->ldy + c;
        if (p->adds)
            w->k->add(y, tile + i * PANEL, columns);
        else
            memcpy(y, tile + i * PANEL, columns * sizeof(*y));
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
            if (p->adds)
                ask_for(p, r, rows, c, columns);
            w->k->tile_f32(rows, p->k, w->a + r * w->lda, w->lda, panel, bias,
                           whole ? p->y + r * p->ldy + c : tile,
                           whole ? p->ldy : PANEL);
            if (!whole)
                put(w, tile, r, rows, c, columns);
        }
    }
}

void product_apply(struct team *t, struct workspace *space,
                   const struct product *p)
{
    size_t mark = workspace_mark(space);
    struct work w = {.p = p, .k = kernels(), .a = p->a.p, .lda = p->a.ld};
    if (p->a.transposed || crowded(&p->a)) {
        w.lda = (p->k + LINE - 1) / LINE * LINE + LINE;
        w.copied = WORKSPACE_ARRAY(space, float, p->m *w.lda);
        w.a = w.copied;
        team_run(t, copy_part, &w);
    }
    w.panels =
        WORKSPACE_ARRAY(space, float, (size_t)team_size(t) * p->k * PANEL);
    team_run(t, multiply_part, &w);
    workspace_reset(space, mark);
}
