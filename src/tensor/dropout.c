/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/dropout.h"

/* SplitMix64's mixer (Steele et al. 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

/* Murmur3's mixer of 32 bits, which compilers make vectors of. */
static inline uint32_t mix32(uint32_t x)
{
    x = (x ^ x >> 16) * 0x85ebca6bU;
    x = (x ^ x >> 13) * 0xc2b2ae35U;
    return x ^ x >> 16;
}

void dropout_row(const struct dropout *d, uint64_t row, float *x, size_t n)
{
    if (d->rate <= 0)
        return;
    uint32_t start = (uint32_t)mix(d->seed + 0x9e3779b97f4a7c15U * (row + 1));
    uint32_t least = (uint32_t)((double)d->rate * 4294967295.0);
    float by = 1 / (1 - d->rate);
    for (size_t i = 0; i < n; i++)
        x[i] = mix32(start + (uint32_t)i) < least ? 0 : x[i] * by;
}
