/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as adapter_config.json; what is accepted can be merged. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/adapter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct adapter_config c;
    struct err e = {0};
    if (adapter_parse((struct str){(const char *)data, size}, a, &c, &e)) {
        if (!e.msg[0])
            stop("an error without a text");
    } else {
        if (c.rank < 1 || c.rank > ADAPTER_RANK_MAX || !isfinite(c.scale))
            stop("no possible product");
        if (c.n_targets > ADAPTER_TARGETS_MAX)
            stop("too many targets");
        for (size_t i = 0; i < c.n_targets; i++)
            if (!strlen(c.targets[i]))
                stop("a target without a name");
    }
    arena_free(a);
    return 0;
}
