/*
 * model/lora.h - teaching a model by a change of low rank
 *
 * LoRA (Hu et al. 2021): the weights W of the layers' linear parts stay, and
 * what is learnt are two narrow matrices for each, W + s·B·A with s = alpha /
 * r. B begins as zero, so that the model begins as it was. The slopes of A and
 * B come of those of W; W itself always holds the sum, which is what the
 * network computes with and what is written at the end.
 *
 * What was learnt alone can be written as an adapter (model/adapter.h), some
 * hundred times smaller than the model.
 */
#ifndef OTK_MODEL_LORA_H
#define OTK_MODEL_LORA_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct parameters;
struct team;

struct lora; /* of one struct parameters, which outlives it */

/*
 * Adds A and B of each weight to `p` and makes all that `p` had but its heads
 * stay. Names live in `a`. OTK_ELIMIT: no memory.
 */
int lora_new(struct parameters *p, size_t rank, double alpha, uint64_t seed,
             struct arena *a, struct lora **ret, struct err *e);
void lora_free(struct lora *l); /* NULL is fine */

/* Of the slopes of all W those of A and B; what stays has none. Embeddings are
 * frozen and had none before (struct gradient_job). */
void lora_back(struct lora *l, struct team *t, float *slopes);

/* W of what A and B are now. */
void lora_merge(struct lora *l, struct team *t);

/* adapter_config.json and adapter_model.safetensors, as peft writes them;
 * `base` is said to be what they were made for. */
int lora_write(const struct lora *l, const char *base, const char *folder,
               struct err *e);

#endif
