/*
 * knowledge/index.h - the inside of the index, for search.c
 *
 * Three views of each article: its question forms one by one (the title is
 * one), the article as a whole with its answer, and where both stand in the
 * latent space of the articles. With a model, also where both stand among its
 * vectors.
 */
#ifndef OTK_KNOWLEDGE_INDEX_H
#define OTK_KNOWLEDGE_INDEX_H

#include "knowledge/fusion.h"
#include "knowledge/knowledge.h"
#include "knowledge/latent.h"
#include "knowledge/postings.h"
#include "text/features.h"

struct arena;
struct dense;
struct vectors;

/* Features of words (stems and pairs) and of characters (n-grams). */
enum space { SPACE_WORDS, SPACE_CHARS, SPACES };

struct knowledge_index {
    _Atomic int references;
    struct arena *arena;
    struct knowledge_article *articles;
    size_t n_articles;
    uint32_t *same;    /* of articles: the first one with the same answer */
    uint32_t *form_of; /* of question forms: the article */
    struct str *form_texts;
    size_t n_forms, forms_cap, texts_cap;
    struct postings *forms[SPACES];
    struct postings *wholes[SPACES]; /* unit i is article i */
    struct latent *latent;           /* over wholes[SPACE_CHARS] */
    float (*form_places)[LATENT_SIZE], (*whole_places)[LATENT_SIZE];
    struct vectors *vectors; /* NULL: words alone, and so are the next two */
    struct dense *dense_forms, *dense_wholes;
    struct fusion fusion[FUSIONS];
};

/* An index whose vectors do not count yet. */
int knowledge_index_make(const struct knowledge_article *articles, size_t n,
                         struct vectors *vectors, struct knowledge_index **ret,
                         struct err *e);

static inline enum space space_of(const struct raw_feature *f)
{
    return f->kind == FEATURE_CHARS ? SPACE_CHARS : SPACE_WORDS;
}

/* How well an article fits, from eight sides; those of vectors are cosines,
 * the others parts of what could be. */
enum part {
    FORM_WORDS,
    FORM_CHARS,
    FORM_LATENT,
    WHOLE_WORDS,
    WHOLE_CHARS,
    WHOLE_LATENT,
    LEXICAL_PARTS,
    FORM_DENSE = LEXICAL_PARTS,
    WHOLE_DENSE,
    PARTS,
};
struct parts {
    float of[PARTS];
};

/*
 * The two halves of a search, so that one look can be weighed several times.
 * Look at all articles with the question's vector (NULL: words alone); *ret is
 * of x->n_articles and lives until the next look. False: nothing was asked.
 */
bool knowledge_look(const struct knowledge_index *x,
                    struct knowledge_scratch *s, struct str text,
                    const float *vector, const struct parts **ret);
/* Rank what was looked at last, as `f` says (NULL: words alone). */
size_t knowledge_weigh(const struct knowledge_index *x,
                       struct knowledge_scratch *s,
                       const struct knowledge_query *q, const struct fusion *f,
                       struct str without, struct knowledge_hit *ret,
                       size_t max);
/* The language of a question: "ru", "en" or empty. */
struct str knowledge_language(const struct knowledge_query *q);

/* knowledge_search() as if the articles of these keys (separated by spaces)
 * were not there: to measure what happens to questions without an answer. */
size_t knowledge_search_without(const struct knowledge_index *x,
                                struct knowledge_scratch *s,
                                const struct knowledge_query *q,
                                struct str without, struct knowledge_hit *ret,
                                size_t max);

#endif
