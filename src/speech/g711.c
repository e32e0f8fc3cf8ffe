/* SPDX-License-Identifier: Apache-2.0 */
/* ITU-T G.711: eight segments, each twice as wide as the one below. */
#include "speech/g711.h"

enum {
    ULAW_BIAS = 132, /* 33 in the 14 bits of the recommendation */
    ULAW_CLIP = 32635,
    ALAW_CLIP = 32767,
    ALAW_MASK = 0x55, /* every second bit is turned on the wire */
    SIGN = 0x80,
    STEP_MASK = 0x0f,
    SEGMENT_SHIFT = 4,
    SEGMENT_MASK = 7,
};

int16_t g711_from_ulaw(uint8_t x)
{
    unsigned v = (unsigned)~x & 0xff;
    unsigned segment = v >> SEGMENT_SHIFT & SEGMENT_MASK;
    int step = (int)(v & STEP_MASK);
    int size = ((step << 3) + ULAW_BIAS) << segment;
    size -= ULAW_BIAS;
    return (int16_t)(v & SIGN ? -size : size);
}

uint8_t g711_to_ulaw(int16_t x)
{
    int v = x < 0 ? -(int)x : x;
    int segment = SEGMENT_MASK;
    v = (v > ULAW_CLIP ? ULAW_CLIP : v) + ULAW_BIAS;
    while (segment > 0 && !(v & (ULAW_BIAS - 4) << segment))
        segment--;
    int step = v >> (segment + 3) & STEP_MASK;
    unsigned code = (unsigned)(segment << SEGMENT_SHIFT | step);
    return (uint8_t)(~(x < 0 ? code | SIGN : code) & 0xff);
}

int16_t g711_from_alaw(uint8_t x)
{
    unsigned v = x ^ (unsigned)ALAW_MASK;
    unsigned segment = v >> SEGMENT_SHIFT & SEGMENT_MASK;
    int size = (int)(v & STEP_MASK) << 4;
    size += segment ? 0x108 : 8; /* the middle of a step, in 16 bits */
    if (segment > 1)
        size <<= segment - 1;
    return (int16_t)(v & SIGN ? size : -size);
}

uint8_t g711_to_alaw(int16_t x)
{
    int v = x < 0 ? -(x + 1) : x; /* -1 is the smallest step below zero */
    int segment = 0;
    v = v > ALAW_CLIP ? ALAW_CLIP : v;
    while (segment < SEGMENT_MASK && v >> (segment + 8))
        segment++;
    int step = v >> (segment > 1 ? segment + 3 : 4) & STEP_MASK;
    unsigned code = (unsigned)(segment << SEGMENT_SHIFT | step);
    return (uint8_t)((x < 0 ? code : code | SIGN) ^ ALAW_MASK);
}
