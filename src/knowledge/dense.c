/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/dense.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/encoder.h"
#include "tensor/linear.h"

struct dense {
    struct linear **parts;
    size_t n_parts, cap;
    size_t size, n;
};

struct dense *dense_new(size_t size)
{
    struct dense *d = MEM_NEW(struct dense);
    d->size = size;
    return d;
}

void dense_free(struct dense *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n_parts; i++)
        linear_free(d->parts[i]);
    free(d->parts);
    free(d);
}

size_t dense_len(const struct dense *d)
{
    return d->n;
}

size_t dense_bytes(const struct dense *d)
{
    size_t bytes = 0;
    for (size_t i = 0; i < d->n_parts; i++)
        bytes += linear_bytes(d->parts[i]);
    return bytes;
}

int dense_add(struct dense *d, const float *x, size_t n, struct err *e)
{
    d->parts = mem_grow(d->parts, d->n_parts, &d->cap, sizeof(struct linear *));
    int r =
        linear_new(x, NULL, n, d->size, PRECISION_I8, &d->parts[d->n_parts], e);
    if (r)
        return r;
    d->n_parts++;
    d->n += n;
    return 0;
}

void dense_dots(const struct dense *d, struct session *s, const float *x,
                float *ret)
{
    for (size_t i = 0; i < d->n_parts; i++) {
        size_t n = linear_outs(d->parts[i]);
        session_linear(s, &(struct linear_job){.l = d->parts[i],
                                               .x = x,
                                               .rows = 1,
                                               .ldx = d->size,
                                               .y = ret,
                                               .ldy = n});
        ret += n;
    }
}
