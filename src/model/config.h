/*
 * model/config.h - what `config.json` says of an encoder
 *
 * BERT, DistilBERT, RoBERTa and XLM-RoBERTa, which are one network with small
 * differences; MiniLM is one of them by its model_type. A field that is
 * missing has the value that transformers gives it (its configuration_*.py).
 * What would change the network and is not known here is refused, not passed
 * over: the model would answer, and wrongly.
 */
#ifndef OTK_MODEL_CONFIG_H
#define OTK_MODEL_CONFIG_H

#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;

enum model_family {
    MODEL_BERT,
    MODEL_DISTILBERT,
    MODEL_ROBERTA,
    MODEL_XLM_ROBERTA,
    MODEL_FAMILIES,
};

enum model_activation {
    ACTIVATION_GELU,     /* by the error function */
    ACTIVATION_GELU_NEW, /* by tanh */
    ACTIVATION_RELU,
};

enum model_problem {
    PROBLEM_UNSAID, /* one of the labels, or a number when there is but one */
    PROBLEM_ONE_LABEL,
    PROBLEM_MANY_LABELS,
    PROBLEM_REGRESSION,
};

enum {
    MODEL_VOCAB_MAX = 2000000,
    MODEL_HIDDEN_MAX = 16384,
    MODEL_LAYERS_MAX = 128,
    MODEL_INNER_MAX = 131072,
    MODEL_POSITIONS_MAX = 131072,
    MODEL_LABELS_MAX = 10000,
    MODEL_LABEL_BYTES = 500,
};

struct model_config {
    enum model_family family;
    size_t vocab, hidden, layers;
    size_t heads; /* divides `hidden` */
    size_t inner; /* width of the feed-forward part */
    size_t max_positions;
    size_t type_vocab; /* 0: the family has no token types */
    double layer_norm_eps;
    enum model_activation activation;
    size_t pad_id;          /* < vocab */
    size_t position_offset; /* of the first token; < max_positions */
    size_t max_tokens;      /* max_positions - position_offset */
    enum model_problem problem;
    const char **labels; /* of a classifier, by their number */
    size_t n_labels;     /* 0: no labels, a model for embeddings */
};

/*
 * `folder`/config.json; labels are taken from `a`. OTK_ENOENT: there is none;
 * OTK_EFORMAT, OTK_ELIMIT: the field that is wrong.
 */
int model_config_read(const char *folder, struct arena *a,
                      struct model_config *ret, struct err *e);

/* The same of the text of the file; errors name the field only. */
int model_config_parse(struct str text, struct arena *a,
                       struct model_config *ret, struct err *e);

const char *model_family_name(enum model_family f); /* as model_type has it */

#endif
