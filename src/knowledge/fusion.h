/*
 * knowledge/fusion.h - how much nearness of vectors counts
 *
 * A model may know the desk's language, or not; may tell its subjects apart, or
 * not. So each index finds out, for each language by itself: question forms of
 * its own articles are taken away in turn and asked, and the smallest weight is
 * taken whose mean reciprocal rank is within the noise of the best. When
 * vectors do not clearly help, the weight is zero and search is what it is
 * without a model.
 */
#ifndef OTK_KNOWLEDGE_FUSION_H
#define OTK_KNOWLEDGE_FUSION_H

#include "base/str.h"

struct err;
struct knowledge_index;

enum { FUSION_RU, FUSION_EN, FUSION_OTHER, FUSIONS };

/* Of questions in one language. */
struct fusion {
    float weight; /* of vectors, of a total of 1; the others share the rest */
    /* the mean nearness of any question to any article: it says nothing */
    float floor_form, floor_whole;
    /* of the confidence's log-odds, so that it stays a chance */
    double shift, slope;
};

int fusion_of_language(struct str language); /* "ru" "en"; else: other */

/* How far above its floor, 0-1. */
static inline float fusion_above(float nearness, float floor)
{
    return nearness > floor && floor < 1 ? (nearness - floor) / (1 - floor) : 0;
}

/* Fill x->fusion. `weight`: this one instead of the best; below 0: the best.
 * OTK_ELIMIT: no memory. */
int fusion_find(struct knowledge_index *x, double weight, struct err *e);

#endif
