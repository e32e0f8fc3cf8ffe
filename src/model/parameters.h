/*
 * model/parameters.h - all numbers that training changes, side by side
 *
 * The tensors of an encoder and a head a task, in one array, so that slopes,
 * moments and checkpoints are arrays of the same shape. Query, key and value
 * of a layer lie one behind the other, as the products want them.
 */
#ifndef OTK_MODEL_PARAMETERS_H
#define OTK_MODEL_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/names.h"

struct arena;
struct err;
struct model_config;

enum { HEADS_MAX = 8 };

/* A task: `n` classes out of a text's vector. */
struct head_shape {
    const char *name; /* "topic" */
    size_t n;
};

struct parameter {
    const char *name; /* as model files have it */
    size_t dims[2];
    int n_dims;
    size_t at, n;
    size_t depth; /* 0: embeddings, 1 …: layers, layers + 1: heads */
    bool decays;  /* weights do; biases and norms do not */
    bool stays;   /* a step does not change it */
    bool apart;   /* no tensor of the network: see model/lora.h */
};

struct parameters {
    const struct model_config *config;
    struct parameter *list;
    size_t n_list;
    float *values;
    size_t n;
    struct head_shape heads[HEADS_MAX];
    size_t n_heads;
};

/*
 * The encoder's values from its files; heads by chance, from `seed` (normal,
 * 0.02 wide, as BERT). Names live in `a`. parameters_free() in any case.
 */
int parameters_read(const struct names *n, const struct head_shape *heads,
                    size_t n_heads, uint64_t seed, struct arena *a,
                    struct parameters *ret, struct err *e);
void parameters_free(struct parameters *p);

/* Where a role's values begin; of the layer that counts from 0. */
size_t parameters_at(const struct parameters *p, enum weight_role role,
                     size_t layer);
size_t parameters_head_at(const struct parameters *p, size_t head, bool bias);

/* model.safetensors of `folder`, with the heads as heads.NAME.weight. */
int parameters_write(const struct parameters *p, const char *folder,
                     struct err *e);
/* What is apart, to the safetensors file `path`. */
int parameters_write_apart(const struct parameters *p, const char *path,
                           struct err *e);

#endif
