/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the headers that choose a part of a file, a line each. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "api/http_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t sizes[] = {0, 1, 1000, UINT64_MAX};
    struct str rest = {(const char *)data, size};
    struct http_range_ask q = {0};
    struct str *at[] = {&q.range, &q.if_range, &q.if_match, &q.if_none_match};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
        (void)str_next(&rest, '\n', at[i]);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct http_range part;
        int status = http_range_find(&q, STR("\"x\""), sizes[i], &part);
        bool is_part = part.n > 0 && part.from < sizes[i] &&
                       part.n <= sizes[i] - part.from;
        if (status == 206 ? !is_part : part.from || part.n != sizes[i])
            abort();
        if (status != 200 && status != 206 && status != 304 && status != 412 &&
            status != 416)
            abort();
    }
    return 0;
}
