/*
 * triage/triage.h - what is it about, and how urgent is it?
 *
 * A model folder holds `model.json` (engine, version, tasks, labels,
 * thresholds, calibration, how well it did on held-out data), the engine's
 * weights, and `examples.bin` (past tickets for explanations). Loaded, it is
 * immutable: many threads predict from one model, and a newer model replaces
 * it by swapping the pointer; each user holds a reference meanwhile.
 *
 * Two tasks stand in each folder that the desk uses, "topic" and "priority";
 * a folder may hold other tasks. Each decision has one of three modes by the
 * task's thresholds: do it (auto), suggest it, or ask a person.
 */
#ifndef OTK_TRIAGE_TRIAGE_H
#define OTK_TRIAGE_TRIAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct buf;
struct err;
struct triage_model;
struct triage_scratch;

enum {
    TRIAGE_TASKS_MAX = 8,
    TRIAGE_CLASSES_MAX = 4096,
};

enum triage_mode { TRIAGE_ASK, TRIAGE_SUGGEST, TRIAGE_AUTO };
const char *triage_mode_name(enum triage_mode m); /* "ask" "suggest" "auto" */

struct triage_task {
    const char *name; /* "topic" */
    const char *const *labels;
    size_t n_labels;
    double auto_threshold, suggest_threshold; /* of confidence */
    double accuracy, macro_f1, ece; /* on held-out data; NaN: not measured */
};

struct triage_info {
    const char *engine;  /* "linear" "jaccard" */
    const char *version; /* content hash of the weights: "linear-3f2a91c0" */
    int64_t trained_at;  /* wall ms */
    size_t n_examples;
    const struct triage_task *tasks;
    size_t n_tasks;
};

/* OTK_ENOENT, OTK_EFORMAT; sizes in the files are checked before use. */
int triage_load(const char *folder, struct triage_model **ret, struct err *e);
/* Delete the files of a model folder, and the folder when nothing is left. */
void triage_remove(const char *folder);

struct triage_model *triage_ref(struct triage_model *m);
void triage_unref(struct triage_model *m); /* NULL is fine */
const struct triage_info *triage_info(const struct triage_model *m);
int triage_task_find(const struct triage_model *m,
                     const char *task); /* or -1 */

/* Working memory of one thread; serves any model. */
struct triage_scratch *triage_scratch_new(void);
void triage_scratch_free(struct triage_scratch *s); /* NULL is fine */

struct triage_prediction {
    int label;         /* index into labels; -1: none of these */
    double confidence; /* calibrated chance that `label` is right, 0-1 */
    enum triage_mode mode;
    const float *scores; /* n_labels, sum 1; valid until the next predict */
};

/* Its name, "none" for none of these. */
const char *triage_label(const struct triage_task *t,
                         const struct triage_prediction *p);
/* {"vpn":0.91,…}: the scores of all labels of `t`, as JSON. */
void triage_put_scores(const struct triage_task *t,
                       const struct triage_prediction *p, struct buf *b);

/* Whether triage_predict() of this text is a matter of microseconds: a language
 * model computes for milliseconds, unless it was asked the same lately. */
bool triage_at_once(const struct triage_model *m, struct str text);

/*
 * One prediction a task, in the order of info->tasks; `ret` has room for
 * n_tasks. Never fails: an empty text is "none of these" with mode ask.
 */
void triage_predict(const struct triage_model *m, struct triage_scratch *s,
                    struct str text, struct triage_prediction *ret);

/* Why: the words that weighed and the nearest past tickets. */
struct triage_word {
    const char *text; /* as it stands in the person's text */
    double weight;    /* above 0: for the label, below: against */
};
struct triage_near {
    const char *text;
    const char *label; /* of the explained task */
    double similarity; /* 0-1 */
};
struct triage_reason {
    const struct triage_word *words; /* largest weight first */
    size_t n_words;
    const struct triage_near *nearest;
    size_t n_nearest;
};
/* All of `ret` lives in `a`. Slower than triage_predict(): milliseconds. */
int triage_explain(const struct triage_model *m, struct triage_scratch *s,
                   int task, int label, struct str text, size_t max_words,
                   size_t max_nearest, struct arena *a,
                   struct triage_reason *ret, struct err *e);

#endif
