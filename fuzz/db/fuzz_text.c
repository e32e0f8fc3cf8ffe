/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text and a query by chance: the index must find the text when, and only
 * when, every word of the query stands in it. First byte: is the last word a
 * front? First line: the text. The other lines: the words asked for.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/utf8.h"
#include "db/db.h"

enum { WORDS_MAX = 8, INPUT_MAX = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct str text;
    struct str words[WORDS_MAX];
    struct db_text_query q;
    size_t found;
};

static struct db *store;

static void close_store(void)
{
    db_close(store); /* takes its file along */
}

static void open_store(void)
{
    static const char schema[] = ":fulltext: words_text\n";
    const unsigned char *p = (const unsigned char *)schema;
    const struct embed files[] = {{"0001_words.sql", p, p + strlen(schema)},
                                  {0}};
    if (db_open("memory:", NULL, &store, NULL) ||
        db_migrate(store, files, NULL, NULL) || atexit(close_store))
        abort();
}

static int put_and_find(struct db_tx *tx, void *arg, struct err *e)
{
    struct input *in = arg;
    int64_t id;
    int r = db_text_put(tx, "words_text", 1, in->text, e);
    if (!r)
        r = db_text_find(tx, "words_text", &in->q, &id, &in->found, e);
    return r;
}

/* The next word as the index cuts them; ASCII case does not count in it. */
static bool next_word(struct str *rest, struct str *ret)
{
    size_t i = 0;
    while (i < rest->n &&
           ((unsigned char)rest->p[i] <= ' ' || rest->p[i] == 0x7f))
        i++;
    size_t from = i;
    while (i < rest->n && (unsigned char)rest->p[i] > ' ' && rest->p[i] != 0x7f)
        i++;
    *ret = str_sub(*rest, from, i - from);
    *rest = str_sub(*rest, i, rest->n);
    return ret->n > 0;
}

static bool holds(struct str text, struct str word, bool is_front)
{
    struct str w;
    while (next_word(&text, &w)) {
        if ((is_front ? w.n >= word.n : w.n == word.n) &&
            strncasecmp(w.p, word.p, word.n) == 0)
            return true;
    }
    return false;
}

static bool should_be_found(const struct input *in)
{
    struct str words[INPUT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < in->q.n_all; i++) {
        struct str rest = in->words[i];
        while (next_word(&rest, &words[n]))
            n++;
    }
    for (size_t i = 0; i < n; i++) {
        if (!holds(in->text, words[i], in->q.last_is_prefix && i + 1 == n))
            return false;
    }
    return n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!store)
        open_store();
    if (size < 2 || size > INPUT_MAX)
        return 0;
    struct input in = {.q = {.limit = 1, .last_is_prefix = data[0] & 1}};
    struct str rest = {(const char *)data + 1, size - 1};
    bool is_text = utf8_check(rest) == rest.n;
    (void)str_next(&rest, '\n', &in.text);
    while (in.q.n_all < WORDS_MAX &&
           str_next(&rest, '\n', &in.words[in.q.n_all]))
        in.q.n_all++;
    in.q.all = in.words;
    struct err e = {0};
    if (db_write(store, 0, put_and_find, &in, &e)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        abort();
    }
    /* stems are UTF-8; of other bytes only that nothing breaks */
    if (is_text && (in.found == 1) != should_be_found(&in)) {
        (void)fprintf(stderr, "found %zu\n", in.found);
        abort();
    }
    return 0;
}
