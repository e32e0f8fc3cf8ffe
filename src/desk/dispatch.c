/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/dispatch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/loads.h"
#include "desk/routing.h"
#include "desk/schedule.h"
#include "desk/ticket.h"

enum { WAITING_MAX = 200, KINDS_MAX = 256 };

struct waiting {
    int64_t id, topic_id, priority_id, assignee_id, assigned_at;
    char language[8];
};

/* One look for tickets that have somewhere to go. */
struct work {
    struct desk *d;
    struct arena *arena;
    struct arena *reasons; /* of choices that are only looked at */
    struct catalog *catalog;
    int64_t now;
    bool gives_back;                    /* silent ones; else the queue */
    struct route_load *loads;           /* as they were at the look */
    struct waiting hopeless[KINDS_MAX]; /* nobody is there for such */
    size_t n_hopeless;
    struct waiting tickets[WAITING_MAX];
    size_t n;
    struct dispatched *ret;
};

static struct route_ask ask_for(const struct work *w, const struct waiting *t)
{
    return (struct route_ask){
        .topic = catalog_topic_id(w->catalog, t->topic_id),
        .priority = catalog_priority_id(w->catalog, t->priority_id),
        .language = t->language,
        .at = w->now,
        .except = t->assignee_id,
    };
}

/* ---- which have somewhere to go: a look without the writer
 * --------------------------- */

static bool is_same_kind(const struct waiting *a, const struct waiting *b)
{
    return a->topic_id == b->topic_id && a->priority_id == b->priority_id &&
           a->assignee_id == b->assignee_id &&
           strcmp(a->language, b->language) == 0;
}

/* Silent for too long, counted in the hours when the assignee is there. */
static bool is_silent(const struct work *w, const struct waiting *t)
{
    const struct catalog_staff *s =
        catalog_staff_id(w->catalog, t->assignee_id);
    int64_t limit = desk_settings(w->d).routing.giveback_minutes * MS_MINUTE;
    return s && schedule_between(s->hours, t->assigned_at, w->now) >= limit;
}

static bool has_somebody(struct work *w, const struct waiting *t)
{
    struct route route;
    for (size_t i = 0; i < w->n_hopeless; i++) {
        if (is_same_kind(&w->hopeless[i], t))
            return false;
    }
    struct route_ask ask = ask_for(w, t);
    route_choose(w->catalog, w->loads, &ask, w->reasons, &route, NULL);
    bool found = route.staff != NULL;
    arena_reset(w->reasons);
    if (!found && w->n_hopeless < KINDS_MAX)
        w->hopeless[w->n_hopeless++] = *t;
    return found;
}

/* The whole queue is looked through: those in front may wait for somebody
 * who is away. */
static int look(struct db_tx *tx, void *arg, struct err *e)
{
    static const char *const queue =
        "SELECT id, topic_id, priority_id, 0, 0, language FROM tickets WHERE "
        "assignee_id IS NULL AND topic_id IS NOT NULL AND state IN ('new', "
        "'open') AND created_at <= ?1 ORDER BY id";
    static const char *const silent =
        "SELECT id, topic_id, priority_id, assignee_id, assigned_at, language "
        "FROM tickets WHERE state = 'new' AND assignee_id IS NOT NULL AND "
        "first_answer_at IS NULL AND assigned_at <= ?1 ORDER BY assigned_at";
    struct work *w = arg;
    int64_t minutes = desk_settings(w->d).routing.giveback_minutes;
    struct db_rows *rows;
    int r = loads_read(tx, w->catalog, w->arena, &w->loads, e);
    if (!r)
        r = db_query(tx, &rows, e, w->gives_back ? silent : queue, "i",
                     w->gives_back ? w->now - minutes * MS_MINUTE : w->now);
    if (r)
        return r;
    while (w->n < WAITING_MAX && (r = db_next(rows, e)) > 0) {
        struct waiting t = {
            .id = db_int(rows, 0),
            .topic_id = db_int(rows, 1),
            .priority_id = db_int(rows, 2),
            .assignee_id = db_int(rows, 3),
            .assigned_at = db_int(rows, 4),
        };
        (void)snprintf(t.language, sizeof(t.language), STR_FMT,
                       STR_ARG(db_text(rows, 5)));
        if ((w->gives_back && !is_silent(w, &t)) || !has_somebody(w, &t))
            continue;
        w->tickets[w->n++] = t;
    }
    db_rows_free(rows);
    return r < 0 ? r : 0;
}

/* ---- and there they go
 * --------------------------------------------------------------- */

/* Somebody else may have been faster. */
static int still_waits(struct db_tx *tx, const struct waiting *t, bool *ret,
                       struct err *e)
{
    int64_t waits = 0;
    int r = db_int_of(
        tx, &waits, e,
        "SELECT COUNT(*) FROM tickets WHERE id = ?1 AND "
        "COALESCE(assignee_id, 0) = ?2 AND (state = 'new' OR state = 'open' "
        "AND ?2 = 0) AND (first_answer_at IS NULL OR ?2 = 0)",
        "ii", t->id, t->assignee_id);
    *ret = waits > 0;
    return r;
}

/* Put one on the desk that fits now; *ret_done: it found one. */
static int place(struct db_tx *tx, struct work *w, const struct waiting *t,
                 bool *ret_done, struct err *e)
{
    struct route_load *loads;
    struct route route;
    bool waits = false;
    struct route_ask ask = ask_for(w, t);
    *ret_done = false;
    int r = still_waits(tx, t, &waits, e);
    if (r || !waits)
        return r;
    r = loads_read(tx, w->catalog, w->arena, &loads, e);
    if (r)
        return r;
    route_choose(w->catalog, loads, &ask, w->arena, &route, NULL);
    if (!route.staff)
        return 0;
    int64_t team = route.team ? route.team->id : 0;
    struct ticket_change c = {
        .assignee_id = &route.staff->id,
        .team_id = &team,
        .reason = str_from(route.reason),
    };
    *ret_done = true;
    return ticket_change(tx, t->id, &c, (struct actor){0}, w->now, e);
}

static int place_all(struct db_tx *tx, void *arg, struct err *e)
{
    struct work *w = arg;
    size_t done = 0;
    int r = OTK_OK;
    for (size_t i = 0; !r && i < w->n; i++) {
        bool placed;
        r = place(tx, w, &w->tickets[i], &placed, e);
        done += !r && placed;
    }
    *(w->gives_back ? &w->ret->given_back : &w->ret->assigned) = done;
    return r;
}

static int serve(struct work *w, struct err *e)
{
    w->n = 0;
    w->n_hopeless = 0;
    int r = db_read(desk_db(w->d), 0, look, w, e);
    return r || w->n == 0 ? r : db_write(desk_db(w->d), 0, place_all, w, e);
}

int dispatch(struct desk *d, struct dispatched *ret, struct err *e)
{
    *ret = (struct dispatched){0};
    struct work *w = MEM_NEW(struct work);
    *w = (struct work){.d = d,
                       .arena = arena_new(),
                       .reasons = arena_new(),
                       .catalog = desk_catalog(d),
                       .now = clock_wall(desk_clock(d)),
                       .ret = ret};
    int r = serve(w, e);
    w->gives_back = true;
    if (!r && desk_settings(d).routing.giveback_minutes)
        r = serve(w, e);
    catalog_unref(w->catalog);
    arena_free(w->arena);
    arena_free(w->reasons);
    free(w);
    return r;
}
