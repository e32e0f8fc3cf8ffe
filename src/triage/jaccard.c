/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jaccard engines: a text belongs where the examples overlap most with its
 * set of words and word pairs, or of n-grams ("jaccard-chars", which forgives
 * spelling). Nothing is trained; a row of key words for a category is an
 * example like any other. The score of a class is the mean of its best
 * NEIGHBOURS similarities, so that one chance hit does not decide.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "triage/engine.h"
#include "triage/examples.h"
#include "triage/model_json.h"

enum { NEIGHBOURS = 3 };

struct jaccard {
    const struct examples *examples;
    struct examples *own; /* n-grams; NULL: the folder's, borrowed */
    size_t n_tasks, n_classes;
    int *classes; /* n_tasks × n: class in the row of scores, or -1 */
};

static void jaccard_free(void *impl)
{
    struct jaccard *j = impl;
    examples_free(j->own);
    free(j->classes);
    free(j);
}

/* The class in the row of scores of one example's label. */
static int class_of(const struct model_task *t, struct str label)
{
    if (label.n == 0)
        return -1;
    for (size_t i = 0; i < t->shape.n_labels; i++) {
        if (str_is(label, t->about.labels[i]))
            return (int)(t->shape.at + i);
    }
    return t->shape.has_none ? (int)(t->shape.at + t->shape.n_labels) : -1;
}

static int load(const char *folder, const struct model_json *m,
                const struct examples *past, struct examples *own, void **ret,
                struct err *e)
{
    if (!past)
        return err_set(e, OTK_ENOENT, "%s has no examples.jsonl", folder);
    struct jaccard *j = MEM_NEW(struct jaccard);
    j->examples = past;
    j->own = own;
    size_t n = examples_len(j->examples);
    j->n_tasks = m->n_tasks;
    j->n_classes = m->n_classes;
    j->classes = mem_new(m->n_tasks * n + 1, sizeof(*j->classes));
    for (size_t t = 0; t < m->n_tasks; t++) {
        for (size_t i = 0; i < n; i++)
            j->classes[t * n + i] =
                class_of(&m->tasks[t], examples_label(j->examples, i,
                                                      m->tasks[t].about.name));
    }
    *ret = j;
    return OTK_OK;
}

static int words_load(const char *folder, const struct model_json *m,
                      const struct examples *past, void **ret, struct err *e)
{
    return load(folder, m, past, NULL, ret, e);
}

static int chars_load(const char *folder, const struct model_json *m,
                      const struct examples *past, void **ret, struct err *e)
{
    struct examples *own;
    (void)past; /* its sets are of words */
    int r = examples_load(folder, SETS_OF_CHARS, &own, e);
    return r ? r : load(folder, m, own, own, ret, e);
}

static void insert(float best[NEIGHBOURS], float x)
{
    for (int i = 0; i < NEIGHBOURS; i++) {
        if (x > best[i]) {
            float swap = best[i];
            best[i] = x;
            x = swap;
        }
    }
}

static void jaccard_score(const void *impl, struct triage_scratch *s,
                          struct str text, float *ret_known)
{
    const struct jaccard *j = impl;
    size_t n = examples_len(j->examples);
    float *similar = mem_new(n + 1, sizeof(*similar));
    float(*best)[NEIGHBOURS] = mem_new(j->n_classes, sizeof(*best));
    examples_jaccard(j->examples, s->cutter, text, similar, ret_known);
    for (size_t t = 0; t < j->n_tasks; t++) {
        for (size_t i = 0; i < n; i++) {
            int c = j->classes[t * n + i];
            if (c >= 0 && similar[i] > 0)
                insert(best[c], similar[i]);
        }
    }
    for (size_t c = 0; c < j->n_classes; c++) {
        s->scores[c] = 0;
        for (int k = 0; k < NEIGHBOURS; k++)
            s->scores[c] += best[c][k] / NEIGHBOURS;
    }
    free(similar);
    free(best);
}

/* A feature speaks for a class when it stands in examples of that class. */
static void jaccard_weigh(const void *impl, struct triage_scratch *s,
                          struct str text, size_t c, float *weights)
{
    const struct jaccard *j = impl;
    const struct raw_feature *raw;
    size_t n_raw = cutter_cut(s->cutter, text, &raw);
    size_t folded = cutter_folded(s->cutter).n;
    for (size_t f = 0; f < n_raw; f++) {
        if (raw[f].len == 0)
            continue;
        size_t in = 0;
        size_t all = examples_with(j->examples, raw[f].hash, j->classes,
                                   j->n_tasks, (int)c, &in);
        float w = all ? (float)in / (float)all / (float)raw[f].len : 0;
        for (size_t b = raw[f].at; b < raw[f].at + raw[f].len && b < folded;
             b++)
            weights[b] += w;
    }
}

const struct engine_ops engine_jaccard_chars = {
    .name = "jaccard-chars",
    .load = chars_load,
    .free = jaccard_free,
    .score = jaccard_score,
    .weigh = jaccard_weigh,
};

const struct engine_ops engine_jaccard = {
    .name = "jaccard",
    .load = words_load,
    .free = jaccard_free,
    .score = jaccard_score,
    .weigh = jaccard_weigh,
};
