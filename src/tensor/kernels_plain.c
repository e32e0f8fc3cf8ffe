/* SPDX-License-Identifier: Apache-2.0 */
/* Any machine: plain C, in loops that compilers make vectors of. */
#include <math.h>
#include <string.h>

#include "tensor/kernels.h"
#include "tensor/reference.h"

/* ---- lanes, one wide
 * --------------------------------------------------------------- */

typedef float lanes;
enum { LANES = 1 };

static inline lanes lanes_set(float x)
{
    return x;
}

static inline lanes lanes_load(const float *x)
{
    return *x;
}

/* there is no tail to a row that is cut into ones */
static inline lanes lanes_load_part(const float *x, size_t n, float rest)
{
    return n ? *x : rest;
}

static inline void lanes_store(float *x, lanes v)
{
    *x = v;
}

static inline void lanes_store_part(float *x, size_t n, lanes v)
{
    if (n)
        *x = v;
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return a + b;
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return a - b;
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return a * b;
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return a / b;
}

static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return a * b + c;
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return a > b ? a : b;
}

static inline lanes lanes_abs(lanes a)
{
    return fabsf(a);
}

static inline lanes lanes_sqrt(lanes a)
{
    return sqrtf(a);
}

static inline lanes lanes_round(lanes a)
{
    return rintf(a);
}

static inline lanes lanes_scale(lanes a, lanes n)
{
    return ldexpf(a, (int)n);
}

static inline lanes lanes_up_to(lanes a, lanes limit)
{
    return a <= limit ? a : 0;
}

static inline bool lanes_any_above(lanes a, lanes limit)
{
    return a > limit;
}

static inline lanes lanes_of_bytes(const int8_t *p, size_t which)
{
    return (float)p[which];
}

static inline float lanes_sum(lanes a)
{
    return a;
}

static inline float lanes_top(lanes a)
{
    return a;
}

#include "tensor/rows.inc"

/* ---- tiles
 * --------------------------------------------------------------------- */

static void tile_f32(size_t rows, size_t k, const float *x, size_t ldx,
                     const float *w, const float *bias, float *y, size_t ldy)
{
    for (size_t r = 0; r < rows; r++) {
        float sum[PANEL];
        memcpy(sum, bias, sizeof(sum));
        for (size_t i = 0; i < k; i++) {
            float v = x[r * ldx + i];
            for (size_t c = 0; c < PANEL; c++)
                sum[c] += v * w[i * PANEL + c];
        }
        memcpy(y + r * ldy, sum, sizeof(sum));
    }
}

static void tile_bf16(size_t rows, size_t k, const uint16_t *x, size_t ldx,
                      const uint16_t *w, const float *bias, float *y,
                      size_t ldy)
{
    for (size_t r = 0; r < rows; r++) {
        float sum[PANEL];
        memcpy(sum, bias, sizeof(sum));
        for (size_t i = 0; i < k; i++) {
            float v = reference_of_bf16(x[r * ldx + i]);
            const uint16_t *group = w + i / 2 * 2 * PANEL + i % 2;
            for (size_t c = 0; c < PANEL; c++)
                sum[c] += v * reference_of_bf16(group[2 * c]);
        }
        memcpy(y + r * ldy, sum, sizeof(sum));
    }
}

static void tile_i8(size_t rows, size_t k, const uint8_t *x, size_t ldx,
                    const struct quantized_row *row, const int8_t *w,
                    const struct panel_scales *scales, const float *bias,
                    float *y, size_t ldy)
{
    for (size_t r = 0; r < rows; r++) {
        int32_t sum[PANEL] = {0};
        for (size_t i = 0; i < k; i++) {
            int32_t v = x[r * ldx + i];
            const int8_t *group = w + i / 4 * 4 * PANEL + i % 4;
            for (size_t c = 0; c < PANEL; c++)
                sum[c] += v * group[4 * c];
        }
        for (size_t c = 0; c < PANEL; c++)
            y[r * ldy + c] = (float)(sum[c] - row[r].zero * scales->sum[c]) *
                                 (row[r].scale * scales->scale[c]) +
                             bias[c];
    }
}

static void strip_f32(size_t rows, size_t k, const float *x, size_t ldx,
                      const float *w, size_t ldw, float *y, size_t ldy)
{
    for (size_t r = 0; r < rows; r++) {
        float sum[STRIP] = {0};
        for (size_t i = 0; i < k; i++) {
            float v = x[r * ldx + i];
            for (size_t c = 0; c < STRIP; c++)
                sum[c] += v * w[i * ldw + c];
        }
        memcpy(y + r * ldy, sum, sizeof(sum));
    }
}

static void strip_bf16(size_t rows, size_t k, const float *x, size_t ldx,
                       const uint16_t *w, size_t ldw, float *y, size_t ldy)
{
    for (size_t r = 0; r < rows; r++) {
        float sum[STRIP] = {0};
        for (size_t i = 0; i < k; i++) {
            float v = x[r * ldx + i];
            for (size_t c = 0; c < STRIP; c++)
                sum[c] += v * reference_of_bf16(w[i * ldw + c]);
        }
        memcpy(y + r * ldy, sum, sizeof(sum));
    }
}

enum { SLIVER = 24, LEVELS = 255 };

static void block_f32(size_t rows, size_t k, const float *x, const float *w,
                      const float *start, size_t ldstart, float *y, size_t ldy)
{
    for (size_t r = 0; r < rows; r++) {
        const float *own = x + r / TILE_ROWS * TILE_ROWS * k + r % TILE_ROWS;
        float sum[SLIVER];
        memcpy(sum, start + r * ldstart, sizeof(sum));
        for (size_t i = 0; i < k; i++) {
            float v = own[i * TILE_ROWS];
            for (size_t c = 0; c < SLIVER; c++)
                sum[c] += v * w[i * SLIVER + c];
        }
        memcpy(y + r * ldy, sum, sizeof(sum));
    }
}

static void transpose(size_t rows, size_t columns, const float *x, size_t ldx,
                      float *y, size_t ldy)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++)
            y[c * ldy + r] = x[r * ldx + c];
    }
}

static void to_bf16(const float *x, size_t n, uint16_t *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = reference_bf16(x[i]);
}

static void to_u8(const float *x, size_t n, const struct row_range *range,
                  uint8_t *ret, struct quantized_row *ret_row)
{
    reference_quantize_row(x, n, range, LEVELS, ret, ret_row);
}

const struct kernels *kernels_plain(void)
{
    static const struct kernels k = {
        .name = "plain",
        .tile_f32 = tile_f32,
        .tile_bf16 = tile_bf16,
        .tile_i8 = tile_i8,
        .strip_f32 = strip_f32,
        .strip_bf16 = strip_bf16,
        .block_f32 = block_f32,
        .sliver = SLIVER,
        .transpose = transpose,
        .to_bf16 = to_bf16,
        .to_u8 = to_u8,
        .levels = LEVELS,
        .gelu = rows_gelu,
        .gelu_back = rows_gelu_back,
        .gelu_new = rows_gelu_new,
        .softmax = rows_softmax,
        .add = rows_add,
        .layer_norm = rows_layer_norm,
        .adam = rows_adam,
        .range = rows_range,
        .far_out = rows_far_out,
        .column_i8 = rows_column_i8,
    };
    return &k;
}
