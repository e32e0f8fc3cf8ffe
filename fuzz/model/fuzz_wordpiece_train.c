/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as texts, one a line: what is learnt must be a vocabulary. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/utf8.h"
#include "model/wordpiece_train.h"

enum { VOCABULARY = 300, TEXTS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

static void check(const struct wordpiece_vocabulary *v)
{
    struct map *seen = map_new();
    if (v->n > VOCABULARY)
        stop("more tokens than were asked for");
    for (size_t i = 0; i < v->n; i++) {
        bool is_new = false;
        struct str s = v->tokens[i];
        (void)map_put(seen, s, &is_new);
        if (!is_new)
            stop("a token is there twice");
        if (s.n == 0 || utf8_check(s) != s.n || str_find(s, '\n') < s.n ||
            str_find(s, ' ') < s.n)
            stop("a token that no line can hold");
    }
    map_free(seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str texts[TEXTS];
    struct str rest = {(const char *)data, size};
    size_t n = 0;
    struct arena *a = arena_new();
    struct wordpiece_vocabulary v;
    struct err e = {0};
    while (n < TEXTS && str_next(&rest, '\n', &texts[n]))
        n++;
    if (wordpiece_train(texts, n, VOCABULARY, a, &v, &e) == OTK_OK)
        check(&v);
    else if (!e.msg[0])
        stop("an error without a text");
    arena_free(a);
    return 0;
}
