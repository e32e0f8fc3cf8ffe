/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/replay.c - run a fuzz target over its corpus, without a fuzzer
 *
 * Every file is fed as it is, cut at every 1/16th, and with bytes changed by
 * a fixed generator, so that the run is the same each time. An empty or
 * missing corpus is a failure: a target without seeds tests nothing.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_MAX = 4 << 20, CUTS = 16, MUTANTS = 200 };

static void feed(const char *p, size_t n)
{
    /* an exact copy, so that ASan sees a read past the end */
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, p, n);
    (void)LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static void feed_mutants(const struct buf *b, struct rand *r)
{
    char *bytes = malloc(b->len);
    if (!bytes)
        abort();
    for (int i = 0; i < MUTANTS; i++) {
        memcpy(bytes, b->ptr, b->len);
        uint32_t edits = 1 + rand_below(r, 8);
        while (edits--)
            bytes[rand_below(r, (uint32_t)b->len)] = (char)rand_next(r);
        feed(bytes, b->len);
    }
    free(bytes);
}

static void replay(const char *path, struct rand *r)
{
    struct buf b = BUF_INIT(FILE_MAX);
    struct err e;
    if (file_read(path, &b, &e)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    for (size_t i = 0; i <= CUTS; i++)
        feed(b.ptr, b.len * i / CUTS);
    if (b.len)
        feed_mutants(&b, r);
    buf_free(&b);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    struct dirent **names;
    int n = scandir(argv[1], &names, NULL, alphasort);
    int fed = 0;
    struct rand r;
    rand_init(&r, 1);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            replay(path, &r);
            fed++;
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    (void)printf("%d seeds\n", fed);
    return fed ? 0 : 1;
}
