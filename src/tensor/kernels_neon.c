/* SPDX-License-Identifier: Apache-2.0 */
/* NEON of aarch64, and FEAT_DotProd for 8 bits where a processor has it. */
#include "tensor/kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <math.h>
#include <string.h>
#include <sys/auxv.h>

#include "tensor/repeat.h"

/* gcc loads what it can before it multiplies, then has no registers for the
 * sums. Processors find that order themselves. */
#if !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("no-schedule-insns")
#endif

/* ---- lanes
 * --------------------------------------------------------------------- */

typedef float32x4_t lanes;
enum { LANES = 4 };

static inline lanes lanes_set(float x)
{
    return vdupq_n_f32(x);
}

static inline lanes lanes_load(const float *x)
{
    return vld1q_f32(x);
}

static inline lanes lanes_load_part(const float *x, size_t n, float rest)
{
    float part[LANES] = {rest, rest, rest, rest};
    memcpy(part, x, n * sizeof(*x));
    return vld1q_f32(part);
}

static inline void lanes_store(float *x, lanes v)
{
    vst1q_f32(x, v);
}

static inline void lanes_store_part(float *x, size_t n, lanes v)
{
    float part[LANES];
    vst1q_f32(part, v);
    memcpy(x, part, n * sizeof(*x));
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return vaddq_f32(a, b);
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return vsubq_f32(a, b);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return vmulq_f32(a, b);
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return vdivq_f32(a, b);
}

static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return vfmaq_f32(c, a, b);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return vmaxq_f32(a, b);
}

static inline lanes lanes_abs(lanes a)
{
    return vabsq_f32(a);
}

static inline lanes lanes_sqrt(lanes a)
{
    return vsqrtq_f32(a);
}

static inline lanes lanes_round(lanes a)
{
    return vrndnq_f32(a);
}

/* a · 2ⁿ for -126 ≤ n ≤ 127: the bits of 2ⁿ are made of its exponent. */
static inline lanes lanes_scale(lanes a, lanes n)
{
    int32x4_t bits = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
    return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(bits, 23)));
}

/* What is not above `limit`, and zero for the others. */
static inline lanes lanes_up_to(lanes a, lanes limit)
{
    uint32x4_t kept = vandq_u32(vreinterpretq_u32_f32(a), vcleq_f32(a, limit));
    return vreinterpretq_f32_u32(kept);
}

static inline bool lanes_any_above(lanes a, lanes limit)
{
    return vmaxvq_u32(vcgtq_f32(a, limit)) != 0;
}

/* Byte `which` of each of the words at `p`. */
static inline lanes lanes_of_bytes(const int8_t *p, size_t which)
{
    int32x4_t words = vreinterpretq_s32_s8(vld1q_s8(p));
    words = vshlq_s32(words, vdupq_n_s32(24 - 8 * (int)which));
    return vcvtq_f32_s32(vshrq_n_s32(words, 24));
}

static inline float lanes_sum(lanes a)
{
    return vaddvq_f32(a);
}

static inline float lanes_top(lanes a)
{
    return vmaxvq_f32(a);
}

#include "tensor/rows.inc"
#include "tensor/tiles_neon.inc"

/* ---- other forms of numbers
 * ------------------------------------------------------------ */

/* Four numbers as bf16; what is no number stays none. */
static inline uint16x4_t bf16_of(float32x4_t v)
{
    uint32x4_t bits = vreinterpretq_u32_f32(v);
    uint32x4_t even = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t up = vaddq_u32(even, vdupq_n_u32(0x7fff));
    uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    uint32x4_t kept = vbslq_u32(vceqq_f32(v, v), vaddq_u32(bits, up), quiet);
    return vshrn_n_u32(kept, 16);
}

static void to_bf16(const float *x, size_t n, uint16_t *ret)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vst1_u16(ret + i, bf16_of(lanes_load(x + i)));
    if (i < n) {
        uint16_t part[LANES];
        vst1_u16(part, bf16_of(lanes_load_part(x + i, n - i, 0)));
        memcpy(ret + i, part, (n - i) * sizeof(*part));
    }
}

enum { LEVELS = 255 };

/* Four numbers as bytes, in the lower half. */
static inline uint8x8_t bytes_of(float32x4_t v, float steps, int32_t zero)
{
    int32x4_t q =
        vaddq_s32(vcvtnq_s32_f32(vmulq_n_f32(v, steps)), vdupq_n_s32(zero));
    uint16x4_t words = vqmovun_s32(q);
    return vqmovn_u16(vcombine_u16(words, words));
}

static void to_u8(const float *x, size_t n, const struct row_range *range,
                  uint8_t *ret, struct quantized_row *ret_row)
{
    *ret_row = steps_of(range, LEVELS);
    float steps = 1 / ret_row->scale;
    for (size_t i = 0; i < n; i += LANES) {
        uint8_t part[2 * LANES];
        size_t own = n - i < LANES ? n - i : LANES;
        float32x4_t v =
            own < LANES ? lanes_load_part(x + i, own, 0) : lanes_load(x + i);
        vst1_u8(part, bytes_of(v, steps, ret_row->zero));
        memcpy(ret + i, part, own);
    }
}

/* ---- transposing
 * ------------------------------------------------------------------- */

static inline void transpose_4x4(const float *x, size_t ldx, float *y,
                                 size_t ldy)
{
    float32x4_t a = vld1q_f32(x);
    float32x4_t b = vld1q_f32(x + ldx);
    float32x4_t c = vld1q_f32(x + 2 * ldx);
    float32x4_t d = vld1q_f32(x + 3 * ldx);
    float32x4_t ac = vzip1q_f32(a, c);
    float32x4_t bd = vzip1q_f32(b, d);
    float32x4_t ac2 = vzip2q_f32(a, c);
    float32x4_t bd2 = vzip2q_f32(b, d);
    vst1q_f32(y, vzip1q_f32(ac, bd));
    vst1q_f32(y + ldy, vzip2q_f32(ac, bd));
    vst1q_f32(y + 2 * ldy, vzip1q_f32(ac2, bd2));
    vst1q_f32(y + 3 * ldy, vzip2q_f32(ac2, bd2));
}

static void transpose(size_t rows, size_t columns, const float *x, size_t ldx,
                      float *y, size_t ldy)
{
    size_t whole_rows = rows / 4 * 4;
    size_t whole_columns = columns / 4 * 4;
    for (size_t r = 0; r < whole_rows; r += 4) {
        for (size_t c = 0; c < whole_columns; c += 4)
            transpose_4x4(x + r * ldx + c, ldx, y + c * ldy + r, ldy);
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; c++)
            y[c * ldy + r] = x[r * ldx + c];
    }
}

#if !defined(__clang__)
#pragma GCC pop_options
#endif

/* The tables differ in one function. */
#define TABLE                                                                  \
    .tile_f32 = tile_f32, .tile_bf16 = tile_bf16, .strip_f32 = strip_f32,      \
    .block_f32 = block_f32, .sliver = SLIVER, .strip_bf16 = strip_bf16,        \
    .transpose = transpose, .to_bf16 = to_bf16, .to_u8 = to_u8,                \
    .levels = LEVELS, .gelu = rows_gelu, .gelu_back = rows_gelu_back,          \
    .gelu_new = rows_gelu_new, .softmax = rows_softmax, .add = rows_add,       \
    .layer_norm = rows_layer_norm, .adam = rows_adam, .range = rows_range,     \
    .far_out = rows_far_out, .column_i8 = rows_column_i8

const struct kernels *kernels_neon(void)
{
    static const struct kernels k = {
        .name = "neon",
        .tile_i8 = tile_i8,
        TABLE,
    };
    return &k;
}

const struct kernels *kernels_neon_dot(void)
{
    static const struct kernels k = {
        .name = "neon-dot",
        .tile_i8 = tile_dot,
        TABLE,
    };
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? &k : NULL;
}

#else

const struct kernels *kernels_neon(void)
{
    return NULL;
}

const struct kernels *kernels_neon_dot(void)
{
    return NULL;
}

#endif
