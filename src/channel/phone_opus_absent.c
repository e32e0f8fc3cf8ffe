/* SPDX-License-Identifier: Apache-2.0 */
/* A build without libopus: calls are in G.711. */
#include <errno.h>
#include <stddef.h>

#include "channel/phone_opus.h"

bool phone_opus_is_built(void)
{
    return false;
}

int phone_opus_new(struct phone_opus **ret)
{
    *ret = NULL;
    return ENOSYS;
}

void phone_opus_free(struct phone_opus *o)
{
    (void)o;
}

size_t phone_opus_decode(struct phone_opus *o, const uint8_t *packet, size_t n,
                         int16_t *ret)
{
    (void)o;
    (void)packet;
    (void)n;
    *ret = 0;
    return 0;
}

size_t phone_opus_conceal(struct phone_opus *o, const uint8_t *next, size_t n,
                          size_t samples, int16_t *ret)
{
    (void)o;
    (void)next;
    (void)n;
    (void)samples;
    *ret = 0;
    return 0;
}

size_t phone_opus_encode(struct phone_opus *o, const int16_t *samples,
                         uint8_t *ret)
{
    (void)o;
    (void)samples;
    *ret = 0;
    return 0;
}
