/* SPDX-License-Identifier: Apache-2.0 */
#include "model/blocks.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum {
    HALF = 2,                   /* bytes of an f16 */
    NIBBLES = BLOCK_VALUES / 2, /* bytes of 32 values of 4 bits */
    FIFTHS = BLOCK_VALUES / 8,  /* bytes of their fifth bits */
    NIBBLE = 15,
    FIFTH = 16,
};

/* IEEE 754 binary16; not finite gives NaN. */
static float half_at(const char *p)
{
    enum { FRACTION_BITS = 10, FRACTION = 0x3ff, EXPONENT = 31, BIAS = 15 };
    uint16_t h;
    memcpy(&h, p, sizeof(h));
    int exponent = h >> FRACTION_BITS & EXPONENT;
    int fraction = h & FRACTION;
    if (exponent == EXPONENT)
        return NAN;
    float x = exponent ? ldexpf((float)(fraction + FRACTION + 1),
                                exponent - BIAS - FRACTION_BITS)
                       : ldexpf((float)fraction, 1 - BIAS - FRACTION_BITS);
    return h & 0x8000 ? -x : x;
}

/* One block of 4 bits, with fifth bits when there are `fifths`. */
static void unpack(const char *nibbles, uint32_t fifths, float d, float m,
                   float *ret)
{
    for (int j = 0; j < NIBBLES; j++) {
        int q = (unsigned char)nibbles[j];
        int low = (q & NIBBLE) | (fifths >> j & 1 ? FIFTH : 0);
        int high = q >> 4 | (fifths >> (j + NIBBLES) & 1 ? FIFTH : 0);
        ret[j] = (float)low * d + m;
        ret[j + NIBBLES] = (float)high * d + m;
    }
}

/* Where the parts of a block lie, and what a value of zero bits means. */
struct form {
    bool has_least, has_fifths;
    float least; /* in steps of d; for those without `m` */
};

static bool read_blocks(const char *p, size_t n, const struct form *f,
                        float *ret)
{
    bool finite = true;
    for (size_t i = 0; i < n; i += BLOCK_VALUES) {
        float d = half_at(p);
        float m = f->has_least ? half_at(p + HALF) : f->least * d;
        uint32_t fifths = 0;
        p += f->has_least ? 2 * HALF : HALF;
        if (f->has_fifths) {
            memcpy(&fifths, p, FIFTHS);
            p += FIFTHS;
        }
        unpack(p, fifths, d, m, ret + i);
        p += NIBBLES;
        finite &= isfinite(d) && isfinite(m);
    }
    return finite;
}

bool blocks_q4_0(const char *p, size_t n, float *ret)
{
    return read_blocks(p, n, &(struct form){.least = -8}, ret);
}

bool blocks_q4_1(const char *p, size_t n, float *ret)
{
    return read_blocks(p, n, &(struct form){.has_least = true}, ret);
}

bool blocks_q5_0(const char *p, size_t n, float *ret)
{
    return read_blocks(p, n, &(struct form){.has_fifths = true, .least = -16},
                       ret);
}

bool blocks_q5_1(const char *p, size_t n, float *ret)
{
    return read_blocks(
        p, n, &(struct form){.has_fifths = true, .has_least = true}, ret);
}

bool blocks_q8_0(const char *p, size_t n, float *ret)
{
    bool finite = true;
    for (size_t i = 0; i < n; i += BLOCK_VALUES, p += HALF + BLOCK_VALUES) {
        float d = half_at(p);
        for (int j = 0; j < BLOCK_VALUES; j++)
            ret[i + (size_t)j] = (float)(signed char)p[HALF + j] * d;
        finite &= isfinite(d);
    }
    return finite;
}
