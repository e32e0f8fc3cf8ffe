/*
 * model/finetune.h - teaching an encoder a desk's own classes
 *
 * Fine-tuning as in BERT (Devlin et al. 2018): a head a task on the text's
 * vector, all layers learning, a rate that warms up and then falls to nothing.
 * After each epoch the texts that are held out are asked; the best state is
 * what is kept, and learning stops when it gets no better.
 *
 * The same seed gives the same weights, whatever the number of threads.
 */
#ifndef OTK_MODEL_FINETUNE_H
#define OTK_MODEL_FINETUNE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "model/parameters.h"

struct err;

/* Texts with the classes of each task; -1: not known. */
struct finetune_data {
    const struct str *texts;
    const int *const *truth; /* [task][text] */
    const char *held_out;    /* [text]: 1 is asked, 0 is learnt from */
    size_t n;
};

/* Told after each step, and after each epoch with what was measured. */
struct finetune_progress {
    size_t epoch, epochs; /* from 1 */
    size_t step, steps;   /* of all epochs */
    double loss;          /* of the last steps, smoothed */
    double accuracy; /* of the held-out texts, mean over tasks; NaN: not … */
    double macro_f1; /* … measured yet */
    double texts_per_second, seconds_left;
    bool epoch_ends;
};

/* Of `warm_up`, `decay`, `clip` and `dropout` less than 0 is none. */
struct finetune_options {
    size_t epochs;       /* 0: 5 */
    size_t batch;        /* texts a step; 0: 32 */
    size_t accumulate;   /* parts of a step, one after the other; 0: 1 */
    size_t max_tokens;   /* of a text; 0: 128 */
    double rate;         /* 0: 1e-4 */
    double warm_up;      /* share of all steps; 0: 0.1 */
    double decay;        /* 0: 0.01 */
    double clip;         /* 0: 1 */
    double dropout;      /* 0: 0.1 */
    double smoothing;    /* of labels */
    double layer_decay;  /* 0: 1 */
    double head_rate;    /* 0: 1 */
    size_t frozen;       /* 0: nothing; 1: embeddings; 2: and one layer; … */
    size_t patience;     /* epochs without gain until the end; 0: 3 */
    bool weigh_classes;  /* rare classes count as much as frequent ones */
    size_t lora_rank;    /* 0: all weights learn; else model/lora.h */
    double lora_alpha;   /* 0: twice the rank */
    bool bf16;           /* products; weights and all sums stay f32 */
    uint64_t seed;       /* 0: 1 */
    int threads;         /* 0: one a core */
    const char *adapter; /* a folder to merge first (model/adapter.h) */
    const _Atomic(bool) *stop; /* set: end after this step, keep the best */
    const char *checkpoint;    /* its file; NULL: checkpoint.otk of `to` */
    bool resume;               /* go on from the checkpoint, if there is one */
    void (*progress)(void *ctx, const struct finetune_progress *p);
    void *ctx;
};

/*
 * Options by name, as a person gives them: "learning-rate=3e-5,freeze=2". Those
 * that are not named stay. OTK_EINVAL: a name that there is not, a value out of
 * its range; the error says what there is.
 */
int finetune_set(struct finetune_options *o, struct str settings,
                 struct err *e);

struct finetuned {
    double accuracy, loss; /* of the held-out texts, mean over tasks */
    size_t epochs, best_epoch;
    double seconds;
    bool stopped; /* by `stop` */
};

/*
 * Teaches the model of folder `base` and writes it to folder `to`, which
 * exists: config.json, tokenizer and pooling files of the base, and
 * model.safetensors with the heads; where a change of low rank was learnt, the
 * folder `adapter` in it has that alone. OTK_EINVAL: options; what model_load()
 * says of the base; OTK_EFORMAT: a network with another activation than gelu.
 *
 * After each epoch, and when it is stopped, the state goes into a checkpoint
 * (model/checkpoint.h), which is removed when there is nothing more to learn.
 * A later call with `resume` and the same base, data and options goes on from
 * there and gives the weights that a run without a stop gives. OTK_ECONFLICT:
 * something is not the same; OTK_EFORMAT: the checkpoint is damaged.
 */
int finetune(const char *base, const char *to, const struct head_shape *heads,
             size_t n_heads, const struct finetune_data *d,
             const struct finetune_options *o, struct finetuned *ret,
             struct err *e);

#endif
