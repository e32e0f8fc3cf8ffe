/*
 * tensor/norm.h - layer normalisation of rows, there and back
 *
 * y = (x - mean) / √(variance + eps) · gain + bias a row (Ba et al. 2016).
 */
#ifndef OTK_TENSOR_NORM_H
#define OTK_TENSOR_NORM_H

#include <stddef.h>

struct team;
struct workspace;

struct norm {
    const float *gain, *bias;
    size_t width;
    float eps;
};

/* y may be x. */
void norm_apply(struct team *t, const struct norm *n, const float *x,
                size_t rows, float *y);

/*
 * From the slopes of y to those of x (`ret`, may be `slopes`), and those of
 * gain and bias, which are added to what stands there.
 */
void norm_back(struct team *t, struct workspace *w, const struct norm *n,
               const float *x, size_t rows, const float *slopes, float *ret,
               float *gain, float *bias);

#endif
