/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/teach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/corpus.h"
#include "desk/desk.h"
#include "knowledge/articles.h"
#include "triage/train.h"

enum { PATH_BYTES = 4096 + 32 };

/* What is learnt from: lessons, then the question forms of articles. */
struct reading {
    struct arena *arena;
    struct lesson *lessons;
    size_t n, cap, n_articles;
};

static void add_form(struct reading *x, struct str text, struct str topic)
{
    text = str_trim(text);
    if (text.n == 0)
        return;
    x->lessons = mem_grow(x->lessons, x->n, &x->cap, sizeof(*x->lessons));
    x->lessons[x->n++] = (struct lesson){.text = text, .topic = topic};
    x->n_articles++;
}

static int read_articles(struct db_tx *tx, struct reading *x, struct err *e)
{
    struct knowledge_article *list;
    size_t n;
    int r = article_list(tx, 0, INT32_MAX, false, x->arena, &list, &n, e);
    for (size_t i = 0; !r && i < n; i++) {
        struct str forms = list[i].questions;
        struct str form;
        if (list[i].topic.n == 0)
            continue;
        add_form(x, list[i].title, list[i].topic);
        while (str_next(&forms, '\n', &form))
            add_form(x, form, list[i].topic);
    }
    return r;
}

static int read_all(struct db_tx *tx, void *arg, struct err *e)
{
    struct reading *x = arg;
    struct lesson *lessons;
    size_t n;
    int r = corpus_read(tx, x->arena, &lessons, &n, e);
    if (r)
        return r;
    free(x->lessons); /* the closure may be run again */
    *x = (struct reading){.arena = x->arena, .n = n, .cap = n + 1};
    x->lessons = mem_new(x->cap, sizeof(*x->lessons));
    memcpy(x->lessons, lessons, n * sizeof(*lessons));
    return n ? read_articles(tx, x, e)
             : err_set(e, OTK_ENOENT,
                       "the desk has no labelled texts yet; bring some with "
                       "`otklik import FILE`");
}

static int train(const struct reading *x, const struct triage_train_options *o,
                 const char *folder, struct err *e)
{
    struct str *texts = ARENA_ARRAY(x->arena, struct str, x->n + 1);
    struct str *answers = ARENA_ARRAY(x->arena, struct str, x->n + 1);
    struct str *topics = ARENA_ARRAY(x->arena, struct str, x->n + 1);
    struct str *priorities = ARENA_ARRAY(x->arena, struct str, x->n + 1);
    bool any_priority = false;
    for (size_t i = 0; i < x->n; i++) {
        texts[i] = x->lessons[i].text;
        answers[i] = x->lessons[i].answer;
        topics[i] = x->lessons[i].topic;
        priorities[i] = x->lessons[i].priority;
        any_priority |= priorities[i].n > 0;
    }
    struct triage_labels tasks[] = {{"topic", topics},
                                    {"priority", priorities}};
    struct triage_dataset d = {
        .n = x->n,
        .texts = texts,
        .answers = answers,
        .tasks = tasks,
        .n_tasks = any_priority ? 2 : 1,
        .n_also = x->n_articles,
    };
    return triage_train(&d, o, folder, e);
}

int teach(struct desk *d, const struct triage_train_options *o,
          const char *folder, struct err *e)
{
    char models[PATH_BYTES];
    char own[PATH_BYTES + 16];
    struct reading x = {.arena = arena_new()};
    int r = db_read(desk_db(d), 0, read_all, &x, e);
    (void)snprintf(models, sizeof(models), "%s/models", desk_folder(d));
    (void)snprintf(own, sizeof(own), "%s/triage", models);
    if (!r && !folder)
        r = file_make_dir(models, e);
    if (!r)
        r = train(&x, o, folder ? folder : own, e);
    free(x.lessons);
    arena_free(x.arena);
    return r;
}
