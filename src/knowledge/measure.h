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
    struct str keys; /* of right articles, separated by spaces; empty: none
                        answers it, as of texts off the subject */
};

enum { MEASURE_POINTS = 21 };

struct measured {
    size_t n;         /* answerable ones: everything but `strangers` */
    size_t strangers; /* those without keys */
    double hit1, hit3, hit10, mrr;
    struct {
        double threshold;
        double refused_unanswerable; /* share, rightly */
        double refused_answerable;   /* share, wrongly */
    } curve[MEASURE_POINTS];
    /* at under 10 % of the answerable ones wrongly refused: how many of them
     * are refused when their articles are taken away, and of the strangers */
    double refused_at_10, strangers_refused_at_10;
    double confidence_error; /* calibration error of "the first is right" */
};

void measure_search(const struct knowledge_index *x,
                    const struct measure_question *questions, size_t n,
                    struct measured *ret);

#endif
