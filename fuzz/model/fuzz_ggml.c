/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model of whisper.cpp; what is listed must lie within them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/ggml.h"
#include "model/weight.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct arena *a = arena_new();
    struct ggml_file f;
    struct err e = {0};
    size_t sum = 0;
    int r = ggml_read(bytes, "fuzz", a, &f, &e);
    if (r && (!e.msg[0] || f.list.at))
        stop("an error without a text, or with tensors");
    for (size_t i = 0; !r && i < f.n_tokens; i++)
        sum += f.tokens[i].n;
    for (size_t i = 0; !r && i < f.list.len; i++) {
        sum += f.list.at[i].bytes;
        if (weight_check(&f.list.at[i], &e) && !e.msg[0])
            stop("an error without a text");
    }
    if (!r && sum > size)
        stop("more bytes than there are");
    free(f.list.at);
    arena_free(a);
    return 0;
}
