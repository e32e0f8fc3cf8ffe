/*
 * knowledge/measure.h - how well does search find the right article?
 *
 * hit@k and MRR over questions with known articles, and the refusal curve:
 * for each threshold of confidence, how many unanswerable questions are
 * refused and how many answerable ones wrongly. A question is made
 * unanswerable by taking its articles out of the result.
 *
 * "Wrongly" has two readings. Of all answerable questions: what a person would
 * notice who counts refusals. Of those whose first hit is right: nothing is
 * lost when a wrong answer is refused.
 */
#ifndef OTK_KNOWLEDGE_MEASURE_H
#define OTK_KNOWLEDGE_MEASURE_H

#include <stddef.h>

#include "base/str.h"

struct knowledge_index;

struct measure_question {
    struct str text;
    struct str keys;    /* of right articles, separated by spaces; empty: none
                           answers it, as of texts off the subject */
    struct str without; /* other articles that are taken away with those */
};

enum { MEASURE_POINTS = 21 };

/* Shares that are refused at one threshold. */
struct measured_refused {
    double unanswerable; /* of answerable ones without their articles */
    double strangers;
};

struct measured {
    size_t n;         /* answerable ones: everything but `strangers` */
    size_t strangers; /* those without keys */
    size_t misnamed;  /* of n: no key of theirs is an article's; never a hit */
    double hit1, hit3, hit10, mrr;
    struct {
        double threshold;
        double refused_unanswerable; /* share, rightly */
        double refused_answerable;   /* share, wrongly */
        double refused_right; /* share of those whose first hit is right */
    } curve[MEASURE_POINTS];
    struct measured_refused at_10;       /* under 10 % of the answerable ones */
    struct measured_refused at_10_right; /* of those whose first hit is right */
    double confidence_error; /* calibration error of "the first is right" */
};

void measure_search(const struct knowledge_index *x,
                    const struct measure_question *questions, size_t n,
                    struct measured *ret);

#endif
