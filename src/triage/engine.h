/*
 * triage/engine.h - what a kind of model has to do
 *
 * An engine turns a text into one raw score a class, for all tasks of the
 * model side by side; triage.c makes probabilities and decisions of them.
 * Engines register in engines[] of triage.c.
 */
#ifndef OTK_TRIAGE_ENGINE_H
#define OTK_TRIAGE_ENGINE_H

#include <stddef.h>

#include "triage/features.h"
#include "triage/triage.h"

/*
 * Classes of one task inside an engine: the labels, then "none of these" when
 * the examples had some.
 */
struct task_shape {
    size_t n_labels;
    bool has_none;
    size_t at; /* of the first class in the row of scores */
};

static inline size_t task_classes(const struct task_shape *t)
{
    return t->n_labels + t->has_none;
}

struct triage_scratch {
    struct cutter *cutter;
    struct weigher *weigher;
    struct feature *features;
    float *scores; /* raw, all classes of all tasks */
    float *logits; /* of the networks, which calibration mixes in */
    float *output; /* probabilities of labels, all tasks */
    size_t scores_cap;
    struct session *session; /* of a transformer; NULL until one is asked */
    struct tokenizer_scratch *tokens;
};

/* Room for `n` scores; features has FEATURES_MAX. */
void scratch_fit(struct triage_scratch *s, size_t n);

/* Scores and logits before calibration, all classes, into `s`. */
void triage_raw_scores(const struct triage_model *m, struct triage_scratch *s,
                       struct str text, float *ret_known);

struct examples;
struct model_json;

struct engine_ops {
    const char *name;
    bool trains_once; /* minutes a fit: what is calibrated is what is kept */
    /* `past`: the folder's examples, which outlive it; NULL: it has none. */
    int (*load)(const char *folder, const struct model_json *m,
                const struct examples *past, void **ret, struct err *e);
    void (*free)(void *impl);
    /* Raw scores into s->scores, those of networks into s->logits, which are
     * zero before; *ret_known: share of known features. */
    void (*score)(const void *impl, struct triage_scratch *s, struct str text,
                  float *ret_known);
    /* Whether score() of this text takes microseconds; NULL: never. */
    bool (*at_once)(const void *impl, struct str text);
    /* Weight of each character of the folded text for class `c`, added to
     * `weights` (one a byte of cutter_folded()). */
    void (*weigh)(const void *impl, struct triage_scratch *s, struct str text,
                  size_t c, float *weights);
};

extern const struct engine_ops engine_linear, engine_jaccard,
    engine_jaccard_chars, engine_transformer;
const struct engine_ops *engine_find(const char *name); /* or NULL */

#endif
