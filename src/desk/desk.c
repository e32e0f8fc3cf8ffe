/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/desk.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/live_settings.h"
#include "desk/vocabulary.h"
#include "knowledge/articles.h"
#include "knowledge/vectors.h"
#include "speech/recogniser.h"
#include "text/stem.h"
#include "triage/triage.h"

enum { PATH_BYTES = 4096 };

struct desk {
    char folder[PATH_BYTES];
    bool records_only;
    struct live_settings *settings;
    const struct clock *clock;
    struct db *db;
    pthread_mutex_t lock; /* guards the pointers below, held for a moment */
    struct triage_model *model;
    struct knowledge_index *knowledge;
    struct catalog *catalog;
    struct vocabulary *vocabulary; /* NULL: nothing hears */
    struct recogniser *recogniser; /* NULL: none; does not change */
    struct vectors *vectors; /* NULL: search by words alone; does not change */
    void (*on_push)(void *arg);
    void *on_push_arg;
    pthread_mutex_t refresh_lock; /* one refresh at a time; guards: */
    int64_t knowledge_generation;
    struct timespec model_time;
    ino_t model_file;
};

/* ---- snapshots
 * ----------------------------------------------------------------------- */

struct triage_model *desk_model(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    struct triage_model *m = triage_ref(d->model);
    pthread_mutex_unlock(&d->lock);
    return m;
}

struct knowledge_index *desk_knowledge(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    struct knowledge_index *x = knowledge_index_ref(d->knowledge);
    pthread_mutex_unlock(&d->lock);
    return x;
}

struct catalog *desk_catalog(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    struct catalog *c = catalog_ref(d->catalog);
    pthread_mutex_unlock(&d->lock);
    return c;
}

struct vocabulary *desk_vocabulary(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    struct vocabulary *v = vocabulary_ref(d->vocabulary);
    pthread_mutex_unlock(&d->lock);
    return v;
}

struct fresh {
    struct desk *d;
    struct catalog *catalog;
    struct arena *arena; /* of the articles */
    struct knowledge_article *articles;
    size_t n_articles;
    bool new_articles;
    struct knowledge_index *knowledge;
    struct vocabulary *vocabulary;
    int64_t knowledge_generation;
};

/* Load what has another generation than what we have. */
static int load_changed(struct db_tx *tx, void *arg, struct err *e)
{
    struct fresh *f = arg;
    int64_t catalog = 0;
    int64_t knowledge = 0;
    int r = catalog_generation(tx, &catalog, e);
    if (!r)
        r = articles_generation(tx, &knowledge, e);
    if (!r && (!f->d->catalog || f->d->catalog->generation != catalog))
        r = catalog_load(tx, &f->catalog, e);
    if (!r && !f->d->records_only &&
        (!f->d->knowledge || f->d->knowledge_generation != knowledge)) {
        f->new_articles = true;
        r = articles_published(tx, f->arena, &f->articles, &f->n_articles,
                               &f->knowledge_generation, e);
    }
    return r;
}

/* Outside of the transaction: a model may need minutes for many articles. */
static int make_index(struct fresh *f, struct err *e)
{
    struct knowledge_dense dense = {f->d->vectors, -1};
    if (f->d->recogniser)
        f->vocabulary = vocabulary_new(f->articles, f->n_articles);
    return knowledge_index_new(f->articles, f->n_articles,
                               f->d->vectors ? &dense : NULL, &f->knowledge, e);
}

static int refresh_store(struct desk *d, struct err *e)
{
    struct fresh f = {.d = d, .arena = arena_new()};
    int r = db_read(d->db, 0, load_changed, &f, e);
    if (!r && f.new_articles)
        r = make_index(&f, e);
    arena_free(f.arena);
    if (r) {
        catalog_unref(f.catalog);
        knowledge_index_unref(f.knowledge);
        vocabulary_unref(f.vocabulary);
        return r;
    }
    struct catalog *old_catalog = NULL;
    struct vocabulary *old_vocabulary = NULL;
    struct knowledge_index *old_knowledge = NULL;
    pthread_mutex_lock(&d->lock);
    if (f.catalog) {
        old_catalog = d->catalog;
        d->catalog = f.catalog;
    }
    if (f.knowledge) {
        old_knowledge = d->knowledge;
        d->knowledge = f.knowledge;
        d->knowledge_generation = f.knowledge_generation;
        old_vocabulary = d->vocabulary;
        d->vocabulary = f.vocabulary;
    }
    pthread_mutex_unlock(&d->lock);
    catalog_unref(old_catalog);
    knowledge_index_unref(old_knowledge);
    vocabulary_unref(old_vocabulary);
    return OTK_OK;
}

struct recogniser *desk_recogniser(struct desk *d)
{
    return d->recogniser;
}

/* A model is new when its model.json is another file. */
static int refresh_model(struct desk *d, struct err *e)
{
    char folder[PATH_BYTES + 32];
    char path[PATH_BYTES + 64];
    struct stat st;
    (void)snprintf(folder, sizeof(folder), "%s/models/triage", d->folder);
    (void)snprintf(path, sizeof(path), "%s/model.json", folder);
    if (stat(path, &st))
        return OTK_OK; /* none is trained yet */
    if (d->model && st.st_ino == d->model_file &&
        memcmp(&st.st_mtim, &d->model_time, sizeof(st.st_mtim)) == 0)
        return OTK_OK;
    struct triage_model *m;
    int r = triage_load(folder, &m, e);
    if (r)
        return r;
    d->model_file = st.st_ino;
    d->model_time = st.st_mtim;
    pthread_mutex_lock(&d->lock);
    struct triage_model *old = d->model;
    d->model = m;
    pthread_mutex_unlock(&d->lock);
    triage_unref(old);
    log_debug("desk", "model %s", triage_info(m)->version);
    return OTK_OK;
}

int desk_refresh(struct desk *d, struct err *e)
{
    pthread_mutex_lock(&d->refresh_lock);
    int r = refresh_store(d, e);
    if (!r && !d->records_only)
        r = refresh_model(d, e);
    if (!r)
        r = live_settings_refresh(d->settings, e);
    pthread_mutex_unlock(&d->refresh_lock);
    return r;
}

/* ---- open and close
 * ------------------------------------------------------------------- */

/* A relative path in db.url is relative to the desk's folder. */
static void store_url(const struct desk *d, const char *url,
                      char ret[2 * PATH_BYTES])
{
    static const char scheme[] = "sqlite:";
    const char *path = strncmp(url, scheme, sizeof(scheme) - 1) == 0
                           ? url + sizeof(scheme) - 1
                           : NULL;
    if (path && path[0] != '/')
        (void)snprintf(ret, 2 * PATH_BYTES, "%s%s/%s", scheme, d->folder, path);
    else
        (void)snprintf(ret, 2 * PATH_BYTES, "%s", url);
}

static int open_store(struct desk *d, struct err *e)
{
    char url[2 * PATH_BYTES];
    char backups[PATH_BYTES + 16];
    struct settings s = desk_settings(d);
    store_url(d, s.db.url, url);
    (void)snprintf(backups, sizeof(backups), "%s/backups", d->folder);
    struct db_options o = {.busy_ms = (int)s.db.busy_ms};
    int r = db_open(url, &o, &d->db, e);
    return r ? r : db_migrate(d->db, db_migrations, backups, e);
}

/* A name is of a folder under models/; a path is taken as it is. */
static int open_vectors(struct desk *d, struct err *e)
{
    char folder[2 * PATH_BYTES];
    char cache[PATH_BYTES + 64];
    struct settings s = desk_settings(d);
    const char *name = s.knowledge.model;
    enum precision p = (enum precision)s.knowledge.precision;
    if (!name[0])
        return OTK_OK;
    if (strchr(name, '/'))
        (void)snprintf(folder, sizeof(folder), "%s", name);
    else
        (void)snprintf(folder, sizeof(folder), "%s/models/%s", d->folder, name);
    (void)snprintf(cache, sizeof(cache), "%s/models/knowledge.vectors",
                   d->folder);
    int r = vectors_open(folder, p, cache, &d->vectors, e);
    return r ? err_wrap(e, r,
                        "knowledge.model is '%.100s'; fetch one for sentences "
                        "with `otklik model pull`, or leave it empty",
                        name)
             : OTK_OK;
}

/* It is looked for when the first sound comes: a model may arrive later. */
static void open_whisper(struct desk *d, const struct settings *s)
{
    char path[2 * PATH_BYTES];
    const char *name = s->speech.whisper;
    (void)snprintf(path, sizeof(path), "%s%s%s",
                   name[0] == '/' ? "" : d->folder,
                   name[0] == '/' ? "" : "/models/", name);
    const struct recogniser_whisper o = {
        .path = path, .precision = PRECISION_I8, .tries = (int)s->speech.tries};
    d->recogniser = recogniser_whisper_open(&o);
}

static int open_recogniser(struct desk *d, struct err *e)
{
    const struct settings s = desk_settings(d);
    struct recogniser_http o = {
        .url = s.speech.url,
        .model = s.speech.model,
        .key = s.speech.key,
        .timeout_ms = (int)s.speech.timeout_seconds * MS_SECOND,
    };
    switch ((enum set_recogniser)s.speech.recogniser) {
    case SET_HEAR_NONE: break;
    case SET_HEAR_WHISPER: open_whisper(d, &s); break;
    case SET_HEAR_HTTP: return recogniser_http_open(&o, &d->recogniser, e);
    case SET_HEAR_MEMORY:
        d->recogniser = recogniser_memory_open(s.speech.memory_text);
        break;
    }
    return OTK_OK;
}

int desk_open(const struct desk_options *o, struct desk **ret, struct err *e)
{
    struct desk *d = MEM_NEW(struct desk);
    (void)snprintf(d->folder, sizeof(d->folder), "%s", o->folder);
    d->clock = o->clock ? o->clock : &clock_real;
    d->records_only = o->records_only;
    int r = live_settings_open(o->folder, o->overrides, o->n_overrides,
                               &d->settings, e);
    if (r) {
        free(d);
        return r;
    }
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_mutex_init(&d->refresh_lock, NULL);
    r = open_store(d, e);
    if (!r && !d->records_only)
        r = open_vectors(d, e);
    if (!r && !d->records_only)
        r = open_recogniser(d, e);
    if (!r)
        r = desk_refresh(d, e);
    if (r) {
        desk_close(d);
        return r;
    }
    *ret = d;
    return OTK_OK;
}

void desk_close(struct desk *d)
{
    if (!d)
        return;
    db_close(d->db);
    triage_unref(d->model);
    knowledge_index_unref(d->knowledge);
    catalog_unref(d->catalog);
    vocabulary_unref(d->vocabulary);
    vectors_unref(d->vectors);
    recogniser_close(d->recogniser);
    live_settings_free(d->settings);
    (void)pthread_mutex_destroy(&d->lock);
    (void)pthread_mutex_destroy(&d->refresh_lock);
    free(d);
}

struct db *desk_db(struct desk *d)
{
    return d->db;
}

struct settings desk_settings(const struct desk *d)
{
    return live_settings_get(d->settings);
}

struct live_settings *desk_live_settings(struct desk *d)
{
    return d->settings;
}

const struct clock *desk_clock(const struct desk *d)
{
    return d->clock;
}

const char *desk_folder(const struct desk *d)
{
    return d->folder;
}

void desk_on_push(struct desk *d, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&d->lock);
    d->on_push = fn;
    d->on_push_arg = arg;
    pthread_mutex_unlock(&d->lock);
}

void desk_pushed(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    if (d->on_push)
        d->on_push(d->on_push_arg);
    pthread_mutex_unlock(&d->lock);
}

struct desk_worker *desk_worker_new(void)
{
    struct desk_worker *w = MEM_NEW(struct desk_worker);
    w->triage = triage_scratch_new();
    w->knowledge = knowledge_scratch_new();
    w->stemmer = stemmer_new();
    return w;
}

void desk_worker_free(struct desk_worker *w)
{
    if (!w)
        return;
    triage_scratch_free(w->triage);
    knowledge_scratch_free(w->knowledge);
    stemmer_free(w->stemmer);
    free(w);
}
