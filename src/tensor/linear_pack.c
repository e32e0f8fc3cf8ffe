/* SPDX-License-Identifier: Apache-2.0 */
/* Weights as panels: made of plain rows, or found in a block as they were. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "tensor/kernels.h"
#include "tensor/linear_private.h"

enum { SIDE_MAX = 1 << 22 };

static const char *const names[PRECISIONS] = {"f32", "bf16", "int8"};
static const size_t groups[PRECISIONS] = {1, 2, 4};
const size_t linear_widths[PRECISIONS] = {4, 2, 1};

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

static void shape(struct linear *l, size_t outs, size_t in, enum precision p)
{
    l->precision = p;
    l->outs = outs;
    l->in = in;
    l->k = (in + groups[p] - 1) / groups[p] * groups[p];
    l->n_panels = (outs + PANEL - 1) / PANEL;
}

/* The spare panel counts. */
static size_t columns_of(const struct linear *l)
{
    return (l->n_panels + (l->precision == PRECISION_I8)) * PANEL;
}

static size_t panels_bytes(const struct linear *l)
{
    return columns_of(l) * l->k * linear_widths[l->precision];
}

static void place(struct linear *l, const void *block)
{
    size_t columns = columns_of(l);
    l->panels = block;
    l->bias =
        (const float *)(const void *)((const char *)block + panels_bytes(l));
    l->scale = l->bias + columns;
    l->sum = (const int32_t *)(const void *)(l->scale + columns);
    l->spare_of = l->sum + columns;
    while (l->precision == PRECISION_I8 && l->n_spare < PANEL &&
           l->spare_of[l->n_spare] >= 0)
        l->n_spare++;
}

/* What outputs look like before they are woven into a panel. */
struct packing {
    struct linear *l;
    float *row;  /* one of them, filled up to k with zeros */
    char *rows;  /* a panel's, in their new form: PANEL × k */
    char *spare; /* those of the spare panel */
    size_t n_spare;
    float *bias; /* where the block has them, to be written */
    float *scale;
    int32_t *sum, *spare_of;
};

static int32_t sum_of(const int8_t *x, size_t n)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* As reference_quantize_weights(), in loops that compilers make vectors of:
 * the largest by its bits, whose order is that of numbers above zero. */
static float quantize(const float *w, size_t n, int8_t *ret)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t own;
        memcpy(&own, &w[i], sizeof(own));
        own &= INT32_MAX;
        bits = own > bits ? own : bits;
    }
    float most;
    memcpy(&most, &bits, sizeof(most));
    float scale = most > 0 ? most / 127 : 1;
    /* 1.5 · 2^23 leaves no bits behind the point: rounding to nearest even */
    const float whole = 12582912.0F;
    for (size_t i = 0; i < n; i++) {
        float steps = w[i] / scale + whole;
        int32_t own;
        memcpy(&own, &steps, sizeof(own));
        ret[i] = (int8_t)own;
    }
    return scale;
}

/* A weight this many times as large as usual makes the others' steps coarse. */
static const double FAR_OUT = 8;

static bool is_far_out(const float *w, size_t n, float scale)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)w[i] * (double)w[i];
    return 127 * (double)scale > FAR_OUT * sqrt(squares / (double)n);
}

/* What rounding left of an output, as an output of the spare panel. */
static void pack_rest(struct packing *x, size_t o, const float *w,
                      const int8_t *rounded)
{
    struct linear *l = x->l;
    size_t at = l->n_panels * PANEL + x->n_spare;
    int8_t *to = (int8_t *)x->spare + x->n_spare * l->k;
    for (size_t i = 0; i < l->in; i++)
        x->row[i] = w[i] - (float)rounded[i] * x->scale[o];
    x->scale[at] = quantize(x->row, l->in, to);
    x->sum[at] = sum_of(to, l->in);
    x->spare_of[x->n_spare++] = (int32_t)o;
}

/* A group of each of PANEL outputs side by side, then the next one: in words
 * of 32 bits, which a group is in each precision. */
static void weave(const char *rows, size_t words, char *panel)
{
    for (size_t g = 0; g < words; g++) {
        for (size_t c = 0; c < PANEL; c++)
            memcpy(panel + (g * PANEL + c) * sizeof(uint32_t),
                   rows + (c * words + g) * sizeof(uint32_t), sizeof(uint32_t));
    }
}

static void pack_panel(struct packing *x, size_t p, const float *w)
{
    struct linear *l = x->l;
    size_t row = l->k * linear_widths[l->precision];
    size_t n = l->outs - p * PANEL < PANEL ? l->outs - p * PANEL : PANEL;
    char *panel = (char *)l->own + p * PANEL * row;
    if (l->precision == PRECISION_F32) {
        kernels()->transpose(n, l->in, w + p * PANEL * l->in, l->in,
                             (float *)(void *)panel, PANEL);
        return;
    }
    memset(x->rows, 0, PANEL * row);
    for (size_t c = 0; c < n; c++) {
        const float *from = w + (p * PANEL + c) * l->in;
        char *to = x->rows + c * row;
        if (l->precision == PRECISION_BF16) {
            memcpy(x->row, from, l->in * sizeof(*from));
            kernels()->to_bf16(x->row, l->k, (uint16_t *)(void *)to);
        } else {
            size_t o = p * PANEL + c;
            x->scale[o] = quantize(from, l->in, (int8_t *)to);
            x->sum[o] = sum_of((int8_t *)to, l->in);
            if (x->n_spare < PANEL && is_far_out(from, l->in, x->scale[o]))
                pack_rest(x, o, from, (int8_t *)to);
        }
    }
    weave(x->rows, row / sizeof(uint32_t), panel);
}

static void pack_spare(struct packing *x)
{
    struct linear *l = x->l;
    if (l->precision != PRECISION_I8)
        return;
    for (size_t i = x->n_spare; i < PANEL; i++)
        x->spare_of[i] = -1;
    weave(x->spare, l->k / sizeof(uint32_t),
          (char *)l->own + l->n_panels * PANEL * l->k);
}

static int no_memory(size_t outs, size_t in, struct err *e)
{
    return err_set(e, OTK_ELIMIT, "no memory for a matrix of %zu × %zu", outs,
                   in);
}

static int check_sides(size_t outs, size_t in, struct err *e)
{
    return outs == 0 || in == 0 || outs > SIDE_MAX || in > SIDE_MAX
               ? err_set(e, OTK_ELIMIT, "a matrix of %zu × %zu", outs, in)
               : OTK_OK;
}

int linear_new(const float *w, const float *b, size_t outs, size_t in,
               enum precision p, struct linear **ret, struct err *e)
{
    int r = check_sides(outs, in, e);
    if (r)
        return r;
    struct linear *l = MEM_NEW(struct linear);
    shape(l, outs, in, p);
    size_t bytes = linear_bytes(l);
    l->own = bytes <= MEM_MAX ? aligned_alloc(ALIGNMENT, bytes) : NULL;
    struct packing x = {.l = l,
                        .row = mem_try(l->k, sizeof(*x.row)),
                        .rows = mem_try(PANEL * l->k, linear_widths[p]),
                        .spare = mem_try(PANEL * l->k, 1)};
    if (l->own && x.row && x.rows && x.spare) {
        memset(l->own, 0, bytes);
        x.bias = (float *)(void *)((char *)l->own + panels_bytes(l));
        x.scale = x.bias + columns_of(l);
        x.sum = (int32_t *)(void *)(x.scale + columns_of(l));
        x.spare_of = x.sum + columns_of(l);
        for (size_t i = 0; i < l->n_panels; i++)
            pack_panel(&x, i, w);
        pack_spare(&x);
        place(l, l->own);
        if (b)
            memcpy(x.bias, b, outs * sizeof(*b));
        *ret = l;
    } else {
        linear_free(l);
        r = no_memory(outs, in, e);
    }
    free(x.row);
    free(x.rows);
    free(x.spare);
    return r;
}

struct str linear_block(const struct linear *l)
{
    return (struct str){l->panels, linear_bytes(l)};
}

size_t linear_block_bytes(size_t outs, size_t in, enum precision p)
{
    struct linear l;
    shape(&l, outs, in, p);
    return linear_bytes(&l);
}

/* ---- mapped blocks
 * --------------------------------------------------------------------- */

enum { EXPONENT = 0x7f800000, BRAIN_EXPONENT = 0x7f80 };

static bool finite_f32(const void *p, size_t n)
{
    const uint32_t *x = p;
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= (x[i] & EXPONENT) == EXPONENT;
    return !bad;
}

static bool finite_bf16(const void *p, size_t n)
{
    const uint16_t *x = p;
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= (x[i] & BRAIN_EXPONENT) == BRAIN_EXPONENT;
    return !bad;
}

/* Values that packing could have given, as far as a wrong one would leave the
 * range of what kernels compute with. */
static bool possible(const struct linear *l)
{
    size_t n = columns_of(l);
    bool good = finite_f32(l->bias, n) && finite_f32(l->scale, n);
    if (l->precision == PRECISION_F32)
        return good && finite_f32(l->panels, n * l->k);
    if (l->precision == PRECISION_BF16)
        return good && finite_bf16(l->panels, n * l->k);
    for (size_t i = 0; good && i < n; i++) {
        int64_t most = 128 * (int64_t)l->k;
        good = l->sum[i] >= -most && l->sum[i] <= most;
    }
    for (size_t i = 0; good && i < PANEL; i++)
        good = l->spare_of[i] >= -1 && l->spare_of[i] < (int64_t)l->outs;
    return good;
}

int linear_map(struct str block, size_t outs, size_t in, enum precision p,
               struct linear **ret, struct err *e)
{
    int r = check_sides(outs, in, e);
    if (r)
        return r;
    struct linear *l = MEM_NEW(struct linear);
    shape(l, outs, in, p);
    bool fits =
        block.n == linear_bytes(l) && (uintptr_t)block.p % ALIGNMENT == 0;
    if (fits)
        place(l, block.p);
    if (!fits)
        r = err_set(e, OTK_EFORMAT,
                    "%zu bytes for a matrix of %zu × %zu in %s, which takes "
                    "%zu, aligned to %d",
                    block.n, outs, in, names[p], linear_bytes(l), ALIGNMENT);
    else if (!possible(l))
        r = err_set(e, OTK_EFORMAT,
                    "a matrix of %zu × %zu has values that are not finite",
                    outs, in);
    if (r)
        free(l);
    else
        *ret = l;
    return r;
}

void linear_free(struct linear *l)
{
    if (!l)
        return;
    free(l->own);
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
    enum { BESIDE = 12 }; /* bias, scale, sum of an output */
    size_t spare = l->precision == PRECISION_I8 ? PANEL * sizeof(int32_t) : 0;
    return columns_of(l) * (l->k * linear_widths[l->precision] + BESIDE) +
           spare;
}
