/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What share of the processor's peak the tiles of each instruction set reach,
 * on one thread: a row for kernel and rows of x, hot (one matrix, again and
 * again) and cold (as many as DistilBERT has, so that weights come from
 * memory). The forms that bf16 and int8 need of x are made anew for each
 * matrix, as linear_apply() does. Peaks are loops that touch registers only.
 *
 *   tensor_bench_kernels [TABLE...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tensor/kernels.h"
#include "tensor/outliers.h"

enum {
    SIDE = 768,
    MATRICES = 72, /* 42.5 million weights */
    ROWS_MAX = 128,
    BATCHES = 9,
    PEAK_STEPS = 1 << 20,
};

enum kind { F32, BF16, I8, KINDS };
static const char *const names[KINDS] = {"tile_f32", "tile_bf16", "tile_i8"};
static const size_t widths[KINDS] = {4, 2, 1};

struct bench {
    const struct kernels *k;
    char *weights;
    float *x, *y;
    void *converted;
    struct quantized_row rows[ROWS_MAX];
    struct outliers outliers; /* even numbers have none */
    float bias[SIDE], scale[SIDE];
    int32_t sum[SIDE];
};

/* The thread's own time: neighbours of a busy machine are left out. */
static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- peaks
 * --------------------------------------------------------------------- */

#if defined(__x86_64__)
/* Twelve sums that do not wait for each other; 14 and 15 are operands. */
#define TWELVE(DO)                                                             \
    DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define USED                                                                   \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",    \
        "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define CLEAR(n)     "vpxor %%xmm" #n ", %%xmm" #n ", %%xmm" #n "\n"
#define FMA_256(n)   "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #n "\n"
#define FMA_512(n)   "vfmadd231ps %%zmm14, %%zmm15, %%zmm" #n "\n"
#define BF16_512(n)  "vdpbf16ps %%zmm14, %%zmm15, %%zmm" #n "\n"
#define BYTES_512(n) "vpdpbusd %%zmm14, %%zmm15, %%zmm" #n "\n"
#define BYTES_256(n) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #n "\n"
#define PAIRS(reg, n)                                                          \
    "vpmaddubsw %%" reg "14, %%" reg "15, %%" reg "12\n"                       \
    "vpmaddwd %%" reg "12, %%" reg "15, %%" reg "13\n"                         \
    "vpaddd %%" reg "13, %%" reg #n ", %%" reg #n "\n"
#define PAIRS_256(n) PAIRS("ymm", n)
#define PAIRS_512(n) PAIRS("zmm", n)

#define PEAK(name, DO)                                                         \
    static void name(size_t steps)                                             \
    {                                                                          \
        __asm__ volatile(TWELVE(CLEAR) CLEAR(14)                               \
                             CLEAR(15) "1:\n" TWELVE(DO) "dec %0\n"            \
                                                         "jnz 1b\n"            \
                                                         "vzeroupper\n"        \
                         : "+r"(steps)                                         \
                         :                                                     \
                         : USED);                                              \
    }
PEAK(peak_fma_256, FMA_256)
PEAK(peak_fma_512, FMA_512)
PEAK(peak_bf16_512, BF16_512)
PEAK(peak_bytes_256, BYTES_256)
PEAK(peak_bytes_512, BYTES_512)
PEAK(peak_pairs_256, PAIRS_256)
PEAK(peak_pairs_512, PAIRS_512)

/* The loop for a table, and operations of one of its instructions. */
static const struct peak {
    const char *table;
    struct {
        void (*loop)(size_t steps);
        double ops;
    } of[KINDS];
} peaks[] = {
    {"avx2", {{peak_fma_256, 16}, {peak_fma_256, 16}, {peak_pairs_256, 64}}},
    {"avx2-vnni",
     {{peak_fma_256, 16}, {peak_fma_256, 16}, {peak_bytes_256, 64}}},
    {"avx512", {{peak_fma_512, 32}, {peak_fma_512, 32}, {peak_pairs_512, 128}}},
    {"avx512-vnni",
     {{peak_fma_512, 32}, {peak_fma_512, 32}, {peak_bytes_512, 128}}},
    {"avx512-bf16",
     {{peak_fma_512, 32}, {peak_bf16_512, 64}, {peak_bytes_512, 128}}},
};

/* Operations a second; 0: not known here. */
static double peak_of(const struct kernels *k, enum kind kind)
{
    for (size_t i = 0; i < sizeof(peaks) / sizeof(*peaks); i++) {
        if (strcmp(peaks[i].table, k->name) != 0)
            continue;
        double best = 1e9;
        for (int b = 0; b < BATCHES; b++) {
            double begin = now();
            peaks[i].of[kind].loop(PEAK_STEPS);
            double took = now() - begin;
            best = took < best ? took : best;
        }
        return 12 * peaks[i].of[kind].ops * PEAK_STEPS / best;
    }
    return 0;
}
#else
static double peak_of(const struct kernels *k, enum kind kind)
{
    (void)k;
    (void)kind;
    return 0;
}
#endif

/* ---- tiles
 * --------------------------------------------------------------------- */

static void convert(struct bench *b, enum kind kind, size_t rows)
{
    for (size_t r = 0; r < rows; r++) {
        const float *x = b->x + r * SIDE;
        if (kind == BF16)
            b->k->to_bf16(x, SIDE, (uint16_t *)b->converted + r * SIDE);
        else if (kind == I8)
            outliers_split(b->k, x, SIDE, (uint8_t *)b->converted + r * SIDE,
                           &b->rows[r], &b->outliers);
    }
}

/* y = x · the matrix of that number */
static void multiply(struct bench *b, enum kind kind, size_t rows, size_t m)
{
    const char *w = b->weights + m * SIDE * SIDE * widths[kind];
    convert(b, kind, rows);
    for (size_t c = 0; c < SIDE; c += PANEL, w += PANEL * SIDE * widths[kind]) {
        for (size_t r = 0; r < rows; r += TILE_ROWS) {
            float *y = b->y + r * SIDE + c;
            const struct panel_scales s = {b->scale + c, b->sum + c};
            if (kind == F32)
                b->k->tile_f32(TILE_ROWS, SIDE, b->x + r * SIDE, SIDE,
                               (const float *)w, b->bias + c, y, SIDE);
            else if (kind == BF16)
                b->k->tile_bf16(TILE_ROWS, SIDE,
                                (const uint16_t *)b->converted + r * SIDE, SIDE,
                                (const uint16_t *)w, b->bias + c, y, SIDE);
            else
                b->k->tile_i8(TILE_ROWS, SIDE,
                              (const uint8_t *)b->converted + r * SIDE, SIDE,
                              b->rows + r, (const int8_t *)w, &s, b->bias + c,
                              y, SIDE);
        }
    }
}

/* Operations a second over `matrices`, the best of some batches. */
static double measure(struct bench *b, enum kind kind, size_t rows,
                      size_t matrices)
{
    double best = 1e9;
    size_t calls = MATRICES;
    for (int i = 0; i <= BATCHES; i++) {
        double begin = now();
        for (size_t m = 0; m < calls; m++)
            multiply(b, kind, rows, m % matrices);
        double took = now() - begin;
        if (i > 0 && took < best)
            best = took;
    }
    return 2.0 * (double)rows * SIDE * SIDE * (double)calls / best;
}

static void show(struct bench *b, enum kind kind)
{
    static const size_t rows[] = {8, 32, 128};
    double peak = peak_of(b->k, kind);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        double hot = measure(b, kind, rows[i], 1);
        double cold = measure(b, kind, rows[i], MATRICES);
        (void)printf("%-12s %-10s %4zu %8.0f %8.0f", b->k->name, names[kind],
                     rows[i], hot / 1e9, cold / 1e9);
        if (peak > 0)
            (void)printf(" %8.0f %5.0f %% %5.0f %%", peak / 1e9,
                         100 * hot / peak, 100 * cold / peak);
        (void)printf("\n");
        (void)fflush(stdout);
    }
}

static void *filled(size_t bytes)
{
    float *p = aligned_alloc(ALIGNMENT, bytes);
    if (!p) {
        (void)fputs("no memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < bytes / sizeof(*p); i++)
        p[i] = (float)(i % 17) / 16 - 0.5F;
    return p;
}

static bool is_asked(const struct kernels *k, int argc, char **argv)
{
    bool any = argc < 2;
    for (int i = 1; i < argc; i++)
        any |= strcmp(argv[i], k->name) == 0;
    return any;
}

int main(int argc, char **argv)
{
    const struct kernels *const *all = kernels_all();
    struct bench *b = filled(sizeof(*b) / ALIGNMENT * ALIGNMENT + ALIGNMENT);
    memset(b, 0, sizeof(*b));
    b->weights = filled((size_t)MATRICES * SIDE * SIDE * sizeof(float));
    b->x = filled(ROWS_MAX * SIDE * sizeof(float));
    b->y = filled(ROWS_MAX * SIDE * sizeof(float));
    b->converted = filled(ROWS_MAX * SIDE * sizeof(float));
    (void)printf("%d x %d, one thread, Gop/s; this machine takes %s\n", SIDE,
                 SIDE, kernels_reason());
    (void)printf("%-12s %-10s %4s %8s %8s %8s %7s %7s\n", "table", "kernel",
                 "rows", "hot", "cold", "peak", "hot", "cold");
    for (size_t i = 0; all[i]; i++) {
        b->k = all[i];
        for (int kind = 0; kind < KINDS && is_asked(b->k, argc, argv); kind++)
            show(b, (enum kind)kind);
    }
    free(b->weights);
    free(b->x);
    free(b->y);
    free(b->converted);
    free(b);
    return 0;
}
