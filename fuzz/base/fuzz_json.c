/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as JSON. What is read holds no more values and no deeper brackets
 * than json_measure() let through; written, read and written it is the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"

enum { BYTES_MAX = 1 << 16, DEPTH = 20, VALUES = 300 };

struct extent {
    size_t depth, values;
};

/* Values as json_measure() counts them at the least: it counts the pairs of an
 * object twice. */
static void walk(const json_t *j, size_t depth, struct extent *x)
{
    const char *key;
    json_t *value;
    size_t i;
    if (!json_is_object(j) && !json_is_array(j))
        return;
    x->depth = depth > x->depth ? depth : x->depth;
    json_array_foreach(j, i, value)
    {
        x->values++;
        walk(value, depth + 1, x);
    }
    json_object_foreach((json_t *)(uintptr_t)j, key, value)
    {
        x->values++;
        walk(value, depth + 1, x);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct err e = {0};
    json_t *j = NULL;
    if (json_measure(text, DEPTH, VALUES, &e) ||
        json_read(text, BYTES_MAX, &j, &e))
        return 0;
    struct extent x = {0};
    walk(j, 1, &x);
    if (x.depth > DEPTH || x.values > VALUES)
        abort();
    struct buf once = BUF_INIT(8 * BYTES_MAX);
    struct buf twice = BUF_INIT(8 * BYTES_MAX);
    json_t *again = NULL;
    json_put(&once, j, true);
    if (json_read(buf_str(&once), 8 * BYTES_MAX, &again, &e))
        abort();
    json_put(&twice, again, true);
    if (!str_eq(buf_str(&once), buf_str(&twice)))
        abort();
    buf_free(&once);
    buf_free(&twice);
    json_decref(again);
    json_decref(j);
    return 0;
}
