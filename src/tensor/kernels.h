/*
 * tensor/kernels.h - what one instruction set brings to the engine
 *
 * The contract between the routines of this folder and the loops written for
 * an instruction set, a file each: kernels_plain.c, kernels_avx2.c,
 * kernels_avx512.c, kernels_neon.c. tensor/reference.c says in plain loops what
 * each of them has to give; a table is used only after it gave that on this
 * machine (kernels_check()).
 *
 * A product of matrices is cut into tiles of up to TILE_ROWS rows of x by one
 * panel of PANEL outputs. Weights lie as panels: for each panel, for each group
 * of `k`, for each of its PANEL outputs the group's weights side by side. A
 * group is 1 number in f32, 2 in bf16, 4 in int8, which is what one
 * instruction takes of a row. The layout is the same everywhere, so that a
 * packed model can go from one machine to another.
 */
#ifndef OTK_TENSOR_KERNELS_H
#define OTK_TENSOR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PANEL = 48,    /* outputs; 3 registers of AVX-512, 6 of AVX2, 12 of NEON */
    STRIP = 32,    /* columns of a tile in attention: heads are 32 or 64 wide */
    TILE_ROWS = 8, /* 8 × 3 sums and 4 operands fill 32 registers less 4 */
    GROUP_MAX = 4,
    ALIGNMENT = 64,
};

/* A row of 8-bit numbers q stands for (q - zero) * scale. */
struct quantized_row {
    float scale;
    int32_t zero;
};

/* What the steps of a row are chosen by: its ends, of which neither is on the
 * other's side of zero, and the sum of squares. */
struct row_range {
    float least, most;
    float squares;
};

/* The weights of a panel in 8 bits: one scale an output, and the sum of its
 * weights, by which the zero of a row is taken out again. */
struct panel_scales {
    const float *scale;
    const int32_t *sum;
};

/* What the numbers of a tensor have in common in a step of AdamW. */
struct adam_pace {
    float rate; /* with 1/(1 - β₁ᵗ) in it */
    float keep; /* 1 less the decay of this step */
    float beta1, beta2, eps;
    float by;          /* of slopes: the clip */
    float undo_second; /* 1/√(1 - β₂ᵗ) */
};

struct kernels {
    const char *name;

    /*
     * y[r][c] = bias[c] + Σ x[r][i] · w[i][c] for `rows` (1 … TILE_ROWS) rows
     * of `k` numbers, `ldx` apart, and one panel. `k` is a multiple of the
     * group, weights are aligned to ALIGNMENT. `bias` has PANEL numbers.
     */
    void (*tile_f32)(size_t rows, size_t k, const float *x, size_t ldx,
                     const float *w, const float *bias, float *y, size_t ldy);
    void (*tile_bf16)(size_t rows, size_t k, const uint16_t *x, size_t ldx,
                      const uint16_t *w, const float *bias, float *y,
                      size_t ldy);
    void (*tile_i8)(size_t rows, size_t k, const uint8_t *x, size_t ldx,
                    const struct quantized_row *row, const int8_t *w,
                    const struct panel_scales *scales, const float *bias,
                    float *y, size_t ldy);

    /* y[r][c] = Σ x[r][i] · w[i][c] for STRIP columns; rows of w are `ldw`
     * apart and need no alignment. */
    void (*strip_f32)(size_t rows, size_t k, const float *x, size_t ldx,
                      const float *w, size_t ldw, float *y, size_t ldy);
    /* The same with w in bf16, and x in f32: what lies long, lies small. */
    void (*strip_bf16)(size_t rows, size_t k, const float *x, size_t ldx,
                       const uint16_t *w, size_t ldw, float *y, size_t ldy);

    /*
     * y[r][c] = start[r][c] + Σ x[i][r] · w[i][c] for `rows` rows, a multiple
     * of TILE_ROWS, and `sliver` columns, both sides packed for it: x in tiles
     * of k × TILE_ROWS, one behind the other, w as k × sliver, aligned to
     * ALIGNMENT. Rows of `start` are `ldstart` apart (0: all have the same
     * one); it may be y.
     */
    void (*block_f32)(size_t rows, size_t k, const float *x, const float *w,
                      const float *start, size_t ldstart, float *y, size_t ldy);
    size_t sliver; /* at most PANEL */

    /* y[c][r] = x[r][c]. */
    void (*transpose)(size_t rows, size_t columns, const float *x, size_t ldx,
                      float *y, size_t ldy);

    /* Numbers for tiles, rounded to nearest even; `n` is a multiple of the
     * group. Rows of 8 bits have 0 … levels; what lies outside the range
     * becomes one of its ends. */
    void (*to_bf16)(const float *x, size_t n, uint16_t *ret);
    void (*to_u8)(const float *x, size_t n, const struct row_range *range,
                  uint8_t *ret, struct quantized_row *ret_row);
    int levels; /* 255; 127 where pairs of products are summed in 16 bits */

    void (*range)(const float *x, size_t n, struct row_range *ret);
    /* How many |x| are above `cut`, where the first `room` of them stand, and
     * the largest |x| of all others. */
    size_t (*far_out)(const float *x, size_t n, float cut, uint32_t *ret_at,
                      size_t room, float *ret_rest);
    /* y[c] += by · scale[c] · w[c]: one of the four inputs of a group, for the
     * outputs of a panel. */
    void (*column_i8)(const int8_t *group, size_t which, float by,
                      const float *scale, float *y);

    /* x = x/2 · (1 + erf(x/√2)), to 3e-7 of max(1, |x|). */
    void (*gelu)(float *x, size_t n);
    /* g = g · what gelu changes by at x. */
    void (*gelu_back)(const float *x, float *g, size_t n);
    /* x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), to 1e-6. */
    void (*gelu_new)(float *x, size_t n);
    /* x = exp(scale·x - max) / Σ. */
    void (*softmax)(float *x, size_t n, float scale);
    void (*add)(float *x, const float *y, size_t n);
    /* y = (x - mean) / √(variance + eps) · gain + bias; y may be x. */
    void (*layer_norm)(const float *x, size_t n, const float *gain,
                       const float *bias, float eps, float *y);
    /*
     * g = by · slope, first and second go towards g and g² by 1 - β₁ and
     * 1 - β₂, value = keep · value - rate · first / (√second · undo_second +
     * eps), slope = 0.
     */
    void (*adam)(const struct adam_pace *p, size_t n, float *value,
                 float *slope, float *first, float *second);
};

/* The fastest that this machine has and that passed its check, or what
 * OTKLIK_ISA names: plain; neon, neon-dot; avx2, avx2-vnni; avx512,
 * avx512-vnni, avx512-bf16. Chosen once; any thread. */
const struct kernels *kernels(void);

/* Why it is that one: "avx512-bf16", "avx2, asked for by OTKLIK_ISA", "plain:
 * avx2 failed its check in gelu". */
const char *kernels_reason(void);

/* All that this machine can run, slowest first, NULL at the end. */
const struct kernels *const *kernels_all(void);

/* The name of the first function whose results differ from reference.c's;
 * NULL: none. Takes a few milliseconds. */
const char *kernels_check(const struct kernels *k);

/* One function an instruction set: its table, or NULL on another machine. */
const struct kernels *kernels_plain(void);
const struct kernels *kernels_avx2(void);
const struct kernels *kernels_avx2_vnni(void);
const struct kernels *kernels_avx512(void);
const struct kernels *kernels_avx512_vnni(void);
const struct kernels *kernels_avx512_bf16(void);
const struct kernels *kernels_neon(void);
const struct kernels *kernels_neon_dot(void);

#endif
