/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a checkpoint, once as they are and once under a sum that is
 * right: what is accepted must be numbers to go on with.
 */
#include <math.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "model/checkpoint.h"

enum { PARAMETERS = 3, SUM_BYTES = 32, BYTES_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

static void check(const struct checkpoint *c)
{
    for (size_t i = 0; i < PARAMETERS; i++) {
        if (!isfinite(c->values[i]) || !isfinite(c->first[i]) ||
            !isfinite(c->best[i]) || !(c->second[i] >= 0))
            stop("a number that cannot be");
    }
    if (!isfinite(c->at.loss) || (c->at.best_epoch && !isfinite(c->at.best)))
        stop("a loss that cannot be");
}

static void read_back(const uint8_t *data, size_t size)
{
    float values[PARAMETERS], first[PARAMETERS], second[PARAMETERS],
        best[PARAMETERS];
    struct checkpoint c = {
        .about = {.traits = {{"epochs", 5}}, .n_traits = 1, .seed = 1},
        .values = values,
        .first = first,
        .second = second,
        .best = best,
        .n = PARAMETERS};
    char path[64];
    struct err e = {0};
    int fd = memfd_create("checkpoint", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        stop("no file in memory");
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (checkpoint_read(path, &c, &e) == OTK_OK)
        check(&c);
    else if (!e.msg[0])
        stop("an error without a text");
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t sealed[BYTES_MAX];
    if (size > BYTES_MAX)
        return 0;
    read_back(data, size);
    if (size < SUM_BYTES)
        return 0;
    memcpy(sealed, data, size);
    (void)crypto_generichash(sealed + size - SUM_BYTES, SUM_BYTES, sealed,
                             size - SUM_BYTES, NULL, 0);
    read_back(sealed, size);
    return 0;
}
