/* SPDX-License-Identifier: Apache-2.0 */
/* The transformer engine: an encoder with a head a task. */
#include "triage/transformer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/encoder.h"
#include "model/finetune.h"
#include "model/lanes.h"
#include "model/model.h"
#include "text/tokenizer.h"
#include "triage/engine.h"
#include "triage/lessons.h"
#include "triage/memo.h"
#include "triage/model_json.h"
#include "triage/split.h"
#include "triage/train.h"

enum {
    PATH_BYTES = 4096,
    EXAMINED_FROM = 1000, /* fewer texts are all needed to learn from */
    EPOCHS = 8,
    WORDS_WEIGHED = 64,
    MEMO_BYTES = 4 << 20,
};
static const double RATE = 2e-4;
static const double EXAMINED = 0.05;

struct transformer {
    struct model *model;
    struct lanes *lanes; /* of those who ask about one text */
    struct memo *memo;   /* of what they heard */
    struct linear *heads[TRIAGE_TASKS_MAX];
    size_t at[TRIAGE_TASKS_MAX]; /* of a task's first class */
    size_t n_tasks, n_classes;
};

/* ---- loading
 * ----------------------------------------------------------------------- */

static void transformer_free(void *impl)
{
    struct transformer *x = impl;
    for (size_t i = 0; i < x->n_tasks; i++)
        linear_free(x->heads[i]);
    lanes_free(x->lanes);
    memo_free(x->memo);
    model_unref(x->model);
    free(x);
}

static int transformer_load(const char *folder, const struct model_json *m,
                            const struct examples *past, void **ret,
                            struct err *e)
{
    (void)past;
    char path[PATH_BYTES];
    struct transformer *x = MEM_NEW(struct transformer);
    (void)snprintf(path, sizeof(path), "%s/encoder", folder);
    x->n_tasks = m->n_tasks;
    x->n_classes = m->n_classes;
    int r = model_load(path, PRECISION_I8, &x->model, e);
    for (size_t i = 0; !r && i < m->n_tasks; i++) {
        const struct model_task *t = &m->tasks[i];
        x->at[i] = t->shape.at;
        r = model_head(x->model, t->about.name, task_classes(&t->shape),
                       &x->heads[i], e);
    }
    if (r) {
        transformer_free(x);
        return r;
    }
    x->lanes = lanes_new(x->model, 0);
    x->memo = memo_new(x->n_classes, MEMO_BYTES);
    *ret = x;
    return OTK_OK;
}

/* ---- asking
 * ------------------------------------------------------------------------ */

static void begin(struct triage_scratch *s)
{
    if (s->session)
        return;
    s->session = session_new(1);
    s->tokens = tokenizer_scratch_new();
}

/* Scores of all classes for each text's vector, n_classes a row. */
static void ask_heads(const struct transformer *x, struct triage_scratch *s,
                      const float *vectors, size_t n, float *ret)
{
    size_t hidden = model_info(x->model)->config->hidden;
    for (size_t t = 0; t < x->n_tasks; t++)
        session_linear(s->session, &(struct linear_job){
                                       .l = x->heads[t],
                                       .x = vectors,
                                       .rows = n,
                                       .ldx = hidden,
                                       .y = ret + x->at[t],
                                       .ldy = x->n_classes,
                                   });
}

/*
 * Scores of one text, with others that are asked about at this moment; false:
 * it is no text for this model (too long), and all scores are zero.
 */
static bool score_text(const struct transformer *x, struct triage_scratch *s,
                       struct str text, float *ret)
{
    struct encoded one = {0};
    float *vector =
        mem_new(model_info(x->model)->config->hidden, sizeof(*vector));
    begin(s);
    memset(ret, 0, x->n_classes * sizeof(*ret));
    int r = model_encode(x->model, s->tokens, text, &one, NULL);
    if (!r)
        r = lanes_pool(x->lanes, &one, vector, NULL);
    if (!r)
        ask_heads(x, s, vector, 1, ret);
    free(one.ids);
    free(vector);
    return r == OTK_OK;
}

/* Of many texts of one request at once; false as above. */
static bool score_texts(const struct transformer *x, struct triage_scratch *s,
                        const struct str *texts, size_t n, float *ret)
{
    size_t hidden = model_info(x->model)->config->hidden;
    struct encoded *list = mem_new(n, sizeof(*list));
    float *vectors = mem_new(n * hidden, sizeof(*vectors));
    int r = OTK_OK;
    begin(s);
    for (size_t i = 0; !r && i < n; i++)
        r = model_encode(x->model, s->tokens, texts[i], &list[i], NULL);
    if (!r)
        r = model_pool(x->model, s->session, list, n, vectors, NULL);
    if (!r)
        ask_heads(x, s, vectors, n, ret);
    for (size_t i = 0; i < n; i++)
        free(list[i].ids);
    free(list);
    free(vectors);
    return r == OTK_OK;
}

static void transformer_score(const void *impl, struct triage_scratch *s,
                              struct str text, float *ret_known)
{
    const struct transformer *x = impl;
    bool known = memo_find(x->memo, text, s->scores);
    if (!known && (known = score_text(x, s, text, s->scores)))
        memo_put(x->memo, text, s->scores);
    *ret_known = known ? 1 : 0;
}

static bool transformer_at_once(const void *impl, struct str text)
{
    const struct transformer *x = impl;
    return memo_has(x->memo, text);
}

/* Without each word in turn: what the class loses by it, the word weighs
 * (Zeiler and Fergus 2014 for pictures). */
static void transformer_weigh(const void *impl, struct triage_scratch *s,
                              struct str text, size_t c, float *weights)
{
    (void)text;
    const struct transformer *x = impl;
    struct str folded = cutter_folded(s->cutter);
    struct str texts[WORDS_WEIGHED + 1] = {folded};
    size_t from[WORDS_WEIGHED], to[WORDS_WEIGHED];
    size_t n = 0;
    char *room = mem_new(WORDS_WEIGHED, folded.n + 1);
    for (size_t i = 0; i < folded.n && n < WORDS_WEIGHED; i = to[n - 1] + 1) {
        char *without = room + n * (folded.n + 1);
        from[n] = to[n] = i;
        while (to[n] < folded.n && folded.p[to[n]] != ' ')
            to[n]++;
        memcpy(without, folded.p, i);
        memcpy(without + i, folded.p + to[n], folded.n - to[n]);
        texts[n + 1] = (struct str){without, folded.n - (to[n] - i)};
        n++;
    }
    float *scores = mem_new((n + 1) * x->n_classes, sizeof(*scores));
    if (score_texts(x, s, texts, n + 1, scores)) {
        for (size_t i = 0; i < n; i++) {
            float lost = scores[c] - scores[(i + 1) * x->n_classes + c];
            for (size_t k = from[i]; k < to[i]; k++)
                weights[k] += lost / (float)(to[i] - from[i]);
        }
    }
    free(scores);
    free(room);
}

/* ---- training
 * ---------------------------------------------------------------------- */

static void on_progress(void *ctx, const struct finetune_progress *p)
{
    const struct triage_train_options *o = ctx;
    char judged[40] = "";
    char what[120];
    if (!o->progress)
        return;
    if (!isnan(p->accuracy)) /* none is, before an epoch has ended */
        (void)snprintf(judged, sizeof(judged), ", acc %.3f F1 %.3f",
                       p->accuracy, p->macro_f1);
    (void)snprintf(what, sizeof(what),
                   "epoch %zu/%zu, loss %.3f%s, %.0f texts/s, %.0f s left",
                   p->epoch, p->epochs, p->loss, judged, p->texts_per_second,
                   p->seconds_left);
    o->progress(o->ctx, what, (double)p->step / (double)p->steps * 0.9);
}

/* Some of the requests are asked after each epoch; 1 for each of those. */
static char *choose_examined(const struct triage_dataset *d, uint64_t seed,
                             size_t n)
{
    size_t asked = d->n - d->n_also;
    int *part = mem_new(asked + 1, sizeof(*part));
    char *ret = mem_new(n + 1, 1);
    if (asked >= EXAMINED_FROM)
        split_hold_out(d->texts, d->tasks[0].labels, asked, EXAMINED, seed,
                       part);
    for (size_t i = 0; i < asked; i++)
        ret[i] = part[i] == 1;
    free(part);
    return ret;
}

int transformer_train(const struct triage_dataset *d,
                      const struct model_json *m, const int *const *truth,
                      const struct triage_train_options *o, const char *folder,
                      const char *checkpoint, struct err *e)
{
    char path[PATH_BYTES];
    struct head_shape heads[TRIAGE_TASKS_MAX];
    struct lessons x;
    struct finetuned done;
    struct triage_train_options own = *o; /* for on_progress() */
    if (!o->base)
        return err_set(e, OTK_EINVAL,
                       "a transformer needs a language model to "
                       "begin with: --base FOLDER");
    for (size_t t = 0; t < m->n_tasks; t++)
        heads[t] = (struct head_shape){m->tasks[t].about.name,
                                       task_classes(&m->tasks[t].shape)};
    struct finetune_options options = {
        .epochs = o->epochs ? o->epochs : EPOCHS,
        .rate = RATE,
        .head_rate = 5,
        .seed = o->seed,
        .threads = o->threads,
        .adapter = o->adapter,
        .stop = o->stop,
        .checkpoint = checkpoint,
        .resume = o->resume,
        .progress = on_progress,
        .ctx = &own,
    };
    int r =
        o->settings ? finetune_set(&options, str_from(o->settings), e) : OTK_OK;
    if (r)
        return r;
    lessons_take(d, truth, d->n_tasks, &x);
    char *examined = choose_examined(d, o->seed, x.n);
    const struct finetune_data data = {
        .texts = x.texts,
        .truth = (const int *const *)x.truth,
        .held_out = examined,
        .n = x.n,
    };
    (void)snprintf(path, sizeof(path), "%s/encoder", folder);
    r = finetune(o->base, path, heads, m->n_tasks, &data, &options, &done, e);
    free(examined);
    lessons_free(&x);
    return r;
}

void transformer_remove(const char *folder)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/encoder", folder);
    (void)file_remove_dir(path, NULL);
}

const struct engine_ops engine_transformer = {
    .name = "transformer",
    .trains_once = true,
    .load = transformer_load,
    .free = transformer_free,
    .score = transformer_score,
    .at_once = transformer_at_once,
    .weigh = transformer_weigh,
};
