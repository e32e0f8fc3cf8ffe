/*
 * triage/tune.h - thresholds of the three modes, from calibrated rows
 *
 * `auto` begins at the lowest confidence from which on at most `auto_error`
 * of the decisions were wrong, `suggest` likewise. Also fills how well the
 * task did: accuracy, macro F1, expected calibration error.
 */
#ifndef OTK_TRIAGE_TUNE_H
#define OTK_TRIAGE_TUNE_H

#include <stddef.h>

struct calibration_row;
struct model_task;

void tune_thresholds(const struct calibration_row *rows, size_t n,
                     double auto_error, double suggest_error,
                     struct model_task *t);

#endif
