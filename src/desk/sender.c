/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "db/db.h"
#include "desk/desk.h"

enum {
    INPUT_BYTES = 1 << 20,
    EXIT_DATA = 65, /* sysexits.h */
    EXIT_NOBODY = 67,
    EXIT_NOHOST = 68,
};

static enum outbox_verdict verdict_of(const struct process_done *d,
                                      char why[SENDER_WHY_BYTES])
{
    (void)snprintf(why, SENDER_WHY_BYTES, "%s", d->tail);
    if (d->end == PROCESS_TOO_LATE) {
        (void)snprintf(why, SENDER_WHY_BYTES, "it took too long");
        return OUTBOX_UNSURE;
    }
    if (d->end != PROCESS_EXITED) {
        (void)snprintf(why, SENDER_WHY_BYTES, "ended by signal %d", d->status);
        return OUTBOX_UNSURE;
    }
    if (d->status == 0)
        return OUTBOX_SENT;
    if (!why[0])
        (void)snprintf(why, SENDER_WHY_BYTES, "exit code %d", d->status);
    bool hopeless = d->status == EXIT_DATA || d->status == EXIT_NOBODY ||
                    d->status == EXIT_NOHOST;
    return hopeless ? OUTBOX_FAILED : OUTBOX_LATER;
}

/* {"id":"7","channel":…, and the fields of the body */
static void put_input(const struct outbox_item *m, struct buf *b)
{
    buf_printf(b, "{\"id\":\"%lld\",\"ticket\":\"%lld\",\"channel\":",
               (long long)m->id, (long long)m->ticket_id);
    json_put_text(b, m->channel);
    buf_puts(b, ",\"recipient\":");
    json_put_text(b, m->recipient);
    buf_puts(b, ",\"dedup\":");
    json_put_text(b, m->dedup);
    if (m->body.n > 2) {
        buf_putc(b, ',');
        buf_put_str(b, str_sub(m->body, 1, m->body.n));
    } else {
        buf_putc(b, '}');
    }
    buf_putc(b, '\n');
}

enum outbox_verdict sender_run(const char *command, int timeout_ms,
                               const struct outbox_item *m,
                               char ret_why[SENDER_WHY_BYTES])
{
    char shell[] = "/bin/sh";
    char option[] = "-c";
    char *line = mem_copy_str(command);
    char *argv[] = {shell, option, line, NULL};
    struct buf input = BUF_INIT(INPUT_BYTES);
    struct process_done done;
    struct err e = {0};
    put_input(m, &input);
    struct process_ask ask = {argv, buf_str(&input), timeout_ms};
    int r = process_run(&ask, NULL, &done, &e);
    buf_free(&input);
    free(line);
    if (!r)
        return verdict_of(&done, ret_why);
    (void)snprintf(ret_why, SENDER_WHY_BYTES, "no process: %.100s", e.msg);
    return OUTBOX_LATER;
}

/* ---- everything that is due
 * -------------------------------------------------------- */

struct done {
    const struct outbox_item *m;
    const char *owner, *why;
    enum outbox_verdict verdict;
    int64_t now;
};

static int note(struct db_tx *tx, void *arg, struct err *e)
{
    const struct done *x = arg;
    return outbox_done(tx, x->m, x->owner, x->verdict, x->why, x->now, e);
}

static int send_one(struct desk *d, const char *owner,
                    const struct outbox_item *m, size_t *ret_sent,
                    struct err *e)
{
    const struct settings s = desk_settings(d);
    char why[SENDER_WHY_BYTES];
    struct done x = {.m = m, .owner = owner, .why = why};
    x.verdict = sender_run(s.outbox.command,
                           (int)s.outbox.timeout_seconds * MS_SECOND, m, why);
    x.now = clock_wall(desk_clock(d));
    *ret_sent += x.verdict == OUTBOX_SENT;
    if (x.verdict != OUTBOX_SENT)
        log_warn("outbox", "message=%lld %s", (long long)m->id, why);
    return db_write(desk_db(d), 0, note, &x, e);
}

int sender_work(struct desk *d, const char *owner, size_t *ret_sent,
                struct err *e)
{
    struct outbox_item item;
    struct arena *a = arena_new();
    size_t n = 1;
    int r = OTK_OK;
    *ret_sent = 0;
    /* one at a time: a lease covers one run of the program, not a batch */
    while (!r && n && desk_settings(d).outbox.command[0]) {
        arena_reset(a);
        r = outbox_take(desk_db(d), owner, clock_wall(desk_clock(d)), 1, a,
                        &item, &n, e);
        if (!r && n)
            r = send_one(d, owner, &item, ret_sent, e);
    }
    arena_free(a);
    return r;
}
