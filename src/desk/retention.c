/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/retention.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/db.h"
#include "desk/attachment.h"
#include "desk/audit.h"
#include "desk/blob.h"
#include "desk/desk.h"
#include "desk/erase.h"
#include "desk/message.h"

enum {
    BATCH = 2000,
    TICKETS = 100,
    PATH_BYTES = 4096 + 300,
    DAY_S = 86400,
    LINES_BYTES = 1 << 17,
};

struct work {
    struct desk *d;
    int64_t now;
    struct retired *ret;
    int64_t done; /* by the last transaction */
    unsigned shelf;
    struct desk_worker *worker; /* of what is written on tickets */
    const struct keeping *keeping;
};

/* ---- rows by age
 * ------------------------------------------------------------------------ */

struct ageing {
    const char *sql; /* ?1: the moment, ?2: how many at once */
    int64_t before;
    int64_t done;
};

static int drop_batch(struct db_tx *tx, void *arg, struct err *e)
{
    struct ageing *x = arg;
    return db_change(tx, &x->done, e, x->sql, "ii", x->before, (int64_t)BATCH);
}

static int drop_old(struct work *w, const char *sql, int64_t before,
                    int64_t *ret, struct err *e)
{
    struct ageing x = {.sql = sql, .before = before, .done = BATCH};
    int r = OTK_OK;
    while (!r && x.done == BATCH) {
        r = db_write(desk_db(w->d), 0, drop_batch, &x, e);
        *ret += r ? 0 : x.done;
    }
    return r;
}

static int drop_rows(struct work *w, struct err *e)
{
    const struct settings s = desk_settings(w->d);
    int64_t events = w->now - s.retention.events_days * MS_DAY;
    int64_t keys = w->now - s.retention.idempotency_hours * MS_HOUR;
    int r = drop_old(w,
                     "DELETE FROM events WHERE id IN (SELECT id FROM events "
                     "WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)",
                     events, &w->ret->events, e);
    if (!r)
        r = drop_old(w,
                     "DELETE FROM idempotency_keys WHERE (owner, key) IN "
                     "(SELECT owner, key FROM idempotency_keys WHERE "
                     "created_at < ?1 LIMIT ?2)",
                     keys, &w->ret->keys, e);
    if (!r)
        r = drop_old(w,
                     "DELETE FROM sessions WHERE hash IN (SELECT hash FROM "
                     "sessions WHERE expires_at < ?1 LIMIT ?2)",
                     w->now, &w->ret->sessions, e);
    return r ? r
             : drop_old(w,
                        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox "
                        "WHERE state = 'sent' AND sent_at < ?1 LIMIT ?2)",
                        events, &w->ret->sent, e);
}

/* ---- tickets
 * ----------------------------------------------------------------------------
 */

static int note_texts(struct db_tx *tx, int64_t id, int64_t now, struct err *e)
{
    char object[40];
    (void)snprintf(object, sizeof(object), "ticket:%lld", (long long)id);
    return audit_add(tx, (struct actor){0}, "ticket.retire", object, STR(""),
                     now, e);
}

static int retire_tickets(struct db_tx *tx, void *arg, struct err *e)
{
    struct work *w = arg;
    struct db_rows *rows;
    int64_t ids[TICKETS];
    size_t n = 0;
    int64_t days = desk_settings(w->d).retention.closed_tickets_days;
    w->done = 0;
    int r = db_query(tx, &rows, e,
                     "SELECT id FROM tickets t WHERE state IN ('closed', "
                     "'merged') AND closed_at < ?1 AND (subject <> '' OR "
                     "EXISTS (SELECT 1 FROM messages WHERE ticket_id = t.id "
                     "AND body <> '')) ORDER BY id LIMIT ?2",
                     "ii", w->now - days * MS_DAY, (int64_t)TICKETS);
    if (r)
        return r;
    while (n < TICKETS && (r = db_next(rows, e)) > 0)
        ids[n++] = db_int(rows, 0);
    db_rows_free(rows);
    r = r < 0 ? r : OTK_OK;
    for (size_t i = 0; !r && i < n; i++) {
        r = erase_ticket(tx, ids[i], NULL, e);
        if (!r)
            r = note_texts(tx, ids[i], w->now, e);
    }
    w->done = (int64_t)n;
    return r;
}

static int drop_tickets(struct work *w, struct err *e)
{
    int r = OTK_OK;
    if (!desk_settings(w->d).retention.closed_tickets_days)
        return r;
    do {
        r = db_write(desk_db(w->d), 0, retire_tickets, w, e);
        w->ret->tickets += r ? 0 : w->done;
    } while (!r && w->done == TICKETS);
    return r;
}

/* ---- recordings of calls
 * ------------------------------------------------------------------ */

struct old_recording {
    int64_t file, ticket;
    bool english;
};

/* A file that a call made is known by its name. What still waits for its words
 * stays, when there is who gives them. */
#define OLD_RECORDINGS(of_line)                                                \
    "SELECT a.id, a.ticket_id, t.language FROM attachments a JOIN inbox i ON " \
    "i.channel = 'phone' AND i.dedup = substr(a.name, 6, length(a.name) - 9) " \
    "JOIN tickets t ON t.id = a.ticket_id WHERE a.created_at < ?1 AND "        \
    "a.name = 'call-' || i.dedup || '.wav' AND (i.stage <> 'recorded' OR ?2 "  \
    "= 0) AND " of_line " ORDER BY a.id LIMIT ?3"

/* Recordings of one line, or of all but some. */
struct keeping {
    const char *sql;
    struct str lines; /* ?4 */
    int64_t days;
};

static const char of_one_line[] = OLD_RECORDINGS("i.line = ?4");
/* ?4: names, each between line ends, which none of them has in it */
static const char of_other_lines[] =
    OLD_RECORDINGS("replace(?4, '\n' || i.line || '\n', '') = ?4");

static int find_recordings(struct db_tx *tx, const struct work *w,
                           struct old_recording *ret, size_t *ret_n,
                           struct err *e)
{
    struct db_rows *rows;
    const struct keeping *k = w->keeping;
    struct recogniser *hears = desk_recogniser(w->d);
    *ret_n = 0;
    int r = db_query(tx, &rows, e, k->sql, "iiis", w->now - k->days * MS_DAY,
                     (int64_t)(hears != NULL), (int64_t)TICKETS, k->lines);
    if (r)
        return r;
    while (*ret_n < TICKETS && (r = db_next(rows, e)) > 0)
        ret[(*ret_n)++] = (struct old_recording){
            db_int(rows, 0), db_int(rows, 1), str_is(db_text(rows, 2), "en")};
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int retire_recording(struct db_tx *tx, const struct work *w,
                            const struct old_recording *x, struct err *e)
{
    struct arena *a = arena_new();
    struct message_new m = {
        .ticket_id = x->ticket,
        .kind = "note",
        .body = str_from(arena_printf(
            a,
            x->english ? "The recording of the call was removed: recordings "
                         "are kept for %lld days."
                       : "Запись звонка удалена: записи хранятся %lld дн.",
            (long long)w->keeping->days)),
    };
    int r = attachment_drop(tx, x->file, (struct actor){0}, w->now, e);
    if (!r)
        r = message_add(tx, w->worker->stemmer, &m, w->now, NULL, e);
    arena_free(a);
    return r;
}

static int retire_recordings(struct db_tx *tx, void *arg, struct err *e)
{
    struct work *w = arg;
    struct old_recording found[TICKETS];
    size_t n;
    int r = find_recordings(tx, w, found, &n, e);
    for (size_t i = 0; !r && i < n; i++)
        r = retire_recording(tx, w, &found[i], e);
    w->done = (int64_t)n;
    return r;
}

static int drop_recordings_of(struct work *w, const struct keeping *k,
                              struct err *e)
{
    int r = OTK_OK;
    if (!k->days)
        return r;
    w->keeping = k;
    do {
        r = db_write(desk_db(w->d), 0, retire_recordings, w, e);
        w->ret->recordings += r ? 0 : w->done;
    } while (!r && w->done == TICKETS);
    return r;
}

static int drop_recordings(struct work *w, const struct retention_lines *lines,
                           struct err *e)
{
    int r = OTK_OK;
    struct buf own = BUF_INIT(LINES_BYTES);
    w->worker = desk_worker_new();
    buf_putc(&own, '\n');
    for (size_t i = 0; !r && i < lines->n; i++) {
        const struct retention_line *l = &lines->items[i];
        struct keeping k = {of_one_line, l->name, l->days};
        r = drop_recordings_of(w, &k, e);
        buf_printf(&own, STR_FMT "\n", STR_ARG(l->name));
    }
    if (!r && buf_check(&own))
        r = err_set(e, OTK_ELIMIT, "there are too many lines");
    struct keeping others = {of_other_lines, buf_str(&own),
                             desk_settings(w->d).phone.keep_days};
    if (!r)
        r = drop_recordings_of(w, &others, e);
    buf_free(&own);
    desk_worker_free(w->worker);
    return r;
}

/* ---- files
 * ------------------------------------------------------------------------------
 */

static int sweep_shelf(struct db_tx *tx, void *arg, struct err *e)
{
    struct work *w = arg;
    return blob_sweep(tx, desk_folder(w->d), w->shelf, DAY_S, &w->ret->files,
                      e);
}

static int sweep(struct work *w, struct err *e)
{
    int r = OTK_OK;
    for (w->shelf = 0; !r && w->shelf < BLOB_SHELVES; w->shelf++)
        r = db_write(desk_db(w->d), 0, sweep_shelf, w, e);
    return r;
}

/* "before-upgrade-9-2026-01-31T….db": the end of the name is the time. */
static int by_time(const void *a, const void *b)
{
    enum { TAIL = TIME_TEXT - 1 + 3 };
    struct str x = str_from(*(char *const *)a);
    struct str y = str_from(*(char *const *)b);
    return str_cmp(str_sub(x, x.n > TAIL ? x.n - TAIL : 0, x.n),
                   str_sub(y, y.n > TAIL ? y.n - TAIL : 0, y.n));
}

/* Those that Otklik made by itself; a person's own are the person's. */
static void drop_backups(struct work *w)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/backups", desk_folder(w->d));
    DIR *d = opendir(path);
    char **names = NULL;
    size_t n = 0;
    size_t cap = 0;
    for (const struct dirent *x; d && (x = readdir(d));) {
        struct str name = str_from(x->d_name);
        if (!str_starts(name, "before-upgrade-") || !str_ends(name, ".db"))
            continue;
        names = mem_grow(names, n, &cap, sizeof(*names));
        names[n++] = mem_copy_str(x->d_name);
    }
    if (n)
        qsort(names, n, sizeof(*names), by_time);
    size_t keep = (size_t)desk_settings(w->d).retention.backups;
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof(path), "%s/backups/%s", desk_folder(w->d),
                       names[i]);
        if (n - i > keep && unlink(path) == 0)
            w->ret->backups++;
        free(names[i]);
    }
    free(names);
    if (d)
        (void)closedir(d);
}

int retention_run(struct desk *d, const struct retention_lines *lines,
                  struct retired *ret, struct err *e)
{
    *ret = (struct retired){0};
    struct work w = {.d = d, .now = clock_wall(desk_clock(d)), .ret = ret};
    int r = drop_rows(&w, e);
    if (!r)
        r = drop_tickets(&w, e);
    if (!r && lines)
        r = drop_recordings(&w, lines, e);
    if (!r)
        r = sweep(&w, e);
    if (!r)
        drop_backups(&w);
    return r;
}
