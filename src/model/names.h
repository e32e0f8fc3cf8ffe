/*
 * model/names.h - where an encoder's tensors are in a model's files
 *
 * The families call the same tensors by other names, with a prefix or without
 * (a base model saved alone has none), and old files call the weight and bias
 * of a norm gamma and beta. Here each tensor has a role; names_find() gives
 * the tensor of a role, of the shape that the config promises, or an error.
 *
 * Shapes: V tokens, P positions, T token types, H width, I inner width, L
 * labels. A weight of [out, in] is used as x * weight^T + bias.
 */
#ifndef OTK_MODEL_NAMES_H
#define OTK_MODEL_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "model/weight.h"

struct err;
struct model_config;
struct weights;

/* Each pair is the weight and its bias. */
enum weight_role {
    ROLE_WORDS,          /* [V, H] */
    ROLE_POSITIONS,      /* [P, H] */
    ROLE_TYPES,          /* [T, H]; not in DistilBERT */
    ROLE_EMBEDDING_NORM, /* [H] */
    ROLE_EMBEDDING_NORM_BIAS,

    ROLE_QUERY, /* [H, H]; this and those below once in each layer */
    ROLE_QUERY_BIAS,
    ROLE_KEY,
    ROLE_KEY_BIAS,
    ROLE_VALUE,
    ROLE_VALUE_BIAS,
    ROLE_ATTENTION_OUT, /* [H, H] */
    ROLE_ATTENTION_OUT_BIAS,
    ROLE_ATTENTION_NORM, /* [H], after the sum with the layer's input */
    ROLE_ATTENTION_NORM_BIAS,
    ROLE_INNER, /* [I, H] */
    ROLE_INNER_BIAS,
    ROLE_OUTER, /* [H, I] */
    ROLE_OUTER_BIAS,
    ROLE_LAYER_NORM, /* [H], the layer's end */
    ROLE_LAYER_NORM_BIAS,

    ROLE_HEAD, /* [H, H], of the first token, before the labels; BERT calls it
                  the pooler; tanh after it, in DistilBERT ReLU */
    ROLE_HEAD_BIAS,
    ROLE_LABELS, /* [L, H] */
    ROLE_LABELS_BIAS,
    ROLES,
};

struct names {
    const struct weights *weights;
    const struct model_config *config;
    const char *prefix; /* of the encoder's tensors; "" is one too */
};

/*
 * Find out the prefix. `w` and `c` are kept. OTK_EFORMAT: there is no tensor
 * of the words' embeddings by any name.
 */
int names_init(struct names *n, const struct weights *w,
               const struct model_config *c, struct err *e);

/*
 * The tensor of a role; `layer` counts from 0 and is 0 for what is there but
 * once. OTK_EFORMAT: it is not there or of another shape; the error has its
 * name and both shapes. OTK_EINVAL: the family has no such role.
 */
int names_find(const struct names *n, enum weight_role role, size_t layer,
               const struct weight **ret, struct err *e);

/*
 * The name and shape of a role's tensor as a file of this family has them;
 * `n->weights` is not asked. How many dimensions; 0: there is no such role.
 */
enum { NAMES_BYTES = WEIGHT_NAME_MAX + 1 };
int names_about(const struct names *n, enum weight_role role, size_t layer,
                char ret_name[NAMES_BYTES], size_t ret_dims[2]);

/* The weight of a module by its path, "encoder.layer.0.attention.self.query",
 * with the family's prefix or without, whichever the files have. NULL: there
 * is none. */
const struct weight *names_module(const struct names *n, struct str path);

/* The file's tensors can give labels. */
bool names_has_labels(const struct names *n);

/*
 * names_find() of everything, with the labels when `labels`: what to call
 * when a model is loaded. When several are missing the error says how many
 * and names those that there is room for.
 */
int names_check(const struct names *n, bool labels, struct err *e);

#endif
