/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of vectors, behind the head that this model's file has;
 * bytes that begin with 'H' are taken as they are, without that head. What is
 * read must be within the bytes and be readable as numbers.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "knowledge/vector_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE = 4, RECORD = VECTOR_KEY + 4 + SIZE + 8, HEAD = 40 };

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

/* Its checksums, else nothing behind the first would ever be read. */
static void mend(char *at)
{
    uint64_t check = str_hash((struct str){at, RECORD - 8});
    memcpy(at + RECORD - 8, &check, sizeof(check));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t identity[VECTOR_KEY] = "fuzz";
    static const char magic[8] = "OTKVEC1\n";
    struct vector_store *s = NULL;
    const uint32_t numbers = SIZE;
    float x[SIZE];
    char *bytes = calloc(1, HEAD + size);
    if (!bytes || vector_store_open(NULL, identity, SIZE, &s, NULL))
        stop("no store");
    memcpy(bytes, magic, sizeof(magic));
    memcpy(bytes + 8, &numbers, sizeof(numbers));
    memcpy(bytes + 16, identity, VECTOR_KEY);
    uint64_t check = str_hash((struct str){bytes, HEAD - 8});
    memcpy(bytes + HEAD - 8, &check, sizeof(check));
    if (size)
        memcpy(bytes + HEAD, data, size);
    bool own = size && data[0] == 'H';
    for (size_t i = 0; !own && i + RECORD <= size; i += RECORD) {
        if (data[i + 1] & 1)
            mend(bytes + HEAD + i);
    }
    struct str all = {own ? bytes + HEAD : bytes, own ? size : HEAD + size};
    size_t good = vector_store_parse(s, all);
    if (good > all.n || (good && (good - HEAD) % RECORD))
        stop("more is good than there is");
    if (good && vector_store_len(s) > (good - HEAD) / RECORD)
        stop("more vectors than records");
    for (size_t i = HEAD; i < good; i += RECORD) {
        if (!vector_store_get(s, (const uint8_t *)all.p + i, x))
            stop("a good record is not there");
        for (size_t k = 0; k < SIZE; k++) {
            if (!isfinite(x[k]))
                stop("a vector is not finite");
        }
    }
    vector_store_free(s);
    free(bytes);
    return 0;
}
