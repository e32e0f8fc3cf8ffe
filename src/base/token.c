/* SPDX-License-Identifier: Apache-2.0 */
/* The part of rand.h that needs a library; the rest runs anywhere. */
#include <sodium.h>

#include "base/mem.h"
#include "base/rand.h"

void rand_token(char *ret, size_t n)
{
    unsigned char bytes[64];
    if (n > sizeof(bytes))
        bug("rand_token: %zu bytes asked", n);
    randombytes_buf(bytes, n);
    (void)sodium_bin2hex(ret, n * 2 + 1, bytes, n);
}
