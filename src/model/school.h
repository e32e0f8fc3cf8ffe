/*
 * model/school.h - what a fine-tuning works with
 *
 * The options settled, the base model as parameters, the texts as tokens, and
 * the room for slopes and moments. For model/finetune.c alone, which changes
 * what is in here step by step.
 */
#ifndef OTK_MODEL_SCHOOL_H
#define OTK_MODEL_SCHOOL_H

#include <stddef.h>
#include <stdint.h>

#include "model/adam.h"
#include "model/config.h"
#include "model/finetune.h"
#include "model/lora.h"
#include "model/parameters.h"
#include "model/pooling.h"

struct arena;
struct checkpoint_about;
struct err;
struct gradient;
struct team;
struct weights;

/* A text as the network reads it. */
struct lesson {
    uint32_t *ids;
    size_t n;
};

struct school {
    const struct finetune_data *d;
    struct finetune_options o;
    struct arena *arena;
    struct model_config config;
    struct weights *weights;
    struct pooling pooling;
    struct parameters p;
    struct lesson *lessons;
    size_t *order; /* of the rows that are learnt from */
    size_t n_order;
    size_t *asked; /* rows that are held out */
    size_t n_asked;
    float *class_weights[HEADS_MAX];
    float *slopes, *best;
    struct lora *lora; /* NULL: all weights learn */
    struct gradient *gradient;
    struct team *team;
    struct adam adam;
    double started;
    size_t resumed_at; /* steps that an earlier run did */
    struct finetune_progress told;
};

/* Errors as finetune()'s. school_close() in any case. */
int school_open(struct school *s, const char *base,
                const struct head_shape *heads, size_t n_heads,
                const struct finetune_data *d, const struct finetune_options *o,
                struct err *e);
void school_close(struct school *s);

/* What decides over the result; before the first step. */
void school_about(const struct school *s, struct checkpoint_about *ret);

#endif
