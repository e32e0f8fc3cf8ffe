/* SPDX-License-Identifier: Apache-2.0 */
#include "model/loss.h"

#include <math.h>
#include <string.h>

static double weight_of(const struct loss *l, size_t class)
{
    return l->weights ? (double)l->weights[class] : 1;
}

/* The share of a row's truth that a class has, times its weight: of smoothing
 * s the true one has 1 - s, and all have s together. */
static double wanted(const struct loss *l, size_t class, size_t truth)
{
    double s = (double)l->smoothing;
    return weight_of(l, class) *
           (s / (double)l->n + (class == truth ? 1 - s : 0));
}

/* One row's loss; its scores become the slopes of that. */
static double row_loss(const struct loss *l, size_t truth, float *scores)
{
    double top = (double)scores[0];
    double sum = 0;
    double loss = 0;
    double all = 0;
    for (size_t c = 1; c < l->n; c++)
        top = fmax(top, (double)scores[c]);
    for (size_t c = 0; c < l->n; c++)
        sum += exp((double)scores[c] - top);
    for (size_t c = 0; c < l->n; c++) {
        loss += wanted(l, c, truth) * (log(sum) + top - (double)scores[c]);
        all += wanted(l, c, truth);
    }
    for (size_t c = 0; c < l->n; c++)
        scores[c] = (float)(all * exp((double)scores[c] - top) / sum -
                            wanted(l, c, truth));
    return loss;
}

static size_t best_of(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

double loss_find(const struct loss *l, const int *truth, size_t rows,
                 float *scores, size_t *ret_right, size_t *ret_known)
{
    double loss = 0;
    double weights = 0;
    *ret_right = 0;
    *ret_known = 0;
    for (size_t i = 0; i < rows; i++) {
        float *row = scores + i * l->n;
        size_t best = best_of(row, l->n);
        if (l->chosen)
            l->chosen[i] = (int)best;
        if (truth[i] < 0) {
            memset(row, 0, l->n * sizeof(*row));
            continue;
        }
        *ret_right += best == (size_t)truth[i];
        ++*ret_known;
        weights += weight_of(l, (size_t)truth[i]);
        loss += row_loss(l, (size_t)truth[i], row);
    }
    if (weights <= 0)
        return 0;
    for (size_t i = 0; i < rows * l->n; i++)
        scores[i] = (float)((double)scores[i] / weights);
    return loss / weights;
}
