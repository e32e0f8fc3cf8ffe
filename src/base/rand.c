/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"

#include <math.h>

void rand_init(struct rand *r, uint64_t seed)
{
    r->state = 0;
    (void)rand_next(r);
    r->state += seed;
    (void)rand_next(r);
}

uint32_t rand_next(struct rand *r)
{
    uint64_t old = r->state;
    r->state = old * 6364136223846793005u + 1442695040888963407u;
    uint32_t x = (uint32_t)(((old >> 18) ^ old) >> 27);
    uint32_t rot = (uint32_t)(old >> 59);
    return x >> rot | x << (-rot & 31);
}

uint32_t rand_below(struct rand *r, uint32_t n)
{
    uint32_t floor = -n % n; /* numbers under it would favour small results */
    uint32_t x;
    do {
        x = rand_next(r);
    } while (x < floor);
    return x % n;
}

double rand_real(struct rand *r)
{
    return rand_next(r) / 4294967296.0;
}

/* Two of a normal distribution a time (Box and Muller 1958). */
void rand_normal(struct rand *r, double width, float *ret, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        double far = width * sqrt(-2 * log(1 - rand_real(r)));
        double turn = 2 * M_PI * rand_real(r);
        ret[i] = (float)(far * cos(turn));
        if (i + 1 < n)
            ret[i + 1] = (float)(far * sin(turn));
    }
}

void rand_shuffle(struct rand *r, size_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = rand_below(r, (uint32_t)i);
        size_t t = items[i - 1];
        items[i - 1] = items[j];
        items[j] = t;
    }
}
