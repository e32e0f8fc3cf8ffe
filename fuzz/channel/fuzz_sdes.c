/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the attribute of a key; what is taken prints and reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "channel/phone_sdes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[SDES_LINE_BYTES];
    struct sdes x, y;
    if (!sdes_parse((struct str){(const char *)data, size}, &x))
        return 0;
    sdes_print(&x, line);
    if (!sdes_parse(str_from(line), &y) || x.tag != y.tag ||
        x.suite != y.suite || memcmp(x.key, y.key, sizeof(x.key)) != 0)
        abort();
    return 0;
}
