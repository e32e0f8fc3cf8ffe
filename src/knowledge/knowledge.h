/*
 * knowledge/knowledge.h - finding the article that answers a question
 *
 * The index is built from all articles at once, is immutable afterwards and
 * counted by references. Search is hybrid: BM25 over stems, BM25 over
 * character n-grams (which forgives spelling) and nearness in a latent space of
 * the articles (which forgives other words), each over question forms and over
 * whole articles, fused. Articles with one and the same answer are one hit.
 * Each hit has a calibrated chance of answering the question; under the
 * threshold the honest reply is "no answer".
 */
#ifndef OTK_KNOWLEDGE_KNOWLEDGE_H
#define OTK_KNOWLEDGE_KNOWLEDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct vectors;

enum knowledge_audience { AUDIENCE_PUBLIC, AUDIENCE_STAFF };

struct knowledge_article {
    int64_t id;
    struct str key;
    struct str language; /* "ru" "en" or empty: any */
    struct str topic;    /* key, or empty */
    enum knowledge_audience audience;
    struct str title;
    struct str questions; /* question forms, one a line */
    struct str answer;    /* Markdown */
    int64_t version;
};

struct knowledge_index;

/* A model that search asks too. */
struct knowledge_dense {
    struct vectors *vectors; /* the index keeps a reference */
    double weight; /* of its nearness, 0-1; below 0: the best by the articles */
};

/*
 * Copies what it needs. Building 10,000 articles takes a few seconds; with
 * `dense` (NULL: words alone) so many more as the model needs for the texts
 * that it did not see before. One at a time with the same vectors.
 */
int knowledge_index_new(const struct knowledge_article *articles, size_t n,
                        const struct knowledge_dense *dense,
                        struct knowledge_index **ret, struct err *e);
/* How much vectors count with questions in "ru", "en" or any other language. */
double knowledge_index_weight(const struct knowledge_index *x,
                              struct str language);
struct knowledge_index *knowledge_index_ref(struct knowledge_index *x);
void knowledge_index_unref(struct knowledge_index *x); /* NULL is fine */
size_t knowledge_index_len(const struct knowledge_index *x);

/* Working memory of one thread; serves any index. */
struct knowledge_scratch;
struct knowledge_scratch *knowledge_scratch_new(void);
void knowledge_scratch_free(struct knowledge_scratch *s);

struct knowledge_query {
    struct str text;
    struct str language; /* prefer articles in it; empty: detect */
    struct str topic;    /* a slight preference; empty: none */
    bool with_staff;     /* also articles for staff only */
};

struct knowledge_hit {
    const struct knowledge_article *article; /* lives as long as the index */
    double score;                            /* fused, for ordering only */
    double confidence; /* calibrated chance that it answers, 0-1 */
};

/* Best first; returns how many (≤ max). Never fails: 0 is "nothing found". */
size_t knowledge_search(const struct knowledge_index *x,
                        struct knowledge_scratch *s,
                        const struct knowledge_query *q,
                        struct knowledge_hit *ret, size_t max);

/* How near each of `n` texts is to `text` for the index's model: cosines.
 * False: there is none, or it could not say. */
bool knowledge_near(const struct knowledge_index *x,
                    struct knowledge_scratch *s, struct str text,
                    const struct str *others, size_t n, float *ret);

/* The line of an article's answer that says most of what is asked; the first
 * one when none says any. A view into the article. */
struct str knowledge_passage(const struct knowledge_index *x,
                             struct knowledge_scratch *s,
                             const struct knowledge_article *article,
                             struct str question);

#endif
