/*
 * knowledge/measure.h - how well does search find the right article?
 *
 * hit@k and MRR over questions with known articles, and the refusal curve:
 * for each threshold of confidence, how many unanswerable questions are
 * refused and how many answerable ones wrongly. A question is made
 * unanswerable by taking its articles out of the result.
 */
#ifndef OTK_KNOWLEDGE_MEASURE_H
#define OTK_KNOWLEDGE_MEASURE_H

#include <stddef.h>

#include "base/str.h"

struct knowledge_index;

struct measure_question {
    struct str text;
    struct str keys; /* of right articles, separated by spaces */
};

enum { MEASURE_POINTS = 21 };

struct measured {
    size_t n;
    double hit1, hit3, hit10, mrr;
    struct {
        double threshold;
        double refused_unanswerable; /* share, rightly */
        double refused_answerable;   /* share, wrongly */
    } curve[MEASURE_POINTS];
    double refused_at_10;    /* of unanswerable ones at under 10 % wrongly */
    double confidence_error; /* calibration error of "the first is right" */
};

void measure_search(const struct knowledge_index *x,
                    const struct measure_question *questions, size_t n,
                    struct measured *ret);

#endif
