/*
 * triage/vectors.h - all examples of a training as sparse vectors
 *
 * Builds the dictionary (features in at least `min_texts` texts, idf) and the
 * weighted rows that solvers and nearest-neighbour search take.
 */
#ifndef OTK_TRIAGE_VECTORS_H
#define OTK_TRIAGE_VECTORS_H

#include "triage/features.h"

struct vectors {
    size_t n;
    struct feature **rows; /* n rows; row i has lens[i] features */
    uint32_t *lens;
    float *known; /* share of a row's features that other rows have too */
    struct dictionary dictionary; /* its arrays are owned here */
    uint32_t n_words; /* ids below it are words and pairs, the rest n-grams */
    uint32_t *table;
    float *idf;
};

void vectors_build(const struct str *texts, size_t n, uint32_t min_texts,
                   int threads, struct vectors *ret);
void vectors_free(struct vectors *v);

#endif
