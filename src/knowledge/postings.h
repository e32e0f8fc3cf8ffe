/*
 * knowledge/postings.h - BM25 over units of text (Robertson & Zaragoza 2009)
 *
 * A unit is a text with features of one kind; adding all units and closing
 * gives an immutable inverted index.
 */
#ifndef OTK_KNOWLEDGE_POSTINGS_H
#define OTK_KNOWLEDGE_POSTINGS_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct postings;

struct posting {
    uint32_t unit;
    float weight; /* BM25's tf part times idf */
};

struct postings *postings_new(float k1, float b);
void postings_free(struct postings *p); /* NULL is fine */

/* Units are numbered from 0 in the order they are added; hashes may repeat. */
void postings_add(struct postings *p, const uint64_t *hashes, size_t n);

/* Weights are known from here on. OTK_ELIMIT: no memory, now or when adding;
 * the postings can only be freed then. */
int postings_close(struct postings *p, struct err *e);

size_t postings_units(const struct postings *p);
size_t postings_terms(const struct postings *p); /* distinct features */

/* Number of a feature, below postings_terms(), or POSTINGS_NONE. */
#define POSTINGS_NONE SIZE_MAX
size_t postings_term(const struct postings *p, uint64_t hash);

uint64_t postings_hash(const struct postings *p, size_t term);

/* Units that have a term, in ascending order; returns how many. */
size_t postings_of(const struct postings *p, size_t term,
                   const struct posting **ret);

/* Weight of a feature; POSTINGS_NONE has the highest, for nobody has it. */
float postings_idf(const struct postings *p, size_t term);

#endif
