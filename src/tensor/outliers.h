/*
 * tensor/outliers.h - a row in 8 bits, and what does not go into them
 *
 * In some tokens of trained encoders one number is 20 times as large as is
 * usual (Dettmers et al. 2022, "LLM.int8()"). A range that reaches so far
 * leaves the others a few steps. So a few numbers of a row may lie outside its
 * range, and what is cut off of them is multiplied apart, in f32. Such are
 * chosen anew for each row, for it is not known before which they are.
 */
#ifndef OTK_TENSOR_OUTLIERS_H
#define OTK_TENSOR_OUTLIERS_H

#include <stddef.h>
#include <stdint.h>

struct kernels;
struct quantized_row;

enum { OUTLIERS_MAX = 4 };

struct outliers {
    uint32_t n;
    uint32_t at[OUTLIERS_MAX]; /* in the row */
    float rest[OUTLIERS_MAX];  /* what its byte stands for is less by this */
};

void outliers_split(const struct kernels *k, const float *x, size_t n,
                    uint8_t *ret, struct quantized_row *ret_row,
                    struct outliers *ret_outliers);

#endif
