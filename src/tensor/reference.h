/*
 * tensor/reference.h - what each kernel computes, in plain loops
 *
 * The specification: sums are made in double, nothing is clever. Kernels are
 * compared with it when a program starts and in the tests.
 */
#ifndef OTK_TENSOR_REFERENCE_H
#define OTK_TENSOR_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

struct quantized_row;
struct row_range;
struct adam_pace;

/* y[r][o] = bias[o] + Σ x[r][i] · w[o][i]; x is rows × in, w outs × in, as
 * model files have it. `bias` may be NULL. */
void reference_linear(size_t rows, size_t in, size_t outs, const float *x,
                      const float *w, const float *bias, float *y);

/* Nearest, ties to even; NaN stays NaN. */
uint16_t reference_bf16(float x);
float reference_of_bf16(uint16_t x);

/* Weights of one output, -127 … 127; returns what one step stands for. */
float reference_quantize_weights(const float *w, size_t n, int8_t *ret);
void reference_range(const float *x, size_t n, struct row_range *ret);
/* A row, 0 … levels, in which 0.0 is a whole step. */
void reference_quantize_row(const float *x, size_t n,
                            const struct row_range *range, int levels,
                            uint8_t *ret, struct quantized_row *ret_row);

void reference_gelu(float *x, size_t n);
void reference_gelu_back(const float *x, float *g, size_t n);
void reference_gelu_new(float *x, size_t n);
void reference_softmax(float *x, size_t n, float scale);
void reference_layer_norm(const float *x, size_t n, const float *gain,
                          const float *bias, float eps, float *y);
void reference_adam(const struct adam_pace *p, size_t n, float *value,
                    float *slope, float *first, float *second);

#endif
