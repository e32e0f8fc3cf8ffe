/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a search takes: messages of 20 stems each, drawn from a vocabulary
 * by Zipf's law, so that some words stand in most of them.
 *
 *   db_bench_text [PATH [MESSAGES]]
 *
 * A file that holds messages already is searched as it is.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"
#include "db/db.h"

enum { WORDS = 50000, STEMS = 20, CHUNK = 1000, ROUNDS = 400, LIMIT = 50 };

static double shares[WORDS]; /* cumulative */

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static size_t draw(struct rand *r)
{
    double x = rand_real(r) * shares[WORDS - 1];
    size_t low = 0, high = WORDS - 1;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (shares[mid] < x)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* A word of Cyrillic letters for each rank; its front is by chance, too. */
static void word_of(size_t rank, char ret[32])
{
    uint64_t h = (rank + 1) * 0x9e3779b97f4a7c15u;
    int n = 0;
    for (int i = 0; i < 6; i++, h >>= 6) {
        ret[n++] = (char)0xd0;
        ret[n++] = (char)(0xb0 + h % 16);
    }
    (void)snprintf(ret + n, 32 - (size_t)n, "%zu", rank % 10);
}

struct fill {
    struct rand rand;
    int64_t from;
};

static int fill(struct db_tx *tx, void *arg, struct err *e)
{
    struct fill *f = arg;
    struct buf stems = BUF_INIT(4096);
    int r = OTK_OK;
    for (int i = 0; !r && i < CHUNK; i++) {
        buf_reset(&stems);
        for (int k = 0; k < STEMS; k++) {
            char word[32];
            word_of(draw(&f->rand), word);
            buf_printf(&stems, "%s%s", k ? " " : "", word);
        }
        /* two that stand in half of them each, and never meet */
        buf_puts(&stems, i % 2 ? " odd" : " even");
        r = db_text_put(tx, "messages_text", f->from + i, buf_str(&stems), e);
    }
    buf_free(&stems);
    return r;
}

struct find {
    struct db_text_query q;
    size_t found;
};

static int find(struct db_tx *tx, void *arg, struct err *e)
{
    struct find *f = arg;
    int64_t ids[LIMIT];
    return db_text_find(tx, "messages_text", &f->q, ids, &f->found, e);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `n` words from ranks `low` … `high` (none: the two that never meet);
 * `letters` > 0 cuts the last one. */
static void measure(struct db *db, const char *name, size_t n, size_t low,
                    size_t high, int letters)
{
    struct rand r;
    double ms[ROUNDS];
    double found = 0;
    rand_init(&r, 7);
    for (int i = 0; i < ROUNDS; i++) {
        char words[4][32];
        struct str all[4];
        for (size_t k = 0; k < n; k++) {
            if (low > high)
                (void)snprintf(words[k], 32, "%s", k ? "odd" : "even");
            else
                word_of(low + rand_below(&r, (uint32_t)(high - low + 1)),
                        words[k]);
            all[k] = str_from(words[k]);
        }
        if (letters)
            all[n - 1].n = 2 * (size_t)letters;
        struct find f = {.q = {.all = all,
                               .n_all = n,
                               .last_is_prefix = letters > 0,
                               .limit = LIMIT}};
        struct err e = {0};
        double begin = now_ms();
        if (db_read(db, 0, find, &f, &e))
            (void)fprintf(stderr, "%s\n", e.msg);
        ms[i] = now_ms() - begin;
        found += (double)f.found / ROUNDS;
    }
    qsort(ms, ROUNDS, sizeof(*ms), by_size);
    printf("%-34s p50 %7.2f  p95 %7.2f  worst %7.2f ms, %.0f found\n", name,
           ms[ROUNDS / 2], ms[ROUNDS * 95 / 100], ms[ROUNDS - 1], found);
}

static int count(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e,
                     "SELECT COALESCE(MAX(rowid), 0) FROM messages_text", "");
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "bench.db";
    int64_t messages = argc > 2 ? strtoll(argv[2], NULL, 10) : 500000;
    struct db *db = NULL;
    struct err e = {0};
    int64_t there = 0;
    if (db_open(path, NULL, &db, &e) ||
        db_migrate(db, db_migrations, NULL, &e) ||
        db_read(db, 0, count, &there, &e)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    for (int i = 0; i < WORDS; i++)
        shares[i] = (i ? shares[i - 1] : 0) + 1.0 / (i + 1);
    struct fill f = {.from = 1};
    rand_init(&f.rand, 1);
    double begin = now_ms();
    for (; !there && f.from <= messages; f.from += CHUNK) {
        if (db_write(db, 0, fill, &f, &e)) {
            (void)fprintf(stderr, "%s\n", e.msg);
            return 1;
        }
    }
    if (!there)
        printf("%lld messages in %.1f s\n", (long long)messages,
               (now_ms() - begin) / 1e3);
    measure(db, "one of the 10 most frequent", 1, 0, 9, 0);
    measure(db, "two of the 10 most frequent", 2, 0, 9, 0);
    measure(db, "three of the 100 most frequent", 3, 0, 99, 0);
    measure(db, "two of ranks 100 to 1000", 2, 100, 1000, 0);
    measure(db, "two rare (40000 up)", 2, 40000, WORDS - 1, 0);
    measure(db, "three rare (40000 up)", 3, 40000, WORDS - 1, 0);
    measure(db, "two frequent ones that never meet", 2, 1, 0, 0);
    measure(db, "a front of one letter", 1, 0, 999, 1);
    measure(db, "a front of two letters", 1, 0, 999, 2);
    measure(db, "a front of three letters", 1, 0, 999, 3);
    measure(db, "a word of 100 and a front of two", 2, 0, 99, 2);
    db_close(db);
    return 0;
}
