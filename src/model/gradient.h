/*
 * model/gradient.h - how the loss of some texts changes with each parameter
 *
 * Forward and backward through an encoder with a head a task, over a packed
 * sequence. The loss is the mean cross entropy of the known labels, summed
 * over tasks, each class weighted, with label smoothing (Szegedy et al. 2016);
 * it is what PyTorch's cross_entropy with reduction "mean" gives.
 *
 * The same numbers come of any number of threads.
 */
#ifndef OTK_MODEL_GRADIENT_H
#define OTK_MODEL_GRADIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/encoder.h"
#include "model/parameters.h"
#include "model/pooling.h"

struct gradient; /* working memory and threads */

struct gradient *gradient_new(int threads);
void gradient_free(struct gradient *g); /* NULL is fine */

struct gradient_job {
    const struct parameters *p;
    const struct batch *texts;
    enum pooling_kind pooling;
    const int *const *truth;           /* [task][text]: class, -1: not known */
    const float *const *class_weights; /* [task][class]; NULL: all 1 */
    float smoothing;                   /* of labels: 0 … 0.5 */
    float dropout;                     /* as in BERT: 0.1 */
    uint64_t seed;                     /* of this step's dropout */
    size_t frozen; /* parameters of less depth keep: 0 none, 1 embeddings, … */
    float share;   /* that these texts have in a step; 0: it is all of it */
    bool bf16;     /* products of both ways; sums and all else are f32 */
    int *const *chosen; /* [task][text], filled: the best class; NULL: not */
};

/*
 * Adds the slopes, times the share, to `slopes` (p->n numbers), unless NULL:
 * then nothing is dropped out and only the loss is found. *ret_right counts, a
 * task, the texts whose best class is the true one; *ret_known those with a
 * label.
 */
double gradient_run(struct gradient *g, const struct gradient_job *j,
                    float *slopes, size_t *ret_right, size_t *ret_known);

#endif
