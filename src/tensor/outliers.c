/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/outliers.h"

#include <math.h>

#include "tensor/kernels.h"

/* What is usual (the root of the mean square) shall have so many steps: 10
 * times that is too much, 5 times where rows have 7 bits. */
static const float USUAL_STEPS = 25;

enum { FOUND_MAX = 16 }; /* beyond, the row is simply wide */

/* The largest go to the front; how large the first behind them is. */
static float order(const float *x, uint32_t *at, size_t found)
{
    for (size_t i = 0; i < found && i <= OUTLIERS_MAX; i++) {
        for (size_t k = i + 1; k < found; k++) {
            if (fabsf(x[at[k]]) > fabsf(x[at[i]])) {
                uint32_t larger = at[k];
                at[k] = at[i];
                at[i] = larger;
            }
        }
    }
    return found > OUTLIERS_MAX ? fabsf(x[at[OUTLIERS_MAX]]) : 0;
}

/* Which are outliers, and the range without them. */
static void find(const struct kernels *k, const float *x, size_t n,
                 struct row_range *range, struct outliers *ret)
{
    const float keep = (float)k->levels / USUAL_STEPS;
    float cut = keep * sqrtf(range->squares / (float)n);
    uint32_t at[FOUND_MAX];
    float rest;
    ret->n = 0;
    if (!(fmaxf(-range->least, range->most) > cut))
        return;
    size_t found = k->far_out(x, n, cut, at, FOUND_MAX, &rest);
    if (found > FOUND_MAX)
        return;
    rest = fmaxf(rest, order(x, at, found));
    range->least = fmaxf(range->least, -rest);
    range->most = fminf(range->most, rest);
    for (; ret->n < found && ret->n < OUTLIERS_MAX; ret->n++)
        ret->at[ret->n] = at[ret->n];
}

void outliers_split(const struct kernels *k, const float *x, size_t n,
                    uint8_t *ret, struct quantized_row *ret_row,
                    struct outliers *ret_outliers)
{
    struct row_range range;
    k->range(x, n, &range);
    find(k, x, n, &range, ret_outliers);
    k->to_u8(x, n, &range, ret, ret_row);
    for (size_t i = 0; i < ret_outliers->n; i++) {
        size_t at = ret_outliers->at[i];
        ret_outliers->rest[i] =
            x[at] - (float)(ret[at] - ret_row->zero) * ret_row->scale;
    }
}
