/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/teach.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "db/db.h"
#include "desk/corpus.h"
#include "desk/desk.h"
#include "triage/train.h"

enum { PATH_BYTES = 4096 + 32 };

struct reading {
    struct arena *arena;
    struct lesson *lessons;
    size_t n;
};

static int read_all(struct db_tx *tx, void *arg, struct err *e)
{
    struct reading *x = arg;
    return corpus_read(tx, x->arena, &x->lessons, &x->n, e);
}

static int train(const struct reading *x, const struct triage_train_options *o,
                 const char *folder, struct err *e)
{
    struct str *texts = ARENA_ARRAY(x->arena, struct str, x->n + 1);
    struct str *topics = ARENA_ARRAY(x->arena, struct str, x->n + 1);
    struct str *priorities = ARENA_ARRAY(x->arena, struct str, x->n + 1);
    bool any_priority = false;
    for (size_t i = 0; i < x->n; i++) {
        texts[i] = x->lessons[i].text;
        topics[i] = x->lessons[i].topic;
        priorities[i] = x->lessons[i].priority;
        any_priority |= priorities[i].n > 0;
    }
    struct triage_labels tasks[] = {{"topic", topics},
                                    {"priority", priorities}};
    struct triage_dataset d = {x->n, texts, tasks, any_priority ? 2 : 1};
    return triage_train(&d, o, folder, e);
}

int teach(struct desk *d, const struct triage_train_options *o,
          const char *folder, struct err *e)
{
    char models[PATH_BYTES];
    char own[PATH_BYTES + 16];
    struct reading x = {.arena = arena_new()};
    int r = db_read(desk_db(d), 0, read_all, &x, e);
    if (!r && x.n == 0)
        r = err_set(e, OTK_ENOENT,
                    "the desk has no labelled texts yet; bring some with "
                    "`otklik import FILE`");
    (void)snprintf(models, sizeof(models), "%s/models", desk_folder(d));
    (void)snprintf(own, sizeof(own), "%s/triage", models);
    if (!r && !folder)
        r = file_make_dir(models, e);
    if (!r)
        r = train(&x, o, folder ? folder : own, e);
    arena_free(x.arena);
    return r;
}
