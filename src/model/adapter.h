/*
 * model/adapter.h - what was learnt apart, added to the model it belongs to
 *
 * Low-rank adapters (LoRA, Hu et al. 2021) as the library `peft` writes them:
 * adapter_config.json, and adapter_model.safetensors with two narrow matrices
 * for each weight that was taught. W becomes W + s·B·A, where s is alpha / r,
 * or alpha / √r (rsLoRA, Kalajdzievski 2023), when the model is loaded: it then
 * costs what the model alone costs.
 *
 * What would change the network in another way (DoRA, biases that were taught,
 * modules that were saved whole, ranks of their own) is refused by its name.
 */
#ifndef OTK_MODEL_ADAPTER_H
#define OTK_MODEL_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;
struct names;
struct weights;

enum { ADAPTER_RANK_MAX = 4096, ADAPTER_TARGETS_MAX = 1000 };

struct adapter_config {
    size_t rank;
    double scale;         /* of B·A */
    const char *base;     /* the model that it was made for; NULL: not said */
    const char **targets; /* ends of modules' names, "query" */
    size_t n_targets;     /* 0: all that have matrices */
};

/* The text of an adapter_config.json; OTK_EFORMAT, OTK_ELIMIT: the field. */
int adapter_parse(struct str text, struct arena *a, struct adapter_config *ret,
                  struct err *e);

/* The folder has an adapter_config.json. */
bool adapter_is_in(const char *folder);

/*
 * Merge the adapter of `folder` into `w`, which `n` names. Weights that it does
 * not change stay where they lie. OTK_ENOENT: a file is missing; OTK_EFORMAT,
 * OTK_ELIMIT: the field or tensor that is wrong, with both shapes when it
 * belongs to another model; `w` may then be half merged and is of no use.
 */
int adapter_merge(const char *folder, const struct names *n, struct weights *w,
                  struct err *e);

#endif
