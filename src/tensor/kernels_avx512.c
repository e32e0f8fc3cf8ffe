/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX-512: F, BW, VL and DQ are needed, VNNI for 8 bits, BF16 for bf16.
 *
 * Sums of a tile are named variables, made by macros: gcc 12 keeps arrays of
 * registers in memory, and copies every accumulator around the intrinsic of
 * vpdpbusd, hence the instruction itself.
 */
#include "tensor/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#define TARGET                                                                 \
    __attribute__((target(                                                     \
        "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,fma")))

#if defined(__clang__)
#pragma clang attribute push(TARGET, apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target(                                                            \
    "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,fma")
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

static inline lanes lanes_round(lanes a)
{
    return _mm512_roundscale_ps(a,
                                _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a · 2ⁿ */
static inline lanes lanes_scale(lanes a, lanes n)
{
    return _mm512_scalef_ps(a, n);
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

/* ---- tiles
 * --------------------------------------------------------------------- */

/* ROWS_n(DO) is DO for each of n rows. */
#define ROWS_1(DO) DO(0)
#define ROWS_2(DO) ROWS_1(DO) DO(1)
#define ROWS_3(DO) ROWS_2(DO) DO(2)
#define ROWS_4(DO) ROWS_3(DO) DO(3)
#define ROWS_5(DO) ROWS_4(DO) DO(4)
#define ROWS_6(DO) ROWS_5(DO) DO(5)
#define ROWS_7(DO) ROWS_6(DO) DO(6)
#define ROWS_8(DO) ROWS_7(DO) DO(7)

/* Weights come from memory in one long stream; the prefetcher starts anew at
 * every page, so the lines of some steps ahead are asked for by hand. */
enum { AHEAD = 8192 };
#define FETCH(w)                                                               \
    _mm_prefetch((const char *)(w) + AHEAD, _MM_HINT_T0);                      \
    _mm_prefetch((const char *)(w) + AHEAD + 64, _MM_HINT_T0);                 \
    _mm_prefetch((const char *)(w) + AHEAD + 128, _MM_HINT_T0);

#define START_F32(r)                                                           \
    __m512 y##r##0 = bias0;                                                    \
    __m512 y##r##1 = bias1;                                                    \
    __m512 y##r##2 = bias2;
#define STEP_F32(r)                                                            \
    {                                                                          \
        __m512 v = _mm512_set1_ps(x[(r)*ldx + i]);                             \
        y##r##0 = _mm512_fmadd_ps(v, w0, y##r##0);                             \
        y##r##1 = _mm512_fmadd_ps(v, w1, y##r##1);                             \
        y##r##2 = _mm512_fmadd_ps(v, w2, y##r##2);                             \
    }
#define STORE_F32(r)                                                           \
    _mm512_storeu_ps(y + (r)*ldy, y##r##0);                                    \
    _mm512_storeu_ps(y + (r)*ldy + 16, y##r##1);                               \
    _mm512_storeu_ps(y + (r)*ldy + 32, y##r##2);

#define TILE_F32(n)                                                            \
    static void tile_f32_##n(size_t k, const float *x, size_t ldx,             \
                             const float *w, const float *bias, float *y,      \
                             size_t ldy)                                       \
    {                                                                          \
        __m512 bias0 = _mm512_loadu_ps(bias);                                  \
        __m512 bias1 = _mm512_loadu_ps(bias + 16);                             \
        __m512 bias2 = _mm512_loadu_ps(bias + 32);                             \
        ROWS_##n(START_F32) for (size_t i = 0; i < k; i++, w += PANEL)         \
        {                                                                      \
            FETCH(w)                                                           \
            __m512 w0 = _mm512_load_ps(w);                                     \
            __m512 w1 = _mm512_load_ps(w + 16);                                \
            __m512 w2 = _mm512_load_ps(w + 32);                                \
            ROWS_##n(STEP_F32)                                                 \
        }                                                                      \
        ROWS_##n(STORE_F32)                                                    \
    }

/* Two numbers of x and of w an instruction. */
#define STEP_BF16(r)                                                           \
    {                                                                          \
        __m512bh v =                                                           \
            (__m512bh)_mm512_set1_epi32(*(const two_bf16 *)(x + (r)*ldx + i)); \
        y##r##0 = _mm512_dpbf16_ps(y##r##0, v, w0);                            \
        y##r##1 = _mm512_dpbf16_ps(y##r##1, v, w1);                            \
        y##r##2 = _mm512_dpbf16_ps(y##r##2, v, w2);                            \
    }

#define TILE_BF16(n)                                                           \
    static void tile_bf16_##n(size_t k, const uint16_t *x, size_t ldx,         \
                              const uint16_t *w, const float *bias, float *y,  \
                              size_t ldy)                                      \
    {                                                                          \
        __m512 bias0 = _mm512_loadu_ps(bias);                                  \
        __m512 bias1 = _mm512_loadu_ps(bias + 16);                             \
        __m512 bias2 = _mm512_loadu_ps(bias + 32);                             \
        ROWS_##n(START_F32) for (size_t i = 0; i < k; i += 2, w += 2 * PANEL)  \
        {                                                                      \
            FETCH(w)                                                           \
            __m512bh w0 = (__m512bh)_mm512_load_si512(w);                      \
            __m512bh w1 = (__m512bh)_mm512_load_si512(w + 32);                 \
            __m512bh w2 = (__m512bh)_mm512_load_si512(w + 64);                 \
            ROWS_##n(STEP_BF16)                                                \
        }                                                                      \
        ROWS_##n(STORE_F32)                                                    \
    }

/* Four of x, unsigned, and four of w, signed, an instruction. */
#define DOT_I8(sum, a, b)                                                      \
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b))

#define START_I8(r)                                                            \
    __m512i y##r##0 = _mm512_setzero_si512();                                  \
    __m512i y##r##1 = _mm512_setzero_si512();                                  \
    __m512i y##r##2 = _mm512_setzero_si512();
#define STEP_I8(r)                                                             \
    {                                                                          \
        __m512i v = _mm512_set1_epi32(*(const four_u8 *)(x + (r)*ldx + i));    \
        DOT_I8(y##r##0, v, w0);                                                \
        DOT_I8(y##r##1, v, w1);                                                \
        DOT_I8(y##r##2, v, w2);                                                \
    }
#define STORE_I8(r)                                                            \
    store_i8(y##r##0, &row[r], scales, bias, y + (r)*ldy);                     \
    store_i8(y##r##1, &row[r],                                                 \
             &(struct panel_scales){scales->scale + 16, scales->sum + 16},     \
             bias + 16, y + (r)*ldy + 16);                                     \
    store_i8(y##r##2, &row[r],                                                 \
             &(struct panel_scales){scales->scale + 32, scales->sum + 32},     \
             bias + 32, y + (r)*ldy + 32);

#define TILE_I8(n)                                                             \
    static void tile_i8_##n(size_t k, const uint8_t *x, size_t ldx,            \
                            const struct quantized_row *row, const int8_t *w,  \
                            const struct panel_scales *scales,                 \
                            const float *bias, float *y, size_t ldy)           \
    {                                                                          \
        ROWS_##n(START_I8) for (size_t i = 0; i < k; i += 4, w += 4 * PANEL)   \
        {                                                                      \
            FETCH(w)                                                           \
            __m512i w0 = _mm512_load_si512(w);                                 \
            __m512i w1 = _mm512_load_si512(w + 64);                            \
            __m512i w2 = _mm512_load_si512(w + 128);                           \
            ROWS_##n(STEP_I8)                                                  \
        }                                                                      \
        ROWS_##n(STORE_I8)                                                     \
    }

/* Rows of numbers that are read two or four at a time. */
typedef int __attribute__((may_alias, aligned(2))) two_bf16;
typedef int __attribute__((may_alias, aligned(1))) four_u8;

/* (sum - zero · Σw) · scales + bias */
static inline void store_i8(__m512i sum, const struct quantized_row *row,
                            const struct panel_scales *s, const float *bias,
                            float *y)
{
    __m512i zeros = _mm512_mullo_epi32(_mm512_set1_epi32(row->zero),
                                       _mm512_loadu_si512(s->sum));
    __m512 value = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, zeros));
    __m512 scale =
        _mm512_mul_ps(_mm512_set1_ps(row->scale), _mm512_loadu_ps(s->scale));
    _mm512_storeu_ps(y, _mm512_fmadd_ps(value, scale, _mm512_loadu_ps(bias)));
}

#define START_STRIP(r)                                                         \
    __m512 y##r##0 = _mm512_setzero_ps();                                      \
    __m512 y##r##1 = _mm512_setzero_ps();
#define STEP_STRIP(r)                                                          \
    {                                                                          \
        __m512 v = _mm512_set1_ps(x[(r)*ldx + i]);                             \
        y##r##0 = _mm512_fmadd_ps(v, w0, y##r##0);                             \
        y##r##1 = _mm512_fmadd_ps(v, w1, y##r##1);                             \
    }
#define STORE_STRIP(r)                                                         \
    _mm512_storeu_ps(y + (r)*ldy, y##r##0);                                    \
    _mm512_storeu_ps(y + (r)*ldy + 16, y##r##1);

#define STRIP_F32(n)                                                           \
    static void strip_f32_##n(size_t k, const float *x, size_t ldx,            \
                              const float *w, size_t ldw, float *y,            \
                              size_t ldy)                                      \
    {                                                                          \
        ROWS_##n(START_STRIP) for (size_t i = 0; i < k; i++, w += ldw)         \
        {                                                                      \
            __m512 w0 = _mm512_loadu_ps(w);                                    \
            __m512 w1 = _mm512_loadu_ps(w + 16);                               \
            ROWS_##n(STEP_STRIP)                                               \
        }                                                                      \
        ROWS_##n(STORE_STRIP)                                                  \
    }

/* A function for each number of rows, and the one that chooses. */
#define EACH(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8)
EACH(TILE_F32)
EACH(TILE_BF16)
EACH(TILE_I8)
EACH(STRIP_F32)
#define NAMES(stem)                                                            \
    {                                                                          \
        stem##_1, stem##_2, stem##_3, stem##_4, stem##_5, stem##_6, stem##_7,  \
            stem##_8                                                           \
    }

static void tile_f32(size_t rows, size_t k, const float *x, size_t ldx,
                     const float *w, const float *bias, float *y, size_t ldy)
{
    static void (*const by_rows[])(size_t, const float *, size_t, const float *,
                                   const float *, float *, size_t) =
        NAMES(tile_f32);
    by_rows[rows - 1](k, x, ldx, w, bias, y, ldy);
}

static void tile_bf16(size_t rows, size_t k, const uint16_t *x, size_t ldx,
                      const uint16_t *w, const float *bias, float *y,
                      size_t ldy)
{
    static void (*const by_rows[])(size_t, const uint16_t *, size_t,
                                   const uint16_t *, const float *, float *,
                                   size_t) = NAMES(tile_bf16);
    by_rows[rows - 1](k, x, ldx, w, bias, y, ldy);
}

static void tile_i8(size_t rows, size_t k, const uint8_t *x, size_t ldx,
                    const struct quantized_row *row, const int8_t *w,
                    const struct panel_scales *scales, const float *bias,
                    float *y, size_t ldy)
{
    static void (*const by_rows[])(size_t, const uint8_t *, size_t,
                                   const struct quantized_row *, const int8_t *,
                                   const struct panel_scales *, const float *,
                                   float *, size_t) = NAMES(tile_i8);
    by_rows[rows - 1](k, x, ldx, row, w, scales, bias, y, ldy);
}

static void strip_f32(size_t rows, size_t k, const float *x, size_t ldx,
                      const float *w, size_t ldw, float *y, size_t ldy)
{
    static void (*const by_rows[])(size_t, const float *, size_t, const float *,
                                   size_t, float *, size_t) = NAMES(strip_f32);
    by_rows[rows - 1](k, x, ldx, w, ldw, y, ldy);
}

/* ---- other forms of numbers
 * ------------------------------------------------------------ */

static void to_bf16(const float *x, size_t n, uint16_t *ret)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm256_storeu_si256((__m256i *)(ret + i), (__m256i)_mm512_cvtneps_pbh(
                                                      _mm512_loadu_ps(x + i)));
    if (i < n) {
        __m512 part = _mm512_maskz_loadu_ps(first(n - i), x + i);
        _mm256_mask_storeu_epi16(ret + i, first(n - i),
                                 (__m256i)_mm512_cvtneps_pbh(part));
    }
}

static void to_u8(const float *x, size_t n, uint8_t *ret,
                  struct quantized_row *ret_row)
{
    __m512 low = _mm512_setzero_ps();
    __m512 high = low;
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = n - i < 16 ? first(n - i) : 0xffff;
        __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        low = _mm512_min_ps(low, v);
        high = _mm512_max_ps(high, v);
    }
    float least = _mm512_reduce_min_ps(low);
    float most = _mm512_reduce_max_ps(high);
    float scale = most > least ? (most - least) / 255 : 1;
    float steps = 1 / scale;
    ret_row->scale = scale;
    ret_row->zero = (int32_t)lrintf(-least * steps);
    __m512i zero = _mm512_set1_epi32(ret_row->zero);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = n - i < 16 ? first(n - i) : 0xffff;
        __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(v, _mm512_set1_ps(steps)));
        q = _mm512_max_epi32(_mm512_add_epi32(q, zero), _mm512_setzero_si512());
        _mm_mask_storeu_epi8(ret + i, m, _mm512_cvtusepi32_epi8(q));
    }
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

const struct kernels *kernels_avx512(void)
{
    static const struct kernels k = {
        .name = "avx512",
        .tile_f32 = tile_f32,
        .tile_bf16 = tile_bf16,
        .tile_i8 = tile_i8,
        .strip_f32 = strip_f32,
        .transpose = transpose,
        .to_bf16 = to_bf16,
        .to_u8 = to_u8,
        .levels = 255,
        .gelu = rows_gelu,
        .gelu_back = rows_gelu_back,
        .gelu_new = rows_gelu_new,
        .softmax = rows_softmax,
        .add = rows_add,
        .layer_norm = rows_layer_norm,
    };
    __builtin_cpu_init();
    bool has = __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vnni") &&
               __builtin_cpu_supports("avx512bf16");
    return has ? &k : NULL;
}

#else

const struct kernels *kernels_avx512(void)
{
    return NULL;
}

#endif
