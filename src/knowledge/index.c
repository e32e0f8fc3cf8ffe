/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/index.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "text/features.h"

enum { ARTICLES_MAX = 1000000 };

static void add_unit(struct knowledge_index *x, struct cutter *c,
                     uint32_t article, bool is_question, struct str text)
{
    const struct raw_feature *raw;
    size_t n = cutter_cut(c, text, &raw);
    uint64_t *words = mem_new(n + 1, sizeof(*words));
    uint64_t *chars = mem_new(n + 1, sizeof(*chars));
    size_t n_words = 0;
    size_t n_chars = 0;
    for (size_t i = 0; i < n; i++) {
        if (raw[i].kind == FEATURE_CHARS)
            chars[n_chars++] = raw[i].hash;
        else
            words[n_words++] = raw[i].hash;
    }
    if (n_words) {
        postings_add(x->words, words, n_words);
        postings_add(x->chars, chars, n_chars);
        x->units =
            mem_grow(x->units, x->n_units, &x->units_cap, sizeof(*x->units));
        x->units[x->n_units++] = (struct unit){article, is_question};
    }
    free(words);
    free(chars);
}

static void add_article(struct knowledge_index *x, struct cutter *c, uint32_t i)
{
    const struct knowledge_article *a = &x->articles[i];
    struct str rest = a->questions;
    struct str line;
    add_unit(x, c, i, true, a->title);
    while (str_next(&rest, '\n', &line)) {
        if (str_trim(line).n && !str_eq(str_trim(line), str_trim(a->title)))
            add_unit(x, c, i, true, line);
    }
    add_unit(x, c, i, false, a->answer);
}

static void copy_article(struct knowledge_index *x, size_t i,
                         const struct knowledge_article *from)
{
    struct knowledge_article *to = &x->articles[i];
    *to = *from;
    to->key = arena_str(x->arena, from->key);
    to->language = arena_str(x->arena, from->language);
    to->topic = arena_str(x->arena, from->topic);
    to->title = arena_str(x->arena, from->title);
    to->questions = arena_str(x->arena, from->questions);
    to->answer = arena_str(x->arena, from->answer);
}

int knowledge_index_new(const struct knowledge_article *articles, size_t n,
                        struct knowledge_index **ret, struct err *e)
{
    if (n > ARTICLES_MAX)
        return err_set(e, OTK_ELIMIT, "%zu articles, the limit is %d", n,
                       ARTICLES_MAX);
    struct knowledge_index *x = MEM_NEW(struct knowledge_index);
    x->references = 1;
    x->arena = arena_new();
    x->words = postings_new(1.2F, 0.5F);
    x->chars = postings_new(1.2F, 0.5F);
    x->articles = mem_new(n + 1, sizeof(*x->articles));
    x->n_articles = n;
    struct cutter *c = cutter_new();
    for (size_t i = 0; i < n; i++) {
        copy_article(x, i, &articles[i]);
        add_article(x, c, (uint32_t)i);
    }
    cutter_free(c);
    postings_close(x->words);
    postings_close(x->chars);
    *ret = x;
    return OTK_OK;
}

struct knowledge_index *knowledge_index_ref(struct knowledge_index *x)
{
    if (x)
        atomic_fetch_add(&x->references, 1);
    return x;
}

void knowledge_index_unref(struct knowledge_index *x)
{
    if (!x || atomic_fetch_sub(&x->references, 1) > 1)
        return;
    postings_free(x->words);
    postings_free(x->chars);
    arena_free(x->arena);
    free(x->articles);
    free(x->units);
    free(x);
}

size_t knowledge_index_len(const struct knowledge_index *x)
{
    return x->n_articles;
}
