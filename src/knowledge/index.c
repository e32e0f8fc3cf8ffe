/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/index.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "knowledge/dense.h"
#include "knowledge/vectors.h"
#include "text/features.h"
#include "text/unicode.h"

enum { ARTICLES_MAX = 1000000 };

/* of BM25; nothing changes much around them */
static const float K1 = 1.2F;
static const float B = 0.5F;

/* What an index is made with, text by text. */
struct maker {
    struct knowledge_index *x;
    struct cutter *cutter;
    uint64_t *hashes[SPACES]; /* of one text */
    size_t n[SPACES];
    uint64_t *whole[SPACES]; /* of one article */
    size_t n_whole[SPACES], whole_cap[SPACES];
};

static void cut(struct maker *m, struct str text)
{
    const struct raw_feature *raw;
    size_t n = cutter_cut(m->cutter, text, &raw);
    m->n[SPACE_WORDS] = m->n[SPACE_CHARS] = 0;
    for (size_t i = 0; i < n; i++) {
        enum space s = space_of(&raw[i]);
        m->hashes[s][m->n[s]++] = raw[i].hash;
    }
    for (int s = 0; s < SPACES; s++) {
        for (size_t i = 0; i < m->n[s]; i++) {
            m->whole[s] = mem_grow(m->whole[s], m->n_whole[s], &m->whole_cap[s],
                                   sizeof(uint64_t));
            m->whole[s][m->n_whole[s]++] = m->hashes[s][i];
        }
    }
}

static void add_form(struct maker *m, uint32_t article, struct str text)
{
    struct knowledge_index *x = m->x;
    cut(m, text);
    if (m->n[SPACE_WORDS] == 0)
        return;
    for (int s = 0; s < SPACES; s++)
        postings_add(x->forms[s], m->hashes[s], m->n[s]);
    x->form_of =
        mem_grow(x->form_of, x->n_forms, &x->forms_cap, sizeof(*x->form_of));
    x->form_texts = mem_grow(x->form_texts, x->n_forms, &x->texts_cap,
                             sizeof(*x->form_texts));
    x->form_texts[x->n_forms] = str_trim(text);
    x->form_of[x->n_forms++] = article;
}

static void add_article(struct maker *m, uint32_t i)
{
    const struct knowledge_article *a = &m->x->articles[i];
    struct str rest = a->questions;
    struct str line;
    m->n_whole[SPACE_WORDS] = m->n_whole[SPACE_CHARS] = 0;
    add_form(m, i, a->title);
    while (str_next(&rest, '\n', &line)) {
        if (str_trim(line).n && !str_eq(str_trim(line), str_trim(a->title)))
            add_form(m, i, line);
    }
    cut(m, a->answer);
    for (int s = 0; s < SPACES; s++)
        postings_add(m->x->wholes[s], m->whole[s], m->n_whole[s]);
}

/* Two articles with one answer are one place in a list of answers. */
static void find_same(struct knowledge_index *x)
{
    struct arena *a = arena_new();
    struct map *answers = map_new();
    for (size_t i = 0; i < x->n_articles; i++) {
        bool is_new;
        arena_reset(a);
        uint64_t h = str_hash(text_fold(a, x->articles[i].answer));
        union map_value *v = map_put(
            answers, (struct str){(const char *)&h, sizeof(h)}, &is_new);
        if (is_new)
            v->num = (int64_t)i;
        x->same[i] = (uint32_t)v->num;
    }
    map_free(answers);
    arena_free(a);
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

static int place(struct knowledge_index *x, struct err *e)
{
    int r = latent_new(x->wholes[SPACE_CHARS], &x->latent, e);
    if (r)
        return r;
    x->form_places = mem_try(x->n_forms + 1, sizeof(*x->form_places));
    x->whole_places = mem_try(x->n_articles + 1, sizeof(*x->whole_places));
    if (!x->form_places || !x->whole_places)
        return err_set(e, OTK_ELIMIT, "no memory for %zu question forms",
                       x->n_forms);
    latent_place_units(x->latent, x->forms[SPACE_CHARS], x->form_places);
    latent_place_units(x->latent, x->wholes[SPACE_CHARS], x->whole_places);
    return OTK_OK;
}

/* ---- vectors
 * ------------------------------------------------------------------ */

static int embed(struct knowledge_index *x, const struct str *texts, size_t n,
                 struct dense **ret, struct err *e)
{
    size_t size = vectors_size(x->vectors);
    size_t most = n < DENSE_PART ? n : DENSE_PART;
    float *rows = mem_new(most * size + 1, sizeof(*rows));
    int r = OTK_OK;
    *ret = dense_new(size);
    for (size_t i = 0; !r && i < n; i += most) {
        size_t now = n - i < most ? n - i : most;
        r = vectors_of(x->vectors, texts + i, now, rows, e);
        if (!r)
            r = dense_add(*ret, rows, now, e);
    }
    free(rows);
    return r ? err_wrap(e, r, "vectors of %zu texts", n) : OTK_OK;
}

/* Title and answer; question forms stand for themselves. */
static int embed_wholes(struct knowledge_index *x, struct err *e)
{
    struct arena *a = arena_new();
    struct str *texts = mem_new(x->n_articles + 1, sizeof(*texts));
    for (size_t i = 0; i < x->n_articles; i++) {
        const struct knowledge_article *k = &x->articles[i];
        texts[i] = str_trim(str_from(arena_printf(
            a, STR_FMT "\n" STR_FMT, STR_ARG(k->title), STR_ARG(k->answer))));
    }
    int r = embed(x, texts, x->n_articles, &x->dense_wholes, e);
    free(texts);
    arena_free(a);
    return r;
}

/* ---- making
 * ------------------------------------------------------------------- */

static int make(struct knowledge_index *x, struct err *e)
{
    struct maker m = {.x = x, .cutter = cutter_new()};
    for (int s = 0; s < SPACES; s++)
        m.hashes[s] = mem_new(FEATURES_MAX, sizeof(*m.hashes[s]));
    for (size_t i = 0; i < x->n_articles; i++)
        add_article(&m, (uint32_t)i);
    cutter_free(m.cutter);
    int r = OTK_OK;
    for (int s = 0; s < SPACES; s++) {
        free(m.hashes[s]);
        free(m.whole[s]);
        r = r ? r : postings_close(x->forms[s], e);
        r = r ? r : postings_close(x->wholes[s], e);
    }
    find_same(x);
    r = r ? r : place(x, e);
    if (!r && x->vectors)
        r = embed(x, x->form_texts, x->n_forms, &x->dense_forms, e);
    if (!r && x->vectors)
        r = embed_wholes(x, e);
    return r;
}

int knowledge_index_make(const struct knowledge_article *articles, size_t n,
                         struct vectors *vectors, struct knowledge_index **ret,
                         struct err *e)
{
    if (n > ARTICLES_MAX)
        return err_set(e, OTK_ELIMIT, "%zu articles, the limit is %d", n,
                       ARTICLES_MAX);
    struct knowledge_index *x = MEM_NEW(struct knowledge_index);
    x->references = 1;
    x->arena = arena_new();
    x->vectors = vectors_ref(vectors);
    for (int i = 0; i < FUSIONS; i++)
        x->fusion[i].slope = 1;
    for (int s = 0; s < SPACES; s++) {
        x->forms[s] = postings_new(K1, B);
        x->wholes[s] = postings_new(K1, B);
    }
    x->articles = mem_try(n + 1, sizeof(*x->articles));
    x->same = mem_new(n + 1, sizeof(*x->same));
    x->n_articles = x->articles ? n : 0;
    for (size_t i = 0; i < x->n_articles; i++)
        copy_article(x, i, &articles[i]);
    int r = x->articles
                ? make(x, e)
                : err_set(e, OTK_ELIMIT, "no memory for %zu articles", n);
    if (r)
        knowledge_index_unref(x);
    else
        *ret = x;
    return r;
}

int knowledge_index_new(const struct knowledge_article *articles, size_t n,
                        const struct knowledge_dense *dense,
                        struct knowledge_index **ret, struct err *e)
{
    if (!dense)
        return knowledge_index_make(articles, n, NULL, ret, e);
    struct knowledge_index *x = NULL;
    vectors_begin(dense->vectors);
    int r = knowledge_index_make(articles, n, dense->vectors, &x, e);
    if (!r)
        r = fusion_find(x, dense->weight, e);
    if (!r)
        vectors_end(dense->vectors);
    if (r)
        knowledge_index_unref(x);
    else
        *ret = x;
    return r;
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
    for (int s = 0; s < SPACES; s++) {
        postings_free(x->forms[s]);
        postings_free(x->wholes[s]);
    }
    latent_free(x->latent);
    dense_free(x->dense_forms);
    dense_free(x->dense_wholes);
    vectors_unref(x->vectors);
    free(x->form_places);
    free(x->whole_places);
    arena_free(x->arena);
    free(x->articles);
    free(x->same);
    free(x->form_of);
    free(x->form_texts);
    free(x);
}

size_t knowledge_index_len(const struct knowledge_index *x)
{
    return x->n_articles;
}

double knowledge_index_weight(const struct knowledge_index *x,
                              struct str language)
{
    return (double)x->fusion[fusion_of_language(language)].weight;
}
