/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/reference.h"

#include <math.h>
#include <string.h>

#include "tensor/kernels.h"

void reference_linear(size_t rows, size_t in, size_t outs, const float *x,
                      const float *w, const float *bias, float *y)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < outs; o++) {
            double sum = bias ? (double)bias[o] : 0;
            for (size_t i = 0; i < in; i++)
                sum += (double)x[r * in + i] * (double)w[o * in + i];
            y[r * outs + o] = (float)sum;
        }
    }
}

uint16_t reference_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    if (isnan(x))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float reference_of_bf16(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof(y));
    return y;
}

float reference_quantize_weights(const float *w, size_t n, int8_t *ret)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(w[i]));
    float scale = most > 0 ? most / 127 : 1;
    for (size_t i = 0; i < n; i++)
        ret[i] = (int8_t)lrintf(w[i] / scale);
    return scale;
}

void reference_range(const float *x, size_t n, struct row_range *ret)
{
    double squares = 0;
    *ret = (struct row_range){0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        ret->least = fminf(ret->least, x[i]);
        ret->most = fmaxf(ret->most, x[i]);
        squares += (double)x[i] * (double)x[i];
    }
    ret->squares = (float)squares;
}

void reference_quantize_row(const float *x, size_t n,
                            const struct row_range *range, int levels,
                            uint8_t *ret, struct quantized_row *ret_row)
{
    float wide = range->most - range->least;
    float scale = wide > 0 ? wide / (float)levels : 1;
    float steps = 1 / scale;
    ret_row->scale = scale;
    ret_row->zero = (int32_t)lrintf(-range->least * steps);
    for (size_t i = 0; i < n; i++) {
        long q = lrintf(x[i] * steps) + ret_row->zero;
        ret[i] = (uint8_t)(q < 0 ? 0 : q > levels ? levels : q);
    }
}

void reference_gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double v = (double)x[i];
        x[i] = (float)(v / 2 * (1 + erf(v * M_SQRT1_2)));
    }
}

void reference_gelu_back(const float *x, float *g, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double v = (double)x[i];
        double below = (1 + erf(v * M_SQRT1_2)) / 2;
        double bell = exp(-v * v / 2) / sqrt(2 * M_PI);
        g[i] = (float)((double)g[i] * (below + v * bell));
    }
}

void reference_gelu_new(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double v = (double)x[i];
        double u = sqrt(2 / M_PI) * (v + 0.044715 * v * v * v);
        x[i] = (float)(v / 2 * (1 + tanh(u)));
    }
}

void reference_softmax(float *x, size_t n, float scale)
{
    float top = x[0];
    double sum = 0;
    for (size_t i = 1; i < n; i++)
        top = fmaxf(top, x[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp((double)scale * ((double)x[i] - (double)top));
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(exp((double)scale * ((double)x[i] - (double)top)) / sum);
}

void reference_layer_norm(const float *x, size_t n, const float *gain,
                          const float *bias, float eps, float *y)
{
    double mean = 0;
    double variance = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        variance += ((double)x[i] - mean) * ((double)x[i] - mean);
    double by = 1 / sqrt(variance / (double)n + (double)eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(((double)x[i] - mean) * by * (double)gain[i] +
                       (double)bias[i]);
}

void reference_adam(const struct adam_pace *p, size_t n, float *value,
                    float *slope, float *first, float *second)
{
    double b1 = (double)p->beta1;
    double b2 = (double)p->beta2;
    for (size_t i = 0; i < n; i++) {
        double g = (double)slope[i] * (double)p->by;
        double m = b1 * (double)first[i] + (1 - b1) * g;
        double v = b2 * (double)second[i] + (1 - b2) * g * g;
        double size = sqrt(v) * (double)p->undo_second + (double)p->eps;
        value[i] = (float)((double)value[i] * (double)p->keep -
                           (double)p->rate * m / size);
        first[i] = (float)m;
        second[i] = (float)v;
        slope[i] = 0;
    }
}
