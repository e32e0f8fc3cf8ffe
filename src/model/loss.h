/*
 * model/loss.h - how wrong scores are, and which way is less wrong
 *
 * Cross entropy of softmax, each class weighted, with label smoothing (Szegedy
 * et al. 2016), the mean over the rows whose class is known, by their classes'
 * weights: what PyTorch's cross_entropy gives with reduction "mean".
 */
#ifndef OTK_MODEL_LOSS_H
#define OTK_MODEL_LOSS_H

#include <stddef.h>

struct loss {
    size_t n;             /* classes */
    const float *weights; /* one a class; NULL: all 1 */
    float smoothing;      /* 0 … 0.5 */
    int *chosen;          /* filled: the best class of each row; NULL: not */
};

/*
 * `scores` is rows × n; its place is taken by the slopes of the loss.
 * truth[i] is -1 where it is not known: no loss, slopes of zero. *ret_right of
 * *ret_known rows have their best score at their class.
 */
double loss_find(const struct loss *l, const int *truth, size_t rows,
                 float *scores, size_t *ret_right, size_t *ret_known);

#endif
