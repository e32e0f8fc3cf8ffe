/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as CSV, JSONL or XLSX; the first byte chooses. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/utf8.h"
#include "data/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table t;
    struct err e = {0};
    if (size == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    int r = table_read(bytes, (enum table_format)(data[0] % 3), NULL, &t, &e);
    if (r && !e.msg[0])
        abort(); /* an error without a text */
    for (size_t i = 0; i < t.n_rows * t.n_columns; i++) {
        if (utf8_check(t.cells[i]) != t.cells[i].n)
            abort();
    }
    table_free(&t);
    return 0;
}
