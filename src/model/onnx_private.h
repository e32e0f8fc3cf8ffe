/* model/onnx_private.h - what the files of model/onnx.h share */
#ifndef OTK_MODEL_ONNX_PRIVATE_H
#define OTK_MODEL_ONNX_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/names.h"

struct err;
struct graph;
struct weight;

struct onnx_plan {
    struct names names;
    const struct model_config *config;
    struct graph *g;
    bool int8;
};

enum onnx_kind {
    ONNX_FLOAT,
    ONNX_INT8,         /* weights and input */
    ONNX_INT8_WEIGHTS, /* the input stays float */
};

/* A product as the files have it: `n` pairs of weight and bias, each of
 * outs × in, side by side. */
struct onnx_linear {
    const struct weight *weights[3], *biases[3];
    size_t n, outs, in;
    enum onnx_kind kind;
};

/* x * weights + biases; `name` is the output's. Of OTK_EFORMAT, OTK_ELIMIT;
 * so are those below. */
int onnx_linear(const struct onnx_plan *p, const struct onnx_linear *l,
                const char *x, const char *name, struct err *e);
/* The one whose first weight has `role`. */
int onnx_linear_role(const struct onnx_plan *p, enum weight_role role, size_t n,
                     size_t layer, enum onnx_kind kind, struct onnx_linear *ret,
                     struct err *e);

/* A tensor of floats out of `rows` rows; where it lies, if that will do. */
int onnx_floats(const struct onnx_plan *p, const struct weight *w, size_t from,
                size_t rows, const char *name, struct err *e);
/* Rows of `w` by ids, each row int8 with a scale of its own. */
int onnx_gather_int8(const struct onnx_plan *p, const struct weight *w,
                     const char *ids, const char *name, struct err *e);

/* From input_ids and attention_mask to last_hidden_state. */
int onnx_encoder(const struct onnx_plan *p, struct err *e);

/* Bytes that the tensors will take, from the config alone. */
size_t onnx_encoder_bytes(const struct model_config *c, bool int8);

#endif
