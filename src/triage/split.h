/*
 * triage/split.h - who is trained on, who is asked
 *
 * Identical texts (text_fingerprint) always fall on the same side, classes
 * keep their shares as far as that allows, and the same seed gives the same
 * split everywhere.
 */
#ifndef OTK_TRIAGE_SPLIT_H
#define OTK_TRIAGE_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* fold[i] in 0 … folds-1 for each row; `labels` may be NULL. */
void split_folds(const struct str *texts, const struct str *labels, size_t n,
                 int folds, uint64_t seed, int *ret_fold);

/* test[i]: 1 for about `share` of the rows, 0 for the rest. */
void split_hold_out(const struct str *texts, const struct str *labels, size_t n,
                    double share, uint64_t seed, int *ret_test);

/*
 * For rows beside a split: the part of the row in it that says the same, or
 * -1, which is no part at all.
 */
void split_follow(const struct str *texts, const int *part, size_t n,
                  const struct str *also, size_t n_also, int *ret_part);

#endif
