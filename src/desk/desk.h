/*
 * desk/desk.h - an open desk: its store, its settings, its snapshots
 *
 * Model, knowledge index and catalog are immutable snapshots. Whoever needs
 * one takes a reference and gives it back; desk_refresh() swaps in newer ones,
 * and takes up other settings, when another process or a request changed what
 * they show.
 */
#ifndef OTK_DESK_DESK_H
#define OTK_DESK_DESK_H

#include <stdbool.h>

#include "desk/settings.h"

struct catalog;
struct clock;
struct db;
struct err;
struct knowledge_index;
struct knowledge_scratch;
struct live_settings;
struct recogniser;
struct stemmer;
struct triage_model;
struct triage_scratch;
struct vocabulary;
struct desk;

struct desk_options {
    const char *folder;
    const char *const *overrides; /* which stay until desk_close() */
    int n_overrides;
    const struct clock *clock; /* NULL: the real one */
    bool records_only; /* store and catalog: no model, no index of articles, no
                          recogniser. A fault in those then stops nothing */
};

/* Opens and migrates the store, loads what is there. OTK_ENOENT: no desk. */
int desk_open(const struct desk_options *o, struct desk **ret, struct err *e);
void desk_close(struct desk *d); /* NULL is fine */

struct db *desk_db(struct desk *d);
/* As they hold now; ask again rather than keep it. Texts in it stay until
 * desk_close(). */
struct settings desk_settings(const struct desk *d);
struct live_settings *desk_live_settings(struct desk *d);
const struct clock *desk_clock(const struct desk *d);
const char *desk_folder(const struct desk *d);

/* References; NULL model: none is trained yet. NULL model and knowledge with
 * records_only. */
struct triage_model *desk_model(struct desk *d);
struct knowledge_index *desk_knowledge(struct desk *d);
struct catalog *desk_catalog(struct desk *d);
/* The words of its articles; NULL: nothing hears, or records_only. */
struct vocabulary *desk_vocabulary(struct desk *d);

/* What hears recordings; NULL: nothing does. Lives as long as the desk. */
struct recogniser *desk_recogniser(struct desk *d);

/* Look whether something newer is there; cheap when not. */
int desk_refresh(struct desk *d, struct err *e);

/* Called when a job was pushed in this process; NULL: nobody listens. `fn` must
 * not block and is not running when desk_on_push() returns. */
void desk_on_push(struct desk *d, void (*fn)(void *arg), void *arg);
void desk_pushed(struct desk *d);

/* What one thread needs to work on requests. */
struct desk_worker {
    struct triage_scratch *triage;
    struct knowledge_scratch *knowledge;
    struct stemmer *stemmer;
};
struct desk_worker *desk_worker_new(void);
void desk_worker_free(struct desk_worker *w);

#endif
