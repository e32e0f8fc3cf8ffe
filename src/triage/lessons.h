/*
 * triage/lessons.h - all texts that a model learns from
 *
 * The texts of a data set and, behind them, what was answered to some: an
 * answer has the classes of its text.
 */
#ifndef OTK_TRIAGE_LESSONS_H
#define OTK_TRIAGE_LESSONS_H

#include <stddef.h>

#include "base/str.h"
#include "triage/triage.h"

struct triage_dataset;

struct lessons {
    struct str *texts; /* views into the data set */
    int *truth[TRIAGE_TASKS_MAX];
    size_t n;
};

/* truth[task][row of `d`]: class inside the task, -1: not known. */
void lessons_take(const struct triage_dataset *d, const int *const *truth,
                  size_t n_tasks, struct lessons *ret);
void lessons_free(struct lessons *x);

#endif
