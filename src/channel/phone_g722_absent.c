/* SPDX-License-Identifier: Apache-2.0 */
/* A build without spandsp: no call is in G.722. */
#include <errno.h>
#include <stddef.h>

#include "channel/phone_g722.h"

bool phone_g722_is_built(void)
{
    return false;
}

int phone_g722_new(struct phone_g722 **ret)
{
    *ret = NULL;
    return ENOSYS;
}

void phone_g722_free(struct phone_g722 *g)
{
    (void)g;
}

size_t phone_g722_decode(struct phone_g722 *g, const uint8_t *bytes, size_t n,
                         int16_t *ret)
{
    (void)g;
    (void)bytes;
    (void)n;
    *ret = 0;
    return 0;
}

void phone_g722_encode(struct phone_g722 *g, const int16_t *samples,
                       uint8_t *ret)
{
    (void)g;
    (void)samples;
    *ret = 0;
}
