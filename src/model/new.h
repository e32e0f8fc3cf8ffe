/*
 * model/new.h - a language model that knows nothing yet
 *
 * A small BERT (Devlin et al. 2018) of random weights with a vocabulary learnt
 * from texts of one's own: what a desk can teach where no model can be
 * fetched. The folder is what transformers reads and writes.
 */
#ifndef OTK_MODEL_NEW_H
#define OTK_MODEL_NEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

struct new_options {
    size_t layers;    /* 0: 4 */
    size_t hidden;    /* 0: 256 */
    size_t heads;     /* 0: one for each 64 of `hidden` that divides it */
    size_t vocab;     /* at most so many tokens; 0: 8000 */
    size_t positions; /* the most tokens of a text; 0: 512 */
    uint64_t seed;    /* 0: 1 */
};

struct new_report {
    size_t vocab, parameters, heads;
};

/*
 * Makes `folder`, whole or not at all. The same texts and options give the
 * same bytes. OTK_ECONFLICT: the folder is there; OTK_EINVAL: options; what
 * wordpiece_train() says of the texts.
 */
int model_new(const char *folder, const struct str *texts, size_t n,
              const struct new_options *o, struct new_report *ret,
              struct err *e);

#endif
