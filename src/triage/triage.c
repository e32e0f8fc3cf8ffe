/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/triage.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/encoder.h"
#include "text/tokenizer.h"
#include "triage/engine.h"
#include "triage/examples.h"
#include "triage/model_json.h"
#include "triage/transformer.h"

enum { PATH_BYTES = 4096 };

static const struct engine_ops *const engines[] = {
    &engine_linear, &engine_jaccard, &engine_jaccard_chars,
    &engine_transformer};

struct triage_model {
    _Atomic int references;
    struct arena *arena;
    struct model_json json;
    struct triage_task tasks[TRIAGE_TASKS_MAX];
    const struct engine_ops *ops;
    void *impl;
    struct examples *examples; /* NULL: the folder has no examples */
};

const char *triage_mode_name(enum triage_mode m)
{
    static const char *const names[] = {"ask", "suggest", "auto"};
    return names[m];
}

const char *triage_label(const struct triage_task *t,
                         const struct triage_prediction *p)
{
    return p->label < 0 ? "none" : t->labels[p->label];
}

void triage_put_scores(const struct triage_task *t,
                       const struct triage_prediction *p, struct buf *b)
{
    buf_putc(b, '{');
    for (size_t i = 0; i < t->n_labels; i++) {
        buf_puts(b, i ? "," : "");
        json_put_text(b, str_from(t->labels[i]));
        buf_putc(b, ':');
        json_put_real(b, p->scores[i]);
    }
    buf_putc(b, '}');
}

/* ---- scratch
 * ------------------------------------------------------------------------ */

struct triage_scratch *triage_scratch_new(void)
{
    struct triage_scratch *s = MEM_NEW(struct triage_scratch);
    s->cutter = cutter_new();
    s->weigher = weigher_new();
    s->features = mem_new(FEATURES_MAX, sizeof(*s->features));
    return s;
}

void triage_scratch_free(struct triage_scratch *s)
{
    if (!s)
        return;
    cutter_free(s->cutter);
    weigher_free(s->weigher);
    free(s->features);
    free(s->scores);
    free(s->logits);
    free(s->output);
    session_free(s->session);
    tokenizer_scratch_free(s->tokens);
    free(s);
}

void scratch_fit(struct triage_scratch *s, size_t n)
{
    if (n <= s->scores_cap)
        return;
    free(s->scores);
    free(s->logits);
    free(s->output);
    s->scores = mem_new(n, sizeof(*s->scores));
    s->logits = mem_new(n, sizeof(*s->logits));
    s->output = mem_new(n, sizeof(*s->output));
    s->scores_cap = n;
}

/* ---- loading
 * -------------------------------------------------------------------------- */

const struct engine_ops *engine_find(const char *name)
{
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    }
    return NULL;
}

int triage_load(const char *folder, struct triage_model **ret, struct err *e)
{
    struct triage_model *m = MEM_NEW(struct triage_model);
    m->references = 1;
    m->arena = arena_new();
    int r = model_json_read(folder, m->arena, &m->json, e);
    if (!r && !(m->ops = engine_find(m->json.info.engine)))
        r = err_set(e, OTK_EFORMAT, "%s/model.json: no engine '%s'", folder,
                    m->json.info.engine);
    for (size_t i = 0; !r && i < m->json.n_tasks; i++)
        m->tasks[i] = m->json.tasks[i].about;
    if (!r)
        r = examples_load(folder, SETS_OF_WORDS, &m->examples, e);
    if (!r)
        r = m->ops->load(folder, &m->json, m->examples, &m->impl, e);
    if (r) {
        triage_unref(m);
        return r;
    }
    m->json.info.tasks = m->tasks;
    m->json.info.n_tasks = m->json.n_tasks;
    *ret = m;
    return OTK_OK;
}

struct triage_model *triage_ref(struct triage_model *m)
{
    if (m)
        atomic_fetch_add(&m->references, 1);
    return m;
}

void triage_unref(struct triage_model *m)
{
    if (!m || atomic_fetch_sub(&m->references, 1) > 1)
        return;
    if (m->impl)
        m->ops->free(m->impl);
    examples_free(m->examples);
    arena_free(m->arena);
    free(m);
}

const struct triage_info *triage_info(const struct triage_model *m)
{
    return &m->json.info;
}

int triage_task_find(const struct triage_model *m, const char *task)
{
    for (size_t i = 0; i < m->json.n_tasks; i++) {
        if (strcmp(m->tasks[i].name, task) == 0)
            return (int)i;
    }
    return -1;
}

void triage_remove(const char *folder)
{
    static const char *const names[] = {"model.json", "linear.bin",
                                        "network.bin", "examples.jsonl"};
    transformer_remove(folder);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

/* ---- deciding
 * ---------------------------------------------------------------------------
 */

static enum triage_mode mode_of(const struct triage_task *t, double confidence)
{
    if (confidence >= t->auto_threshold)
        return TRIAGE_AUTO;
    return confidence >= t->suggest_threshold ? TRIAGE_SUGGEST : TRIAGE_ASK;
}

/*
 * What is left of the probabilities for the labels alone, with the calibrated
 * confidence in place of the top one.
 */
static void spread(float *p, size_t n, size_t top, double confidence)
{
    float rest = 0;
    for (size_t i = 0; i < n; i++)
        rest += i == top ? 0 : p[i];
    float left = n > 1 ? (float)(1 - confidence) : 0;
    for (size_t i = 0; i < n; i++) {
        if (i == top)
            p[i] = n > 1 ? (float)confidence : 1;
        else
            p[i] = rest > 0 ? p[i] * left / rest : left / (float)(n - 1);
    }
}

static void decide(const struct model_task *t, struct triage_scratch *s,
                   float known, struct triage_prediction *ret)
{
    size_t n = task_classes(&t->shape);
    float *p = s->output + t->shape.at;
    calibration_mix(&t->calibration, s->logits + t->shape.at, n,
                    s->scores + t->shape.at);
    calibration_softmax(&t->calibration, s->scores + t->shape.at, n, p);
    size_t top = 0;
    size_t top_label = 0;
    for (size_t i = 1; i < n; i++) {
        top = p[i] > p[top] ? i : top;
        if (i < t->shape.n_labels)
            top_label = p[i] > p[top_label] ? i : top_label;
    }
    double confidence = calibration_confidence(&t->calibration, p, n, known);
    bool none =
        top >= t->shape.n_labels || confidence < t->none_below || known <= 0;
    ret->label = none ? -1 : (int)top;
    ret->confidence = known > 0 ? confidence : 0;
    ret->mode = mode_of(&t->about, ret->confidence);
    ret->scores = p;
    /* a desk has to read something: scores are of labels, also for none */
    if (top >= t->shape.n_labels) {
        float labels = 1 - p[top];
        double of_top = labels > 0 ? (double)(p[top_label] / labels) : 0;
        spread(p, t->shape.n_labels, top_label, of_top);
    } else {
        spread(p, t->shape.n_labels, top, confidence);
    }
}

void triage_raw_scores(const struct triage_model *m, struct triage_scratch *s,
                       struct str text, float *ret_known)
{
    scratch_fit(s, m->json.n_classes);
    memset(s->logits, 0, m->json.n_classes * sizeof(*s->logits));
    m->ops->score(m->impl, s, text, ret_known);
}

bool triage_at_once(const struct triage_model *m, struct str text)
{
    return m->ops->at_once && m->ops->at_once(m->impl, text);
}

void triage_predict(const struct triage_model *m, struct triage_scratch *s,
                    struct str text, struct triage_prediction *ret)
{
    float known = 0;
    triage_raw_scores(m, s, text, &known);
    for (size_t i = 0; i < m->json.n_tasks; i++)
        decide(&m->json.tasks[i], s, known, &ret[i]);
}

/* ---- explaining
 * ---------------------------------------------------------------------------
 */

static int by_weight(const void *a, const void *b)
{
    double x = ((const struct triage_word *)a)->weight;
    double y = ((const struct triage_word *)b)->weight;
    x = x < 0 ? -x : x;
    y = y < 0 ? -y : y;
    return (x < y) - (x > y);
}

/* Weights of bytes, summed up to weights of words. */
static void words_of(struct triage_scratch *s, const float *weights, size_t max,
                     struct arena *a, struct triage_reason *ret)
{
    struct str folded = cutter_folded(s->cutter);
    struct triage_word *words =
        ARENA_ARRAY(a, struct triage_word, folded.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < folded.n;) {
        size_t end = i;
        double sum = 0;
        while (end < folded.n && folded.p[end] != ' ')
            sum += weights[end++];
        if (end > i && sum != 0)
            words[n++] = (struct triage_word){
                .text = arena_copy(a, str_sub(folded, i, end - i)),
                .weight = sum};
        i = end + 1;
    }
    qsort(words, n, sizeof(*words), by_weight);
    ret->words = words;
    ret->n_words = n < max ? n : max;
}

int triage_explain(const struct triage_model *m, struct triage_scratch *s,
                   int task, int label, struct str text, size_t max_words,
                   size_t max_nearest, struct arena *a,
                   struct triage_reason *ret, struct err *e)
{
    *ret = (struct triage_reason){0};
    if (task < 0 || (size_t)task >= m->json.n_tasks || label < 0 ||
        (size_t)label >= m->tasks[task].n_labels)
        return err_set(e, OTK_EINVAL, "no such task or label");
    scratch_fit(s, m->json.n_classes);
    const struct raw_feature *raw;
    (void)cutter_cut(s->cutter, text, &raw);
    float *weights =
        arena_alloc(a, cutter_folded(s->cutter).n + 1, sizeof(*weights));
    m->ops->weigh(m->impl, s, text,
                  m->json.tasks[task].shape.at + (size_t)label, weights);
    words_of(s, weights, max_words, a, ret);
    if (m->examples)
        ret->n_nearest =
            examples_nearest(m->examples, s->cutter, text, m->tasks[task].name,
                             max_nearest, a, &ret->nearest);
    return OTK_OK;
}
