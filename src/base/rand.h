/*
 * base/rand.h - numbers by chance
 *
 * Two kinds: a seeded generator for splits and shuffles, which gives the same
 * row for the same seed everywhere (PCG32, O'Neill 2014), and secrets from
 * the system for tokens.
 */
#ifndef OTK_BASE_RAND_H
#define OTK_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct rand {
    uint64_t state;
};

void rand_init(struct rand *r, uint64_t seed);
uint32_t rand_next(struct rand *r);
uint32_t rand_below(struct rand *r, uint32_t n); /* 0 … n-1, no bias; n > 0 */
double rand_real(struct rand *r);                /* 0 ≤ x < 1 */
/* Numbers of the normal distribution, `width` wide around 0. */
void rand_normal(struct rand *r, double width, float *ret, size_t n);
void rand_shuffle(struct rand *r, size_t *items, size_t n);

/* `n` bytes that nobody can guess, as 2n hex digits and a NUL. */
void rand_token(char *ret, size_t n);

#endif
