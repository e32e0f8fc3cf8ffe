/* SPDX-License-Identifier: Apache-2.0 */
#include "otklik.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "data/table.h"
#include "knowledge/import.h"
#include "text/unicode.h"
#include "triage/triage.h"

enum { TEXT_MAX = 1 << 20, WORDS_MAX = 16, HITS_MAX = 50, ERROR_BYTES = 512 };

static _Thread_local char error_text[ERROR_BYTES];

struct otk_worker {
    struct triage_scratch *triage;
    struct knowledge_scratch *knowledge;
    struct arena *arena; /* of the last call's results */
};

struct otk_model {
    struct triage_model *model;
};

struct otk_articles {
    struct knowledge_index *index;
};

const char *otk_version(void)
{
    return OTK_VERSION;
}

const char *otk_error(void)
{
    return error_text;
}

static int fail(int code, const struct err *e)
{
    (void)snprintf(error_text, sizeof(error_text), "%s%s%s", e->field,
                   e->field[0] ? ": " : "", e->msg);
    return code;
}

struct otk_worker *otk_worker_new(void)
{
    struct otk_worker *w = MEM_NEW(struct otk_worker);
    w->triage = triage_scratch_new();
    w->knowledge = knowledge_scratch_new();
    w->arena = arena_new();
    return w;
}

void otk_worker_free(struct otk_worker *w)
{
    if (!w)
        return;
    triage_scratch_free(w->triage);
    knowledge_scratch_free(w->knowledge);
    arena_free(w->arena);
    free(w);
}

/* ---- triage -----------------------------------------------------------------
 */

struct otk_model *otk_model_load(const char *folder)
{
    struct err e = {0};
    struct triage_model *m;
    int r = triage_load(folder, &m, &e);
    if (r) {
        (void)fail(r, &e);
        return NULL;
    }
    struct otk_model *ret = MEM_NEW(struct otk_model);
    ret->model = m;
    return ret;
}

void otk_model_free(struct otk_model *m)
{
    if (!m)
        return;
    triage_unref(m->model);
    free(m);
}

size_t otk_model_tasks(const struct otk_model *m)
{
    return triage_info(m->model)->n_tasks;
}

static int check(const char *text, struct err *e)
{
    return text_check(str_from(text), "text", 1, TEXT_MAX, e);
}

int otk_triage(const struct otk_model *m, struct otk_worker *w,
               const char *text, struct otk_decision *ret)
{
    struct err e = {0};
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    const struct triage_info *info = triage_info(m->model);
    int r = check(text, &e);
    if (r)
        return fail(r, &e);
    triage_predict(m->model, w->triage, str_from(text), p);
    for (size_t i = 0; i < info->n_tasks; i++)
        ret[i] = (struct otk_decision){
            .task = info->tasks[i].name,
            .label = p[i].label < 0 ? NULL : info->tasks[i].labels[p[i].label],
            .confidence = p[i].confidence,
            .mode = triage_mode_name(p[i].mode),
        };
    return OTK_OK;
}

int otk_explain(const struct otk_model *m, struct otk_worker *w,
                const char *text, const char *task, const char *label,
                const struct otk_word **ret, size_t *ret_n)
{
    struct err e = {0};
    struct triage_reason why;
    const struct triage_info *info = triage_info(m->model);
    int t = triage_task_find(m->model, task);
    int l = -1;
    for (size_t i = 0; t >= 0 && i < info->tasks[t].n_labels; i++) {
        if (strcmp(info->tasks[t].labels[i], label) == 0)
            l = (int)i;
    }
    arena_reset(w->arena);
    int r = check(text, &e);
    if (!r)
        r = triage_explain(m->model, w->triage, t, l, str_from(text), WORDS_MAX,
                           0, w->arena, &why, &e);
    if (r)
        return fail(r, &e);
    struct otk_word *words =
        ARENA_ARRAY(w->arena, struct otk_word, why.n_words + 1);
    for (size_t i = 0; i < why.n_words; i++)
        words[i] = (struct otk_word){why.words[i].text, why.words[i].weight};
    *ret = words;
    *ret_n = why.n_words;
    return OTK_OK;
}

/* ---- knowledge
 * ---------------------------------------------------------------- */

static int load_articles(const char *path, struct arena *a,
                         struct knowledge_index **ret, struct err *e)
{
    struct table t;
    struct import m = {0};
    int r = table_read_file(path, NULL, &t, e);
    if (!r)
        r = import_read(&t, a, &m, e);
    struct knowledge_article *list =
        ARENA_ARRAY(a, struct knowledge_article, m.n_rows + 1);
    for (size_t i = 0; !r && i < m.n_rows; i++)
        list[i] = m.rows[i].article;
    if (!r)
        r = knowledge_index_new(list, m.n_rows, NULL, ret, e);
    table_free(&t);
    return r;
}

struct otk_articles *otk_articles_load(const char *path)
{
    struct err e = {0};
    struct arena *a = arena_new();
    struct knowledge_index *x = NULL;
    int r = load_articles(path, a, &x, &e);
    arena_free(a);
    if (r) {
        (void)fail(r, &e);
        return NULL;
    }
    struct otk_articles *ret = MEM_NEW(struct otk_articles);
    ret->index = x;
    return ret;
}

void otk_articles_free(struct otk_articles *a)
{
    if (!a)
        return;
    knowledge_index_unref(a->index);
    free(a);
}

size_t otk_articles_count(const struct otk_articles *a)
{
    return knowledge_index_len(a->index);
}

int otk_search(const struct otk_articles *a, struct otk_worker *w,
               const char *text, struct otk_hit *ret, size_t max)
{
    struct err e = {0};
    struct knowledge_hit hits[HITS_MAX];
    struct knowledge_query q = {.text = str_from(text), .with_staff = true};
    int r = check(text, &e);
    if (r)
        return fail(r, &e);
    arena_reset(w->arena);
    size_t n = knowledge_search(a->index, w->knowledge, &q, hits,
                                max < HITS_MAX ? max : HITS_MAX);
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct otk_hit){
            .key = arena_copy(w->arena, hits[i].article->key),
            .title = arena_copy(w->arena, hits[i].article->title),
            .answer = arena_copy(w->arena, hits[i].article->answer),
            .confidence = hits[i].confidence,
        };
    return (int)n;
}
