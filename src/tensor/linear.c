/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/linear.h"

#include <stdbool.h>
#include <string.h>

#include "tensor/kernels.h"
#include "tensor/linear_private.h"
#include "tensor/outliers.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

/* One job while a team works on it. */
struct work {
    const struct linear_job *j;
    const struct kernels *k;
    const void *x;   /* in the form that tiles take */
    void *converted; /* that, when it is not f32 */
    size_t ldx;      /* in numbers */
    struct quantized_row *rows;
    struct outliers *outliers; /* of each row */
    float *spare; /* of each member: rows × PANEL, what the spare panel gives */
};

/* A member's share of the rows of x in their new form. */
static void convert_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    const struct linear *l = w->j->l;
    size_t from, to;
    team_share(w->j->rows, 1, i, n, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *x = w->j->x + r * w->j->ldx;
        if (l->precision == PRECISION_BF16) {
            uint16_t *row = (uint16_t *)w->converted + r * w->ldx;
            w->k->to_bf16(x, l->in, row);
            for (size_t k = l->in; k < l->k; k++)
                row[k] = 0;
        } else {
            uint8_t *row = (uint8_t *)w->converted + r * w->ldx;
            outliers_split(w->k, x, l->in, row, &w->rows[r], &w->outliers[r]);
            for (size_t k = l->in; k < l->k; k++)
                row[k] = 0; /* times weights of zero */
        }
    }
}

/* What the bytes of these rows do not say, by a panel whose weights begin at
 * `panel`. */
static void add_outliers(const struct work *w, size_t r, size_t rows,
                         const int8_t *panel, const float *scale, float *y,
                         size_t ldy)
{
    for (size_t i = 0; i < rows; i++) {
        const struct outliers *o = &w->outliers[r + i];
        for (size_t k = 0; k < o->n; k++) {
            size_t group = o->at[k] / GROUP_MAX;
            w->k->column_i8(panel + group * GROUP_MAX * PANEL,
                            o->at[k] % GROUP_MAX, o->rest[k], scale,
                            y + i * ldy);
        }
    }
}

/* `rows` rows from `r` by panel `p`, to y. */
static void tile(const struct work *w, size_t r, size_t rows, size_t p,
                 float *y, size_t ldy)
{
    const struct linear *l = w->j->l;
    const float *bias = l->bias + p * PANEL;
    size_t at = p * PANEL * l->k;
    if (l->precision == PRECISION_F32) {
        w->k->tile_f32(rows, l->k, (const float *)w->x + r * w->ldx, w->ldx,
                       (const float *)l->panels + at, bias, y, ldy);
    } else if (l->precision == PRECISION_BF16) {
        w->k->tile_bf16(rows, l->k, (const uint16_t *)w->x + r * w->ldx, w->ldx,
                        (const uint16_t *)l->panels + at, bias, y, ldy);
    } else {
        const struct panel_scales s = {l->scale + p * PANEL,
                                       l->sum + p * PANEL};
        const int8_t *panel = (const int8_t *)l->panels + at;
        w->k->tile_i8(rows, l->k, (const uint8_t *)w->x + r * w->ldx, w->ldx,
                      w->rows + r, panel, &s, bias, y, ldy);
        add_outliers(w, r, rows, panel, s.scale, y, ldy);
    }
}

/* What comes after the product, while the tile is still near. */
static void finish(const struct work *w, size_t r, size_t rows, size_t p,
                   size_t columns)
{
    const struct linear_job *j = w->j;
    for (size_t i = r; i < r + rows; i++) {
        float *y = j->y + i * j->ldy + p * PANEL;
        if (j->after == AFTER_GELU)
            w->k->gelu(y, columns);
        else if (j->after == AFTER_GELU_NEW)
            w->k->gelu_new(y, columns);
        for (size_t c = 0; j->after == AFTER_RELU && c < columns; c++)
            y[c] = y[c] > 0 ? y[c] : 0;
        if (j->residual)
            w->k->add(y, j->residual + i * j->ldy + p * PANEL, columns);
    }
}

/* What the spare panel gives, if it has an output of these panels. */
static float *multiply_spare(const struct work *w, int member, size_t from,
                             size_t to)
{
    const struct linear *l = w->j->l;
    bool any = false;
    for (size_t s = 0; s < l->n_spare; s++) {
        size_t p = (size_t)l->spare_of[s] / PANEL;
        any |= p >= from && p < to;
    }
    if (!any)
        return NULL;
    float *y = w->spare + (size_t)member * w->j->rows * PANEL;
    for (size_t r = 0; r < w->j->rows; r += TILE_ROWS)
        tile(w, r, w->j->rows - r < TILE_ROWS ? w->j->rows - r : TILE_ROWS,
             l->n_panels, y + r * PANEL, PANEL);
    return y;
}

static void add_spare(const struct work *w, const float *spare, size_t r,
                      size_t rows, size_t p)
{
    const struct linear *l = w->j->l;
    for (size_t s = 0; s < l->n_spare; s++) {
        size_t o = (size_t)l->spare_of[s];
        for (size_t i = r; o / PANEL == p && i < r + rows; i++)
            w->j->y[i * w->j->ldy + o] += spare[i * PANEL + s];
    }
}

/* A member's share of the panels, for all rows: weights are read once. */
static void multiply_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    const struct linear_job *j = w->j;
    float edge[TILE_ROWS * PANEL];
    size_t from, to;
    team_share(j->l->n_panels, 1, i, n, &from, &to);
    const float *spare = multiply_spare(w, i, from, to);
    for (size_t p = from; p < to; p++) {
        size_t columns = j->l->outs - p * PANEL;
        columns = columns < PANEL ? columns : PANEL;
        for (size_t r = 0; r < j->rows; r += TILE_ROWS) {
            size_t rows = j->rows - r < TILE_ROWS ? j->rows - r : TILE_ROWS;
            float *y = j->y + r * j->ldy + p * PANEL;
            if (columns == PANEL) {
                tile(w, r, rows, p, y, j->ldy);
            } else {
                tile(w, r, rows, p, edge, PANEL);
                for (size_t k = 0; k < rows; k++)
                    memcpy(y + k * j->ldy, edge + k * PANEL,
                           columns * sizeof(float));
            }
            if (spare)
                add_spare(w, spare, r, rows, p);
            if (j->after != AFTER_NOTHING || j->residual)
                finish(w, r, rows, p, columns);
        }
    }
}

void linear_apply(struct team *t, struct workspace *space,
                  const struct linear_job *j)
{
    const struct linear *l = j->l;
    size_t mark = workspace_mark(space);
    struct work w = {.j = j, .k = kernels(), .x = j->x, .ldx = j->ldx};
    if (l->precision != PRECISION_F32) {
        w.ldx = l->k;
        w.converted =
            workspace_take(space, j->rows * l->k * linear_widths[l->precision]);
        w.x = w.converted;
        w.rows = WORKSPACE_ARRAY(space, struct quantized_row, j->rows);
        w.outliers = WORKSPACE_ARRAY(space, struct outliers, j->rows);
        w.spare = WORKSPACE_ARRAY(space, float,
                                  (size_t)team_size(t) * j->rows * PANEL);
        team_run(t, convert_part, &w);
    }
    team_run(t, multiply_part, &w);
    workspace_reset(space, mark);
}
