/* model/encoder_private.h - what an encoder is made of */
#ifndef OTK_MODEL_ENCODER_PRIVATE_H
#define OTK_MODEL_ENCODER_PRIVATE_H

#include "model/encoder.h"
#include "model/weight.h"
#include "tensor/norm.h"

enum { LAYER_LINEARS = 4 }; /* in this order: */
enum layer_linear { LINEAR_QKV, LINEAR_OUT, LINEAR_INNER, LINEAR_OUTER };

struct layer {
    struct linear *linears[LAYER_LINEARS];
    struct norm attention, end;
};

struct encoder {
    const struct model_config *config;
    enum precision precision;
    const struct weight *words; /* where they lie: few rows are used */
    struct weight mapped_words; /* what that points to in a packed file */
    const float *places;        /* max_tokens × hidden: positions and type 0 */
    const float *norms;         /* gains and biases, embedding's first */
    float *own;                 /* both of them; NULL: in a packed file */
    struct norm embedding;
    struct layer *layers;
};

#endif
