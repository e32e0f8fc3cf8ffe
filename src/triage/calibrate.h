/*
 * triage/calibrate.h - from raw scores to a chance of being right
 *
 * First how much the networks count beside the linear model: on small noisy
 * sets they are surer than right. Then two steps, all fitted on scores of texts
 * that the model was not trained on. A temperature makes probabilities of the
 * scores (Guo et al. 2017); logistic regression over the top probability, its
 * lead over the second and the share of known features makes the confidence
 * (Platt 1999): texts full of unknown words look surer than they are.
 */
#ifndef OTK_TRIAGE_CALIBRATE_H
#define OTK_TRIAGE_CALIBRATE_H

#include <stddef.h>

enum { CALIBRATION_TERMS = 4 }; /* 1, logit of top, lead, known */

struct calibration {
    double network;     /* what a logit of the networks counts in a score */
    double temperature; /* scores are multiplied by it */
    double terms[CALIBRATION_TERMS];
};

struct calibration_row {
    float *scores;       /* n_classes raw scores */
    const float *logits; /* n_classes of the networks; zeros: none */
    float known;
    int truth; /* class */
};

/* scores += network * logits. */
void calibration_mix(const struct calibration *c, const float *logits, size_t n,
                     float *scores);

/* p[0 … n-1] = softmax(temperature * scores). */
void calibration_softmax(const struct calibration *c, const float *scores,
                         size_t n, float *p);

/* The chance that the top class of `p` is right. */
double calibration_confidence(const struct calibration *c, const float *p,
                              size_t n, float known);

/* Fits all, and leaves the scores of the rows mixed with their logits. */
void calibration_fit(const struct calibration_row *rows, size_t n,
                     size_t n_classes, struct calibration *ret);

/* Expected calibration error over `bins` equal bins (Naeini et al. 2015). */
double calibration_error(const double *confidence, const int *right, size_t n,
                         int bins);

#endif
