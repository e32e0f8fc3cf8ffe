/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_g722.h"

#include <errno.h>
#include <stdlib.h>

#include <spandsp/telephony.h>

#include <spandsp/g722.h>

#include "base/mem.h"

enum { BITS_PER_SECOND = 64000 };

struct phone_g722 {
    g722_decode_state_t *ear;
    g722_encode_state_t *mouth;
    int16_t last; /* sample that was said */
};

bool phone_g722_is_built(void)
{
    return true;
}

int phone_g722_new(struct phone_g722 **ret)
{
    struct phone_g722 *g = MEM_NEW(struct phone_g722);
    g->ear = g722_decode_init(NULL, BITS_PER_SECOND, 0);
    g->mouth = g722_encode_init(NULL, BITS_PER_SECOND, 0);
    if (!g->ear || !g->mouth) {
        phone_g722_free(g);
        return ENOMEM;
    }
    *ret = g;
    return 0;
}

void phone_g722_free(struct phone_g722 *g)
{
    if (!g)
        return;
    if (g->ear)
        (void)g722_decode_free(g->ear);
    if (g->mouth)
        (void)g722_encode_free(g->mouth);
    free(g);
}

size_t phone_g722_decode(struct phone_g722 *g, const uint8_t *bytes, size_t n,
                         int16_t *ret)
{
    n = n < G722_BYTES_MAX ? n : G722_BYTES_MAX;
    int got = g722_decode(g->ear, ret, bytes, (int)n);
    return got > 0 ? (size_t)got : 0;
}

void phone_g722_encode(struct phone_g722 *g, const int16_t *samples,
                       uint8_t *ret)
{
    int16_t twice[2 * G722_FRAME];
    for (size_t i = 0; i < G722_FRAME; i++) {
        twice[2 * i] = (int16_t)((g->last + samples[i]) / 2);
        twice[2 * i + 1] = g->last = samples[i];
    }
    (void)g722_encode(g->mouth, ret, twice, 2 * G722_FRAME);
}
