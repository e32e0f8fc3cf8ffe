/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/index.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
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
    return r ? r : place(x, e);
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
    free(x->form_places);
    free(x->whole_places);
    arena_free(x->arena);
    free(x->articles);
    free(x->same);
    free(x->form_of);
    free(x);
}

size_t knowledge_index_len(const struct knowledge_index *x)
{
    return x->n_articles;
}
