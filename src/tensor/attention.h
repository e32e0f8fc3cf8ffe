/*
 * tensor/attention.h - each token looks at the tokens of its own text
 *
 * softmax(q·kᵀ/√width)·v a head (Vaswani et al. 2017), over texts that lie one
 * behind the other without padding: offsets[i] is the first row of text i,
 * offsets[n_texts] the number of rows. All in f32.
 */
#ifndef OTK_TENSOR_ATTENTION_H
#define OTK_TENSOR_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

struct dropout;
struct team;
struct workspace;

struct attention_job {
    const float *qkv; /* rows × 3·heads·width: q, k, v of all heads */
    size_t heads, width;
    const size_t *offsets;
    size_t n_texts;
    bool first_only; /* only the first token of each text asks */
    float *y;        /* rows × heads·width; n_texts rows if first_only */
    const struct dropout *dropout; /* of what looks at what; NULL: none */
};

/* Members of the team take heads of texts in turn. */
void attention_apply(struct team *t, struct workspace *w,
                     const struct attention_job *j);

/*
 * The way back: from the slopes of y to those of qkv, both laid out as those.
 * `j` as it was on the way there, without first_only; j->y is not looked at.
 */
void attention_back(struct team *t, struct workspace *w,
                    const struct attention_job *j, const float *slopes,
                    float *ret);

#endif
