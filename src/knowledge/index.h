/*
 * knowledge/index.h - the inside of the index, for search.c
 *
 * Three views of each article: its question forms one by one (the title is
 * one), the article as a whole with its answer, and where both stand in the
 * latent space of the articles.
 */
#ifndef OTK_KNOWLEDGE_INDEX_H
#define OTK_KNOWLEDGE_INDEX_H

#include "knowledge/knowledge.h"
#include "knowledge/latent.h"
#include "knowledge/postings.h"
#include "text/features.h"

struct arena;

/* Features of words (stems and pairs) and of characters (n-grams). */
enum space { SPACE_WORDS, SPACE_CHARS, SPACES };

struct knowledge_index {
    _Atomic int references;
    struct arena *arena;
    struct knowledge_article *articles;
    size_t n_articles;
    uint32_t *same;    /* of articles: the first one with the same answer */
    uint32_t *form_of; /* of question forms: the article */
    size_t n_forms, forms_cap;
    struct postings *forms[SPACES];
    struct postings *wholes[SPACES]; /* unit i is article i */
    struct latent *latent;           /* over wholes[SPACE_CHARS] */
    float (*form_places)[LATENT_SIZE], (*whole_places)[LATENT_SIZE];
};

static inline enum space space_of(const struct raw_feature *f)
{
    return f->kind == FEATURE_CHARS ? SPACE_CHARS : SPACE_WORDS;
}

/* knowledge_search() as if the articles of these keys (separated by spaces)
 * were not there: to measure what happens to questions without an answer. */
size_t knowledge_search_without(const struct knowledge_index *x,
                                struct knowledge_scratch *s,
                                const struct knowledge_query *q,
                                struct str without, struct knowledge_hit *ret,
                                size_t max);

#endif
