/*
 * triage/train.h - making a model folder from examples
 *
 * Calibration never sees scores of a model that was trained on the same
 * text: small sets are scored out of fold, large ones on a held-out part,
 * identical texts (text_fingerprint) always together; the final weights are
 * then trained on everything.
 */
#ifndef OTK_TRIAGE_TRAIN_H
#define OTK_TRIAGE_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

/* One task's labels, a row each: empty is "not known", "none" is none. */
struct triage_labels {
    const char *task;
    const struct str *labels;
};

struct triage_dataset {
    size_t n;
    const struct str *texts;
    const struct str *answers; /* what each was answered, empty: not known;
                                  NULL: none is. They say in other words what
                                  the text was about, and go where it goes */
    const struct triage_labels *tasks;
    size_t n_tasks;
    size_t n_also; /* the last so many rows are learnt from and never asked
                      about: articles with a topic are no requests */
};

#define TRIAGE_NONE "none"

struct triage_train_options {
    const char *engine;   /* "linear" (default), "jaccard", "transformer" */
    const char *base;     /* of a transformer: the folder of a language model */
    const char *adapter;  /* for it: what was learnt apart, or NULL */
    size_t epochs;        /* of a transformer; 0: 8 */
    const char *settings; /* for it: what finetune_set() takes; NULL: none */
    const _Atomic(bool) *stop; /* set: a transformer learns no more */
    bool resume;               /* and goes on where it was stopped */
    uint64_t seed;             /* 0: 1 */
    double c;                  /* of the SVM; 0: by the number of examples */
    int threads;               /* 0: one a core */
    double
        auto_error; /* share of wrong decisions that `auto` may make; 0: 0.05 */
    double suggest_error; /* … and `suggest`; 0: 0.4 */
    int64_t now_ms;       /* written as trained_at */
    void (*progress)(void *ctx, const char *what, double share);
    void *ctx;
};

/*
 * OTK_EFORMAT with the reason when a task has fewer than two labels or an
 * example too few; the folder is replaced as a whole or not at all.
 *
 * Where a transformer stands is in the file FOLDER.checkpoint until it has
 * learnt all there is (model/checkpoint.h); OTK_ECONFLICT: `resume`, and it is
 * of other texts, options or another base.
 */
int triage_train(const struct triage_dataset *d,
                 const struct triage_train_options *o, const char *folder,
                 struct err *e);

#endif
