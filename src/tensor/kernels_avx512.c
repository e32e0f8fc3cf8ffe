/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX-512: F, BW, VL and DQ are needed. VNNI, which Skylake-X lacks, and BF16,
 * which Ice Lake lacks too, make tables of their own; their instructions are
 * written out where they are used, so that nothing else gets them.
 */
#include "tensor/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#include "tensor/repeat.h"

#if defined(__clang__)
#pragma clang attribute push(                                                  \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))),         \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")
#endif

/* ---- lanes
 * --------------------------------------------------------------------- */

typedef __m512 lanes;
enum { LANES = 16 };

static inline __mmask16 first(size_t n)
{
    return (__mmask16)((1U << n) - 1);
}

static inline lanes lanes_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline lanes lanes_load(const float *x)
{
    return _mm512_loadu_ps(x);
}

static inline lanes lanes_load_part(const float *x, size_t n, float rest)
{
    return _mm512_mask_loadu_ps(_mm512_set1_ps(rest), first(n), x);
}

static inline void lanes_store(float *x, lanes v)
{
    _mm512_storeu_ps(x, v);
}

static inline void lanes_store_part(float *x, size_t n, lanes v)
{
    _mm512_mask_storeu_ps(x, first(n), v);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return _mm512_sub_ps(a, b);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return _mm512_div_ps(a, b);
}

static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}

static inline lanes lanes_abs(lanes a)
{
    return _mm512_abs_ps(a);
}

static inline lanes lanes_sqrt(lanes a)
{
    return _mm512_sqrt_ps(a);
}

static inline lanes lanes_round(lanes a)
{
    /* To nearest, no exceptions. The instruction itself: without optimising,
     * gcc's intrinsic is a macro that warns of its own mask. */
    lanes ret;
    __asm__("vrndscaleps $8, %1, %0" : "=v"(ret) : "v"(a));
    return ret;
}

/* a · 2ⁿ */
static inline lanes lanes_scale(lanes a, lanes n)
{
    return _mm512_scalef_ps(a, n);
}

/* What is not above `limit`, and zero for the others. */
static inline lanes lanes_up_to(lanes a, lanes limit)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, limit, _CMP_LE_OQ), a);
}

static inline bool lanes_any_above(lanes a, lanes limit)
{
    return _mm512_cmp_ps_mask(a, limit, _CMP_GT_OQ) != 0;
}

/* Byte `which` of each of the words at `p`. */
static inline lanes lanes_of_bytes(const int8_t *p, size_t which)
{
    __m128i up = _mm_cvtsi32_si128(24 - 8 * (int)which);
    __m512i words = _mm512_sll_epi32(_mm512_loadu_si512(p), up);
    return _mm512_cvtepi32_ps(_mm512_srai_epi32(words, 24));
}

static inline float lanes_sum(lanes a)
{
    return _mm512_reduce_add_ps(a);
}

static inline float lanes_top(lanes a)
{
    return _mm512_reduce_max_ps(a);
}

#include "tensor/rows.inc"

#include "tensor/tiles_avx512.inc"

/* ---- other forms of numbers
 * ------------------------------------------------------------ */

/* Sixteen numbers as bf16; what is no number stays none. */
static inline __m256i bf16_of(__m512 v)
{
    __m512i bits = _mm512_castps_si512(v);
    __m512i upper = _mm512_srli_epi32(bits, 16);
    __m512i even = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(even, _mm512_set1_epi32(0x7fff));
    __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, up), 16);
    __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(
        _mm512_mask_or_epi32(rounded, nan, upper, _mm512_set1_epi32(0x40)));
}

/* The same as one instruction, which takes numbers below 2⁻¹²⁶ for zero. */
static inline __m256i bf16_at_once(__m512 v)
{
    __m256i ret;
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(ret) : "v"(v));
    return ret;
}

#define TO_BF16(name, OF)                                                      \
    static void name(const float *x, size_t n, uint16_t *ret)                  \
    {                                                                          \
        size_t i = 0;                                                          \
        for (; i + LANES <= n; i += LANES)                                     \
            _mm256_storeu_si256((__m256i *)(ret + i), OF(lanes_load(x + i)));  \
        if (i < n)                                                             \
            _mm256_mask_storeu_epi16(ret + i, first(n - i),                    \
                                     OF(lanes_load_part(x + i, n - i, 0)));    \
    }
TO_BF16(to_bf16, bf16_of)
TO_BF16(to_bf16_at_once, bf16_at_once)

static inline void quantize(const float *x, size_t n,
                            const struct row_range *range, int levels,
                            uint8_t *ret, struct quantized_row *ret_row)
{
    *ret_row = steps_of(range, levels);
    float steps = 1 / ret_row->scale;
    __m512i zero = _mm512_set1_epi32(ret_row->zero);
    __m512i top = _mm512_set1_epi32(levels);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = n - i < 16 ? first(n - i) : 0xffff;
        __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(v, _mm512_set1_ps(steps)));
        q = _mm512_max_epi32(_mm512_add_epi32(q, zero), _mm512_setzero_si512());
        q = _mm512_min_epi32(q, top);
        _mm_mask_storeu_epi8(ret + i, m, _mm512_cvtepi32_epi8(q));
    }
}

enum { LEVELS_7 = 127, LEVELS_8 = 255 };

static void to_u7(const float *x, size_t n, const struct row_range *range,
                  uint8_t *ret, struct quantized_row *ret_row)
{
    quantize(x, n, range, LEVELS_7, ret, ret_row);
}

static void to_u8(const float *x, size_t n, const struct row_range *range,
                  uint8_t *ret, struct quantized_row *ret_row)
{
    quantize(x, n, range, LEVELS_8, ret, ret_row);
}

/* ---- transposing
 * ------------------------------------------------------------------- */

/* 16 × 16: pairs, fours, then 128-bit quarters of the rows change places. */
static void transpose_16(const float *x, size_t ldx, float *y, size_t ldy)
{
    __m512 a[16];
    __m512 b[16];
    for (size_t i = 0; i < 16; i++)
        a[i] = _mm512_loadu_ps(x + i * ldx);
    for (size_t i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    for (size_t i = 0; i < 16; i += 4) {
        a[i] = _mm512_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    for (size_t i = 0; i < 4; i++) {
        __m512 p = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
        __m512 q = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
        __m512 s = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd);
        __m512 t = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xdd);
        _mm512_storeu_ps(y + i * ldy, _mm512_shuffle_f32x4(p, q, 0x88));
        _mm512_storeu_ps(y + (i + 4) * ldy, _mm512_shuffle_f32x4(s, t, 0x88));
        _mm512_storeu_ps(y + (i + 8) * ldy, _mm512_shuffle_f32x4(p, q, 0xdd));
        _mm512_storeu_ps(y + (i + 12) * ldy, _mm512_shuffle_f32x4(s, t, 0xdd));
    }
}

static void transpose(size_t rows, size_t columns, const float *x, size_t ldx,
                      float *y, size_t ldy)
{
    size_t whole_rows = rows / 16 * 16;
    size_t whole_columns = columns / 16 * 16;
    for (size_t r = 0; r < whole_rows; r += 16) {
        for (size_t c = 0; c < whole_columns; c += 16)
            transpose_16(x + r * ldx + c, ldx, y + c * ldy + r, ldy);
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; c++)
            y[c * ldy + r] = x[r * ldx + c];
    }
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

/* What all three tables have in common. */
#define TABLE                                                                  \
    .tile_f32 = tile_f32, .strip_f32 = strip_f32, .strip_bf16 = strip_bf16,    \
    .block_f32 = block_f32, .sliver = SLIVER, .transpose = transpose,          \
    .gelu = rows_gelu, .gelu_back = rows_gelu_back, .gelu_new = rows_gelu_new, \
    .softmax = rows_softmax, .add = rows_add, .layer_norm = rows_layer_norm,   \
    .adam = rows_adam, .range = rows_range, .far_out = rows_far_out,           \
    .column_i8 = rows_column_i8

static bool has_avx512(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
}

const struct kernels *kernels_avx512(void)
{
    static const struct kernels k = {
        .name = "avx512",
        .tile_bf16 = tile_bf16,
        .to_bf16 = to_bf16,
        .tile_i8 = tile_i8,
        .to_u8 = to_u7,
        .levels = LEVELS_7,
        TABLE,
    };
    return has_avx512() ? &k : NULL;
}

const struct kernels *kernels_avx512_vnni(void)
{
    static const struct kernels k = {
        .name = "avx512-vnni",
        .tile_bf16 = tile_bf16,
        .to_bf16 = to_bf16,
        .tile_i8 = tile_vnni,
        .to_u8 = to_u8,
        .levels = LEVELS_8,
        TABLE,
    };
    bool has = has_avx512() && __builtin_cpu_supports("avx512vnni");
    return has ? &k : NULL;
}

const struct kernels *kernels_avx512_bf16(void)
{
    static const struct kernels k = {
        .name = "avx512-bf16",
        .tile_bf16 = tile_dot_bf16,
        .to_bf16 = to_bf16_at_once,
        .tile_i8 = tile_vnni,
        .to_u8 = to_u8,
        .levels = LEVELS_8,
        TABLE,
    };
    bool has = has_avx512() && __builtin_cpu_supports("avx512vnni") &&
               __builtin_cpu_supports("avx512bf16");
    return has ? &k : NULL;
}

#else

const struct kernels *kernels_avx512(void)
{
    return NULL;
}

const struct kernels *kernels_avx512_vnni(void)
{
    return NULL;
}

const struct kernels *kernels_avx512_bf16(void)
{
    return NULL;
}

#endif
