/*
 * knowledge/postings.h - BM25 over units of text (Robertson & Zaragoza 2009)
 *
 * A unit is a short text with features of one kind; adding all units and
 * closing gives an immutable inverted index.
 */
#ifndef OTK_KNOWLEDGE_POSTINGS_H
#define OTK_KNOWLEDGE_POSTINGS_H

#include <stddef.h>
#include <stdint.h>

struct postings;

struct posting {
    uint32_t unit;
    float weight; /* BM25's tf part times idf */
};

struct postings *postings_new(float k1, float b);
void postings_free(struct postings *p); /* NULL is fine */

/* Units are numbered from 0 in the order they are added; hashes may repeat. */
void postings_add(struct postings *p, const uint64_t *hashes, size_t n);
void postings_close(struct postings *p); /* weights are known from here on */

/* Postings of a feature; *ret_idf: its weight, also when nobody has it. */
size_t postings_find(const struct postings *p, uint64_t hash,
                     const struct posting **ret, float *ret_idf);

#endif
