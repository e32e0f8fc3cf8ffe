/*
 * tensor/cache.h - tokens that are looked at again and again
 *
 * Attention of a decoder: a few new tokens ask at a time, over keys and values
 * of those before them or of what was heard, which stay. Keys lie transposed
 * and values by rows, a head each, as the kernels take them.
 *
 * Threads: many may ask; nobody may while one puts.
 */
#ifndef OTK_TENSOR_CACHE_H
#define OTK_TENSOR_CACHE_H

#include <stddef.h>

#include "tensor/linear.h"

struct cache;
struct team;
struct workspace;

/* For `most` tokens. PRECISION_F32 keeps numbers as they are, others as bf16.
 * NULL: no memory. */
struct cache *cache_new(size_t heads, size_t width, size_t most,
                        enum precision p);
void cache_free(struct cache *c); /* NULL is fine */
size_t cache_bytes(const struct cache *c);

/* Rows of heads × width, `ld` apart, become tokens from `at` on. */
void cache_put(struct cache *c, size_t at, size_t n, const float *keys,
               const float *values, size_t ld);

/* The first `n` tokens of `from`, a cache of the same shape. */
void cache_copy(struct cache *c, const struct cache *from, size_t n);

struct cache_row {
    const struct cache *cache;
    size_t seen; /* tokens that it looks at, from the first on; not 0 */
};

struct cache_job {
    const struct cache_row *rows; /* caches of one shape */
    size_t n;
    const float *q; /* n × heads · width, rows `ldq` apart */
    size_t ldq;
    float *y; /* n rows of heads · width, end to end */
    /* n × heads × ldweights: how much each looks at each; NULL: nobody asks */
    float *weights;
    size_t ldweights; /* not less than any `seen` */
};

/* y = softmax(q·kᵀ/√width)·v. The team's members share heads and rows. */
void cache_apply(struct team *t, struct workspace *w,
                 const struct cache_job *j);

#endif
