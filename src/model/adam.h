/*
 * model/adam.h - steps down the slopes
 *
 * AdamW (Kingma and Ba 2014; Loshchilov and Hutter 2017) as PyTorch's: decay
 * apart from the slopes, biases of the moments corrected. One pass over
 * parameters, slopes and moments.
 */
#ifndef OTK_MODEL_ADAM_H
#define OTK_MODEL_ADAM_H

#include <stddef.h>
#include <stdint.h>

struct parameters;
struct team;

struct adam_options {
    double beta1, beta2, eps; /* 0.9, 0.999, 1e-8 */
    double decay;             /* of weights; biases and norms have none */
    double clip;              /* of the slopes' length over all; 0: no limit */
    double head_rate;         /* heads begin from nothing: times the rate; 1 */
    double layer_decay; /* times the rate, a layer further from the heads */
    size_t frozen;      /* parameters of less depth stay */
};

struct adam {
    struct adam_options o;
    float *first, *second; /* moments; as many as parameters */
    uint64_t steps;
};

/* OTK_ELIMIT: no memory. */
struct err;
int adam_init(struct adam *a, const struct parameters *p,
              const struct adam_options *o, struct err *e);
void adam_free(struct adam *a);

/* Changes the values of `p`; `slopes` are zeros afterwards. Returns the length
 * that the slopes had. */
double adam_step(struct adam *a, struct team *t, struct parameters *p,
                 float *slopes, double rate);

#endif
