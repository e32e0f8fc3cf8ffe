/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of the tz database; what is taken must answer. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "desk/time_zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { DAY_S = 86400 };
    struct time_zone *z = NULL;
    struct err e = {0};
    struct str bytes = {(const char *)data, size};
    if (time_zone_parse(bytes, &z, &e))
        return 0;
    for (int64_t at = -4000000000; at < 8000000000; at += 100000000) {
        if (abs(time_zone_offset(z, at)) > DAY_S)
            abort();
    }
    time_zone_free(z);
    return 0;
}
