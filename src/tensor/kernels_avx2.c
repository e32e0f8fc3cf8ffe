/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 with FMA, and AVX-VNNI for 8 bits where a processor has it. */
#include "tensor/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "tensor/repeat.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))),              \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

/* ---- lanes
 * --------------------------------------------------------------------- */

typedef __m256 lanes;
enum { LANES = 8 };

/* All bits of the first n of 8 numbers. */
static inline __m256i first(size_t n)
{
    static const int32_t ones[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(ones + LANES - n));
}

static inline lanes lanes_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline lanes lanes_load(const float *x)
{
    return _mm256_loadu_ps(x);
}

static inline lanes lanes_load_part(const float *x, size_t n, float rest)
{
    __m256i m = first(n);
    return _mm256_blendv_ps(_mm256_set1_ps(rest), _mm256_maskload_ps(x, m),
                            _mm256_castsi256_ps(m));
}

static inline void lanes_store(float *x, lanes v)
{
    _mm256_storeu_ps(x, v);
}

static inline void lanes_store_part(float *x, size_t n, lanes v)
{
    _mm256_maskstore_ps(x, first(n), v);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm256_add_ps(a, b);
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return _mm256_sub_ps(a, b);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return _mm256_mul_ps(a, b);
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return _mm256_div_ps(a, b);
}

static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm256_max_ps(a, b);
}

static inline lanes lanes_abs(lanes a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a);
}

static inline lanes lanes_sqrt(lanes a)
{
    return _mm256_sqrt_ps(a);
}

static inline lanes lanes_round(lanes a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a · 2ⁿ for -126 ≤ n ≤ 127: the bits of 2ⁿ are made of its exponent. */
static inline lanes lanes_scale(lanes a, lanes n)
{
    __m256i bits =
        _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23)));
}

/* What is not above `limit`, and zero for the others. */
static inline lanes lanes_up_to(lanes a, lanes limit)
{
    return _mm256_and_ps(a, _mm256_cmp_ps(a, limit, _CMP_LE_OQ));
}

static inline bool lanes_any_above(lanes a, lanes limit)
{
    return _mm256_movemask_ps(_mm256_cmp_ps(a, limit, _CMP_GT_OQ)) != 0;
}

/* Byte `which` of each of the words at `p`. */
static inline lanes lanes_of_bytes(const int8_t *p, size_t which)
{
    __m128i up = _mm_cvtsi32_si128(24 - 8 * (int)which);
    __m256i words = _mm256_loadu_si256((const __m256i *)p);
    words = _mm256_srai_epi32(_mm256_sll_epi32(words, up), 24);
    return _mm256_cvtepi32_ps(words);
}

static inline float lanes_sum(lanes a)
{
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline float lanes_top(lanes a)
{
    __m128 s =
        _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

#include "tensor/rows.inc"

#include "tensor/tiles_avx2.inc"

/* ---- other forms of numbers
 * ------------------------------------------------------------ */

/* Eight numbers as bf16, in the order that packing by halves leaves. */
static inline __m256i bf16_of(__m256 v)
{
    __m256i bits = _mm256_castps_si256(v);
    __m256i upper = _mm256_srli_epi32(bits, 16);
    __m256i even = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(even, _mm256_set1_epi32(0x7fff));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, up), 16);
    __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    __m256 nan = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
    return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(nan));
}

/* The lower 16 bits of eight numbers below 2¹⁶. */
static inline __m128i narrow(__m256i v)
{
    return _mm_packus_epi32(_mm256_castsi256_si128(v),
                            _mm256_extracti128_si256(v, 1));
}

static void to_bf16(const float *x, size_t n, uint16_t *ret)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        _mm_storeu_si128((__m128i *)(ret + i),
                         narrow(bf16_of(lanes_load(x + i))));
    if (i < n) {
        uint16_t part[LANES];
        _mm_storeu_si128((__m128i *)part,
                         narrow(bf16_of(lanes_load_part(x + i, n - i, 0))));
        memcpy(ret + i, part, (n - i) * sizeof(*part));
    }
}

static inline __m128i bytes_of(__m256 v, float steps, int32_t zero, int levels)
{
    __m256i q = _mm256_cvtps_epi32(_mm256_mul_ps(v, _mm256_set1_ps(steps)));
    q = _mm256_add_epi32(q, _mm256_set1_epi32(zero));
    q = _mm256_max_epi32(q, _mm256_setzero_si256());
    __m128i words = narrow(_mm256_min_epi32(q, _mm256_set1_epi32(levels)));
    return _mm_packus_epi16(words, words);
}

static inline void quantize(const float *x, size_t n,
                            const struct row_range *range, int levels,
                            uint8_t *ret, struct quantized_row *ret_row)
{
    *ret_row = steps_of(range, levels);
    float steps = 1 / ret_row->scale;
    int32_t zero = ret_row->zero;
    size_t whole = n / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
        _mm_storeu_si64(ret + i,
                        bytes_of(lanes_load(x + i), steps, zero, levels));
    if (whole < n) {
        uint8_t part[LANES];
        lanes rest = lanes_load_part(x + whole, n - whole, 0);
        _mm_storeu_si64(part, bytes_of(rest, steps, zero, levels));
        memcpy(ret + whole, part, n - whole);
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

/* Rows r and r + 4 as one register, half of each: then 4 × 4 in both. */
static inline __m256 two_rows(const float *x, size_t ldx)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x)),
                                _mm_loadu_ps(x + 4 * ldx), 1);
}

/* 8 rows × 4 columns. */
static inline void transpose_8x4(const float *x, size_t ldx, float *y,
                                 size_t ldy)
{
    __m256 a = two_rows(x, ldx);
    __m256 b = two_rows(x + ldx, ldx);
    __m256 c = two_rows(x + 2 * ldx, ldx);
    __m256 d = two_rows(x + 3 * ldx, ldx);
    __m256 ab = _mm256_unpacklo_ps(a, b);
    __m256 cd = _mm256_unpacklo_ps(c, d);
    __m256 ab2 = _mm256_unpackhi_ps(a, b);
    __m256 cd2 = _mm256_unpackhi_ps(c, d);
    _mm256_storeu_ps(y, _mm256_shuffle_ps(ab, cd, 0x44));
    _mm256_storeu_ps(y + ldy, _mm256_shuffle_ps(ab, cd, 0xee));
    _mm256_storeu_ps(y + 2 * ldy, _mm256_shuffle_ps(ab2, cd2, 0x44));
    _mm256_storeu_ps(y + 3 * ldy, _mm256_shuffle_ps(ab2, cd2, 0xee));
}

static void transpose(size_t rows, size_t columns, const float *x, size_t ldx,
                      float *y, size_t ldy)
{
    size_t whole_rows = rows / 8 * 8;
    size_t whole_columns = columns / 4 * 4;
    for (size_t r = 0; r < whole_rows; r += 8) {
        for (size_t c = 0; c < whole_columns; c += 4)
            transpose_8x4(x + r * ldx + c, ldx, y + c * ldy + r, ldy);
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

/* What both tables have in common. */
#define TABLE                                                                  \
    .tile_f32 = tile_f32, .tile_bf16 = tile_bf16, .strip_f32 = strip_f32,      \
    .block_f32 = block_f32, .sliver = SLIVER, .strip_bf16 = strip_bf16,        \
    .transpose = transpose, .to_bf16 = to_bf16, .gelu = rows_gelu,             \
    .gelu_back = rows_gelu_back, .gelu_new = rows_gelu_new,                    \
    .softmax = rows_softmax, .add = rows_add, .layer_norm = rows_layer_norm,   \
    .adam = rows_adam, .range = rows_range, .far_out = rows_far_out,           \
    .column_i8 = rows_column_i8

static bool has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct kernels *kernels_avx2(void)
{
    static const struct kernels k = {
        .name = "avx2",
        .tile_i8 = tile_i8,
        .to_u8 = to_u7,
        .levels = LEVELS_7,
        TABLE,
    };
    return has_avx2() ? &k : NULL;
}

/* Asked of the processor: clang 14 has no name for it. */
static bool has_vnni(void)
{
    unsigned a, b, c, d;
    enum { LEAF = 7, SUBLEAF = 1, AVX_VNNI = 1 << 4 };
    return __get_cpuid_count(LEAF, SUBLEAF, &a, &b, &c, &d) && (a & AVX_VNNI);
}

const struct kernels *kernels_avx2_vnni(void)
{
    static const struct kernels k = {
        .name = "avx2-vnni",
        .tile_i8 = tile_vnni,
        .to_u8 = to_u8,
        .levels = LEVELS_8,
        TABLE,
    };
    return has_avx2() && has_vnni() ? &k : NULL;
}

#else

const struct kernels *kernels_avx2(void)
{
    return NULL;
}

const struct kernels *kernels_avx2_vnni(void)
{
    return NULL;
}

#endif
