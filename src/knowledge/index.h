/* knowledge/index.h - the inside of the index, for search.c */
#ifndef OTK_KNOWLEDGE_INDEX_H
#define OTK_KNOWLEDGE_INDEX_H

#include "knowledge/knowledge.h"
#include "knowledge/postings.h"

struct arena;

/* A piece of an article that is matched as one: a question form, the answer. */
struct unit {
    uint32_t article;
    bool is_question;
};

struct knowledge_index {
    _Atomic int references;
    struct arena *arena;
    struct knowledge_article *articles;
    size_t n_articles;
    struct unit *units;
    size_t n_units, units_cap;
    struct postings *words; /* stems and pairs */
    struct postings *chars; /* n-grams */
};

/* knowledge_search() as if the articles of these keys (separated by spaces)
 * were not there: to measure what happens to questions without an answer. */
size_t knowledge_search_without(const struct knowledge_index *x,
                                struct knowledge_scratch *s,
                                const struct knowledge_query *q,
                                struct str without, struct knowledge_hit *ret,
                                size_t max);

#endif
