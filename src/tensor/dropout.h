/*
 * tensor/dropout.h - numbers left out by chance while a model learns
 *
 * Srivastava et al. 2014. Which ones is a function of the seed and of where a
 * row stands, so that the way back leaves out the same without keeping a mask,
 * and any number of threads gives the same.
 */
#ifndef OTK_TENSOR_DROPOUT_H
#define OTK_TENSOR_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

struct dropout {
    float rate;    /* 0 … 0.9; 0: nothing is left out */
    uint64_t seed; /* another one each step and each place of a network */
};

/* x[i] = 0 or x[i] / (1 - rate). */
void dropout_row(const struct dropout *d, uint64_t row, float *x, size_t n);

#endif
