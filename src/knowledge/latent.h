/*
 * knowledge/latent.h - latent semantic analysis (Deerwester et al. 1990)
 *
 * Features that occur in the same texts point the same way in a space of few
 * dimensions, so texts without a common word can be near each other. The space
 * is spanned by the first right singular vectors of the units' weights, found
 * by subspace iteration from a random start (Halko, Martinsson & Tropp 2011).
 * Immutable and the same for the same postings.
 */
#ifndef OTK_KNOWLEDGE_LATENT_H
#define OTK_KNOWLEDGE_LATENT_H

#include <stddef.h>

struct err;
struct latent;
struct postings;

enum { LATENT_SIZE = 64 };

/* The space of the units of `p`, which must outlive it. It is found on every
 * so-manieth unit of many, so that 100,000 take no minutes. OTK_ELIMIT: no
 * memory. */
int latent_new(const struct postings *p, struct latent **ret, struct err *e);
void latent_free(struct latent *l); /* NULL is fine */

/* Where a text with these terms of the space's postings stands, each given
 * once: a vector of length one, or zeros when no term has a place.
 * POSTINGS_NONE is left out. */
void latent_place(const struct latent *l, const size_t *terms, size_t n,
                  float ret[LATENT_SIZE]);

/* latent_place() of all units of `of` at once, into `ret`, which is zeros. */
void latent_place_units(const struct latent *l, const struct postings *of,
                        float (*ret)[LATENT_SIZE]);

/* Cosine of two places. */
float latent_nearness(const float a[LATENT_SIZE], const float b[LATENT_SIZE]);

#endif
