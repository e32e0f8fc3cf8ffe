/*
 * tensor/linear.h - y = x·Wᵀ + b, with the weights laid out for the machine
 *
 * Weights are packed once (tensor/kernels.h tells how) in one of three
 * precisions; x and y are always f32. In 8 bits each output has a scale of its
 * own and each row of x is quantised as it comes (Jacob et al. 2018,
 * "dynamic"); sums are exact integers.
 */
#ifndef OTK_TENSOR_LINEAR_H
#define OTK_TENSOR_LINEAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf;
struct err;
struct team;
struct workspace;

enum precision { PRECISION_F32, PRECISION_BF16, PRECISION_I8 };
enum { PRECISIONS = 3 };

/* "f32", "bf16", "int8"; OTK_EINVAL names what it may be. */
int precision_from(struct str name, enum precision *ret, struct err *e);
const char *precision_name(enum precision p);

struct linear; /* immutable: any number of threads may use it */

/* `w` is outs × in, a row an output; `b` may be NULL. OTK_ELIMIT: no memory. */
int linear_new(const float *w, const float *b, size_t outs, size_t in,
               enum precision p, struct linear **ret, struct err *e);
void linear_free(struct linear *l); /* NULL is fine */
size_t linear_outs(const struct linear *l);
size_t linear_in(const struct linear *l);
size_t linear_bytes(const struct linear *l);

/*
 * The packed form as one block of bytes, which a file may keep and any machine
 * use (tensor/kernels.h): panels, bias, scale and sum. The block lives as long
 * as `l`.
 */
struct str linear_block(const struct linear *l);
size_t linear_block_bytes(size_t outs, size_t in, enum precision p);

/*
 * A matrix over such a block where it lies, aligned to 64 bytes: nothing is
 * copied, the block must outlive *ret and stays the caller's. OTK_EFORMAT: of
 * another size, not aligned, or with values that no packing gives.
 */
int linear_map(struct str block, size_t outs, size_t in, enum precision p,
               struct linear **ret, struct err *e);

enum linear_after { AFTER_NOTHING, AFTER_GELU, AFTER_GELU_NEW, AFTER_RELU };

struct linear_job {
    const struct linear *l;
    const float *x; /* rows × in, rows `ldx` apart */
    size_t rows, ldx;
    float *y; /* rows × outs, rows `ldy` apart; no part of x */
    size_t ldy;
    const float *residual; /* added at the end, as y lies; NULL: none */
    enum linear_after after;
};

/* The team's members share the work. `w` is for this team only. */
void linear_apply(struct team *t, struct workspace *w,
                  const struct linear_job *j);

#endif
