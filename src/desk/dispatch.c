/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/dispatch.h"

#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/loads.h"
#include "desk/routing.h"
#include "desk/schedule.h"
#include "desk/ticket.h"

enum { WAITING_MAX = 200 };

struct waiting {
    int64_t id, topic_id, priority_id, assignee_id, assigned_at;
    const char *language;
};

struct work {
    struct desk *d;
    struct arena *arena;
    struct catalog *catalog;
    int64_t now;
    struct waiting tickets[WAITING_MAX];
    size_t n;
    struct dispatched *ret;
};

static int read_tickets(struct db_tx *tx, struct work *w, const char *sql,
                        int64_t before, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e, sql, "i", before);
    w->n = 0;
    if (r)
        return r;
    while (w->n < WAITING_MAX && (r = db_next(rows, e)) > 0)
        w->tickets[w->n++] = (struct waiting){
            .id = db_int(rows, 0),
            .topic_id = db_int(rows, 1),
            .priority_id = db_int(rows, 2),
            .assignee_id = db_int(rows, 3),
            .assigned_at = db_int(rows, 4),
            .language = arena_copy(w->arena, db_text(rows, 5)),
        };
    db_rows_free(rows);
    return r < 0 ? r : 0;
}

/* Put one on the desk that fits now; *ret_done: it found one. */
static int place(struct db_tx *tx, struct work *w, const struct waiting *t,
                 bool *ret_done, struct err *e)
{
    struct route_load *loads;
    struct route route;
    struct route_ask ask = {
        .topic = catalog_topic_id(w->catalog, t->topic_id),
        .priority = catalog_priority_id(w->catalog, t->priority_id),
        .language = t->language,
        .at = w->now,
        .except = t->assignee_id,
    };
    *ret_done = false;
    int r = loads_read(tx, w->catalog, w->arena, &loads, e);
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

static int serve_queue(struct db_tx *tx, void *arg, struct err *e)
{
    struct work *w = arg;
    int r = read_tickets(tx, w,
                         "SELECT id, topic_id, priority_id, 0, 0, language "
                         "FROM tickets WHERE assignee_id IS NULL AND topic_id "
                         "IS NOT NULL AND state IN ('new', 'open') AND "
                         "created_at <= ?1 ORDER BY id LIMIT 200",
                         w->now, e);
    for (size_t i = 0; !r && i < w->n; i++) {
        bool done;
        r = place(tx, w, &w->tickets[i], &done, e);
        w->ret->assigned += !r && done;
    }
    return r;
}

/* Silent for too long, counted in the hours when the assignee is there. */
static bool is_silent(const struct work *w, const struct waiting *t)
{
    const struct catalog_staff *s =
        catalog_staff_id(w->catalog, t->assignee_id);
    int64_t limit = desk_settings(w->d)->routing.giveback_minutes * MS_MINUTE;
    return s && schedule_between(s->hours, t->assigned_at, w->now) >= limit;
}

static int give_back(struct db_tx *tx, void *arg, struct err *e)
{
    struct work *w = arg;
    int64_t minutes = desk_settings(w->d)->routing.giveback_minutes;
    int r = read_tickets(tx, w,
                         "SELECT id, topic_id, priority_id, assignee_id, "
                         "assigned_at, language FROM tickets WHERE state = "
                         "'new' AND assignee_id IS NOT NULL AND "
                         "first_answer_at IS NULL AND assigned_at <= ?1 ORDER "
                         "BY assigned_at LIMIT 200",
                         w->now - minutes * MS_MINUTE, e);
    for (size_t i = 0; !r && i < w->n; i++) {
        bool done = false;
        if (is_silent(w, &w->tickets[i]))
            r = place(tx, w, &w->tickets[i], &done, e);
        w->ret->given_back += !r && done;
    }
    return r;
}

static int any_waits(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e,
                     "SELECT EXISTS (SELECT 1 FROM tickets WHERE assignee_id "
                     "IS NULL AND topic_id IS NOT NULL AND state IN ('new', "
                     "'open'))",
                     "");
}

int dispatch(struct desk *d, struct dispatched *ret, struct err *e)
{
    int64_t waits = 0;
    *ret = (struct dispatched){0};
    int r = db_read(desk_db(d), 0, any_waits, &waits, e);
    struct work w = {.d = d,
                     .arena = arena_new(),
                     .catalog = desk_catalog(d),
                     .now = clock_wall(desk_clock(d)),
                     .ret = ret};
    if (!r && waits)
        r = db_write(desk_db(d), 0, serve_queue, &w, e);
    if (!r && desk_settings(d)->routing.giveback_minutes)
        r = db_write(desk_db(d), 0, give_back, &w, e);
    catalog_unref(w.catalog);
    arena_free(w.arena);
    return r;
}
