/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/linear.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "tensor/kernels.h"
#include "tensor/reference.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

enum { SIDE_MAX = 1 << 22 };

struct linear {
    enum precision precision;
    size_t outs, in;
    size_t k;        /* `in` up to whole groups */
    size_t n_panels; /* the last one filled up with zeros */
    void *panels;
    float *bias, *scale; /* n_panels × PANEL */
    int32_t *sum;
};

static const char *const names[PRECISIONS] = {"f32", "bf16", "int8"};
static const size_t groups[PRECISIONS] = {1, 2, 4};
static const size_t widths[PRECISIONS] = {4, 2, 1}; /* bytes of a number */

int precision_from(struct str name, enum precision *ret, struct err *e)
{
    for (int i = 0; i < PRECISIONS; i++) {
        if (str_is(name, names[i])) {
            *ret = (enum precision)i;
            return OTK_OK;
        }
    }
    return err_set(e, OTK_EINVAL, "no precision '" STR_FMT "': f32, bf16, int8",
                   STR_ARG(name));
}

const char *precision_name(enum precision p)
{
    return names[p];
}

/* ---- packing
 * ----------------------------------------------------------------------- */

static void *aligned(size_t bytes)
{
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *p = bytes <= MEM_MAX ? aligned_alloc(ALIGNMENT, bytes) : NULL;
    if (p)
        memset(p, 0, bytes);
    return p;
}

/* Where the weights of output `o` begin, in numbers. */
static size_t place(const struct linear *l, size_t o)
{
    return o / PANEL * l->k * PANEL + o % PANEL * groups[l->precision];
}

static void pack_output(struct linear *l, size_t o, const float *w, int8_t *row)
{
    size_t g = groups[l->precision];
    size_t at = place(l, o);
    if (l->precision == PRECISION_I8)
        l->scale[o] = reference_quantize_weights(w, l->in, row);
    for (size_t i = 0; i < l->in; i++) {
        size_t to = at + i / g * g * PANEL + i % g;
        if (l->precision == PRECISION_F32) {
            ((float *)l->panels)[to] = w[i];
        } else if (l->precision == PRECISION_BF16) {
            ((uint16_t *)l->panels)[to] = reference_bf16(w[i]);
        } else {
            ((int8_t *)l->panels)[to] = row[i];
            l->sum[o] += row[i];
        }
    }
}

int linear_new(const float *w, const float *b, size_t outs, size_t in,
               enum precision p, struct linear **ret, struct err *e)
{
    if (outs == 0 || in == 0 || outs > SIDE_MAX || in > SIDE_MAX)
        return err_set(e, OTK_ELIMIT, "a matrix of %zu × %zu", outs, in);
    struct linear *l = MEM_NEW(struct linear);
    int8_t *row = mem_new(in, 1);
    l->precision = p;
    l->outs = outs;
    l->in = in;
    l->k = (in + groups[p] - 1) / groups[p] * groups[p];
    l->n_panels = (outs + PANEL - 1) / PANEL;
    l->panels = aligned(l->n_panels * PANEL * l->k * widths[p]);
    l->bias = aligned(l->n_panels * PANEL * sizeof(*l->bias));
    l->scale = aligned(l->n_panels * PANEL * sizeof(*l->scale));
    l->sum = aligned(l->n_panels * PANEL * sizeof(*l->sum));
    if (!l->panels || !l->bias || !l->scale || !l->sum) {
        linear_free(l);
        free(row);
        return err_set(e, OTK_ELIMIT, "no memory for a matrix of %zu × %zu",
                       outs, in);
    }
    for (size_t o = 0; o < outs; o++)
        pack_output(l, o, w + o * in, row);
    if (b)
        memcpy(l->bias, b, outs * sizeof(*b));
    free(row);
    *ret = l;
    return OTK_OK;
}

void linear_free(struct linear *l)
{
    if (!l)
        return;
    free(l->panels);
    free(l->bias);
    free(l->scale);
    free(l->sum);
    free(l);
}

size_t linear_outs(const struct linear *l)
{
    return l->outs;
}

size_t linear_in(const struct linear *l)
{
    return l->in;
}

size_t linear_bytes(const struct linear *l)
{
    return l->n_panels * PANEL * (l->k * widths[l->precision] + 12);
}

/* ---- applying
 * ---------------------------------------------------------------------- */

/* One job while a team works on it. */
struct work {
    const struct linear_job *j;
    const struct kernels *k;
    const void *x;   /* in the form that tiles take */
    void *converted; /* that, when it is not f32 */
    size_t ldx;      /* in numbers */
    struct quantized_row *rows;
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
            w->k->to_u8(x, l->in, row, &w->rows[r]);
            for (size_t k = l->in; k < l->k; k++)
                row[k] = 0; /* times weights of zero */
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
        w->k->tile_i8(rows, l->k, (const uint8_t *)w->x + r * w->ldx, w->ldx,
                      w->rows + r, (const int8_t *)l->panels + at, &s, bias, y,
                      ldy);
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

/* A member's share of the panels, for all rows: weights are read once. */
static void multiply_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    const struct linear_job *j = w->j;
    float edge[TILE_ROWS * PANEL];
    size_t from, to;
    team_share(j->l->n_panels, 1, i, n, &from, &to);
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
            workspace_take(space, j->rows * l->k * widths[l->precision]);
        w.x = w.converted;
        w.rows = WORKSPACE_ARRAY(space, struct quantized_row, j->rows);
        team_run(t, convert_part, &w);
    }
    team_run(t, multiply_part, &w);
    workspace_reset(space, mark);
}
