/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a safetensors file; what is listed must lie within them, end to
 * end, and be readable.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"
#include "model/safetensors.h"
#include "model/weight.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

static void use(const struct weight *x)
{
    struct err e = {0};
    float row;
    bool small = weight_count(x) > 0 && x->n_dims == 1;
    if (utf8_check(x->name) != x->name.n)
        stop("a name is not UTF-8");
    if (weight_check(x, &e) && !e.msg[0])
        stop("an error without a text");
    if (small)
        (void)weight_read_rows(x, x->dims[0] - 1, 1, &row, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct arena *a = arena_new();
    struct weight_list list = {0};
    struct err e = {0};
    size_t sum = 0;
    int r = safetensors_read(bytes, "fuzz", a, &list, &e);
    if (r && (!e.msg[0] || list.len))
        stop("an error without a text, or with tensors");
    for (size_t i = 0; i < list.len; i++) {
        use(&list.at[i]);
        sum += list.at[i].bytes;
    }
    if (sum > size)
        stop("tensors of more bytes than there are");
    free(list.at);
    arena_free(a);
    return 0;
}
