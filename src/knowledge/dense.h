/*
 * knowledge/dense.h - many vectors, and how near each is to one
 *
 * Exact search: the vectors are the weights of linear layers in 8 bits
 * (tensor/linear.h), so all dot products come of the same kernels that run
 * models, at the speed of reading memory. A million vectors of 384 numbers are
 * 0.4 GB.
 *
 * Threads: any number may ask once all vectors are added.
 */
#ifndef OTK_KNOWLEDGE_DENSE_H
#define OTK_KNOWLEDGE_DENSE_H

#include <stddef.h>

struct dense;
struct err;
struct session;

/* So many at most go in at a time. */
enum { DENSE_PART = 16384 };

struct dense *dense_new(size_t size); /* numbers of a vector */
void dense_free(struct dense *d);     /* NULL is fine */
size_t dense_len(const struct dense *d);
size_t dense_bytes(const struct dense *d);

/* `n` (1 … DENSE_PART) more vectors, one behind the other. OTK_ELIMIT: no
 * memory. */
int dense_add(struct dense *d, const float *x, size_t n, struct err *e);

/* The dot products of `x` with all of them, in their order: dense_len(). */
void dense_dots(const struct dense *d, struct session *s, const float *x,
                float *ret);

#endif
