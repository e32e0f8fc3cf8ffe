/*
 * triage/solver.h - one linear classifier a class, by liblinear
 *
 * L2-regularised L2-loss SVM in the dual (Hsieh et al. 2008), one class
 * against the rest. liblinear draws from rand(), so a call seeds it and runs
 * alone: the same examples and seed give the same weights.
 */
#ifndef OTK_TRIAGE_SOLVER_H
#define OTK_TRIAGE_SOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "triage/vectors.h"

struct err;

struct solver_task {
    const struct vectors *vectors;
    const int *truth; /* class of each row; -1: not in this task */
    size_t n_classes;
    double c;
    uint64_t seed;
};

/* weights[id * stride + class], bias[class]; the caller's arrays. */
int solver_run(const struct solver_task *t, float *weights, size_t stride,
               float *bias, struct err *e);

#endif
