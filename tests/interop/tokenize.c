/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokenize FOLDER [MAX] - texts of stdin, each ended by NUL, as lines of
 * "id:from:to id:from:to …" with a final " ..." where it was cut to MAX tokens;
 * for test_tokenizers.py. tokenize FOLDER MAX ROUNDS encodes all texts so
 * often and says how fast.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "text/tokenizer.h"

static void print(const struct tokens *t)
{
    for (size_t i = 0; i < t->n; i++)
        (void)printf("%s%u:%u:%u", i ? " " : "", t->ids[i], t->from[i],
                     t->to[i]);
    (void)puts(t->truncated ? " ..." : "");
}

static double now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Encode all texts; how many tokens, or a negative error. */
static long encode_all(const struct tokenizer *t, struct tokenizer_scratch *s,
                       struct str text, size_t max, bool quiet, struct err *e)
{
    struct str one;
    struct tokens tokens;
    long n = 0;
    while (text.n && str_next(&text, '\0', &one)) {
        int rc = tokenizer_encode(t, s, one, max, &tokens, e);
        if (rc)
            return rc;
        n += (long)tokens.n;
        if (!quiet)
            print(&tokens);
    }
    return n;
}

static bool read_all(struct buf *b)
{
    for (;;) {
        if (!buf_reserve(b, 65536))
            return false;
        ssize_t n = read(STDIN_FILENO, b->ptr + b->len, 65536);
        if (n <= 0)
            return n == 0;
        b->len += (size_t)n;
    }
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct buf text = BUF_INIT((size_t)1 << 30);
    struct tokenizer *t = NULL;
    if (argc < 2 || tokenizer_load(argv[1], &t, &e) || !read_all(&text)) {
        (void)fprintf(stderr, "%s\n", argc < 2 ? "which folder?" : e.msg);
        return 1;
    }
    size_t max = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
    long rounds = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    double begin = now();
    long n = 0;
    for (long i = 0; i < rounds && n >= 0; i++)
        n = encode_all(t, s, buf_str(&text), max, argc > 3, &e);
    double seconds = now() - begin;
    if (n < 0)
        (void)fprintf(stderr, "%s\n", e.msg);
    else if (argc > 3)
        (void)printf("%.2f million tokens a second, %.1f MB/s\n",
                     (double)n * (double)rounds / seconds / 1e6,
                     (double)text.len * (double)rounds / seconds / 1e6);
    tokenizer_scratch_free(s);
    tokenizer_free(t);
    buf_free(&text);
    return n < 0;
}
