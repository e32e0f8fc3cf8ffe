/*
 * model/verify.h - is a model folder what it says, from its files to its sums?
 *
 * All values of all tensors are looked at, the tokenizer reads some sentences,
 * and their vectors are made in each precision out of the weights. Vectors of
 * bf16 and int8 that are far from those of f32 mean a network that the
 * precision does not suit, or a machine that computes wrongly. The worst cosine
 * of networks of chance has been 0.99985 in bf16 and 0.9984 in int8 with 12
 * layers, 0.99966 and 0.9964 with 24; less than 0.9995 and 0.99 is refused.
 * Packed files are compared bit by bit.
 */
#ifndef OTK_MODEL_VERIFY_H
#define OTK_MODEL_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "tensor/linear.h"

struct err;

struct model_report {
    size_t tensors, values; /* that were looked at */
    size_t texts, tokens;   /* of the sentences */
    struct {
        double cosine; /* the worst one to f32 */
        bool packed;   /* there is a packed file, and it gives the same */
    } at[PRECISIONS];
};

/* The least cosine that is good. */
double model_least_cosine(enum precision p);

/*
 * OTK_EFORMAT and others of model_load(); OTK_EFORMAT also for a precision
 * that is too far off or a packed file that does not fit.
 */
int model_verify(const char *folder, struct model_report *ret, struct err *e);

#endif
