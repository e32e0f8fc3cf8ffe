/*
 * model/pooling.h - how the vectors of tokens become the one of a text
 *
 * The files that sentence-transformers puts beside an encoder: modules.json
 * lists the steps, 1_Pooling/config.json says how to pool,
 * sentence_bert_config.json how long texts may be. All may be missing.
 */
#ifndef OTK_MODEL_POOLING_H
#define OTK_MODEL_POOLING_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct model_config;

enum pooling_kind {
    POOLING_MEAN, /* of all tokens but padding; also when nothing is said */
    POOLING_CLS,  /* the first token */
};

struct pooling {
    enum pooling_kind kind;
    bool normalize;    /* to a length of one */
    bool lower_case;   /* fold the text before it is cut into tokens */
    size_t max_tokens; /* with those that mark the ends */
};

/*
 * For the model in `folder`, whose config was read. OTK_EFORMAT: a file and
 * its field that are wrong, or a step that is not known here.
 */
int pooling_read(const char *folder, const struct model_config *c,
                 struct pooling *ret, struct err *e);

#endif
