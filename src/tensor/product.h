/*
 * tensor/product.h - y = a·b for matrices that change, as in training
 *
 * tensor/linear.h is for weights that stay: here both sides are numbers of the
 * moment, in f32, and either may lie transposed. What is packed, is packed for
 * this one product.
 */
#ifndef OTK_TENSOR_PRODUCT_H
#define OTK_TENSOR_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

struct team;
struct workspace;

/* A matrix as it lies: row i begins at p + i · ld. */
struct side {
    const float *p;
    size_t ld;
    bool transposed; /* its rows are the columns of the product's operand */
};

struct product {
    size_t m, k, n; /* a is m × k, b is k × n, y is m × n; none is 0 */
    struct side a, b;
    const float *bias; /* n numbers, to each row; NULL: none */
    float *y;          /* no part of a or b */
    size_t ldy;
    bool adds; /* y += a·b; there is no bias then */
    bool bf16; /* both sides are rounded to that, sums are f32 */
};

void product_apply(struct team *t, struct workspace *w,
                   const struct product *p);

#endif
