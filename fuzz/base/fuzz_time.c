/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a time of RFC 3339: what is read is printed and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    int64_t at;
    if (time_parse(text, &at))
        return 0;
    char printed[TIME_TEXT];
    int64_t again;
    time_print(at, printed);
    if (time_parse(str_from(printed), &again) || again != at)
        abort();
    return 0;
}
