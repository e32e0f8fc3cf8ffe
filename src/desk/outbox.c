/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/outbox.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/audit.h"
#include "desk/message.h"
#include "desk/ticket.h"

enum { BODY_BYTES = 512 * 1024, KEY_BYTES = 64 };

int outbox_put(struct db_tx *tx, const struct outbox_new *m, int64_t now_ms,
               struct err *e)
{
    return db_exec(tx, e,
                   "INSERT INTO outbox (channel, recipient, body_json, dedup, "
                   "state, ticket_id, message_id, created_at, run_at) VALUES "
                   "(?1, ?2, ?3, ?4, 'waiting', ?5, ?6, ?7, ?7) ON CONFLICT "
                   "(dedup) DO NOTHING",
                   "tsstIIi", m->channel, m->recipient, m->body, m->dedup,
                   db_or_null(&m->ticket_id), db_or_null(&m->message_id),
                   now_ms);
}

/* The address of one channel. */
static int find_address(struct db_tx *tx, int64_t person, struct str channel,
                        struct arena *a, struct outbox_new *ret, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT value FROM identities WHERE person_id = ?1 AND "
                     "kind = ?2 ORDER BY id LIMIT 1",
                     "is", person, channel);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        ret->channel = arena_copy(a, channel);
        ret->recipient = arena_str(a, db_text(rows, 0));
    }
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int choose_channel(struct db_tx *tx, int64_t person, struct str channels,
                          struct arena *a, struct outbox_new *ret,
                          struct err *e)
{
    struct str one;
    int r = OTK_OK;
    while (!r && person && !ret->channel && str_next(&channels, ',', &one))
        r = find_address(tx, person, str_trim(one), a, ret, e);
    return r;
}

static void put_text(struct buf *b, const char *name, struct str text)
{
    buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", name);
    json_put_text(b, text);
}

int outbox_put_reply(struct db_tx *tx, const struct ticket *t,
                     int64_t message_id, const struct message_new *m,
                     int64_t now_ms, struct err *e)
{
    char key[KEY_BYTES];
    struct arena *a = arena_new();
    struct buf b = BUF_INIT(BODY_BYTES);
    struct outbox_new out = {
        .dedup = key, .ticket_id = t->id, .message_id = message_id};
    int r = choose_channel(tx, t->person_id, m->channels, a, &out, e);
    if (!r && out.channel) {
        (void)snprintf(key, sizeof(key), "reply:%lld", (long long)message_id);
        buf_putc(&b, '{');
        put_text(&b, "subject", t->subject);
        put_text(&b, "name", t->person_name);
        put_text(&b, "language", t->language);
        put_text(&b, "text", m->body);
        buf_putc(&b, '}');
        out.body = buf_str(&b);
        r = outbox_put(tx, &out, now_ms, e);
    }
    buf_free(&b);
    arena_free(a);
    return r;
}

/* ---- taking
 * ----------------------------------------------------------------------- */

#define COLUMNS                                                                \
    "id, COALESCE(ticket_id, 0), COALESCE(message_id, 0), created_at, "        \
    "COALESCE(sent_at, 0), attempts, channel, recipient, body_json, state, "   \
    "dedup, COALESCE(last_error, '')"

static struct outbox_item row_of(struct db_rows *r, struct arena *a)
{
    return (struct outbox_item){
        .id = db_int(r, 0),
        .ticket_id = db_int(r, 1),
        .message_id = db_int(r, 2),
        .created_at = db_int(r, 3),
        .sent_at = db_int(r, 4),
        .attempts = (int)db_int(r, 5),
        .channel = arena_str(a, db_text(r, 6)),
        .recipient = arena_str(a, db_text(r, 7)),
        .body = arena_str(a, db_text(r, 8)),
        .state = arena_str(a, db_text(r, 9)),
        .dedup = arena_str(a, db_text(r, 10)),
        .last_error = arena_str(a, db_text(r, 11)),
    };
}

struct taking {
    const char *owner;
    int64_t now;
    size_t max;
    struct arena *arena;
    struct outbox_item *ret;
    size_t n;
};

static int take(struct db_tx *tx, void *arg, struct err *e)
{
    struct taking *t = arg;
    struct db_rows *rows;
    t->n = 0;
    int r = db_exec(tx, e,
                    "UPDATE outbox SET state = 'unsure', lease_owner = NULL, "
                    "lease_until = NULL, last_error = 'the sender was lost' "
                    "WHERE state = 'sending' AND lease_until < ?1",
                    "i", t->now);
    if (!r)
        r = db_query(
            tx, &rows, e,
            "UPDATE outbox SET state = 'sending', attempts = attempts "
            "+ 1, lease_owner = ?1, lease_until = ?2 WHERE id IN "
            "(SELECT id FROM outbox WHERE state = 'waiting' AND "
            "run_at <= ?3 ORDER BY run_at, id LIMIT ?4) RETURNING " COLUMNS,
            "tiii", t->owner, t->now + OUTBOX_LEASE_MS, t->now,
            (int64_t)t->max);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        t->ret[t->n++] = row_of(rows, t->arena);
    db_rows_free(rows);
    return r;
}

int outbox_take(struct db *db, const char *owner, int64_t now_ms, size_t max,
                struct arena *a, struct outbox_item *ret, size_t *ret_n,
                struct err *e)
{
    struct taking t = {owner, now_ms, max, a, ret, 0};
    int r = db_write(db, 0, take, &t, e);
    *ret_n = r ? 0 : t.n;
    return r;
}

static int64_t pause_after(int attempts)
{
    int64_t ms = OUTBOX_PAUSE_MS;
    while (--attempts > 0 && ms < OUTBOX_PAUSE_MAX_MS)
        ms *= 2;
    return ms < OUTBOX_PAUSE_MAX_MS ? ms : OUTBOX_PAUSE_MAX_MS;
}

int outbox_done(struct db_tx *tx, const struct outbox_item *m,
                const char *owner, enum outbox_verdict v, const char *why,
                int64_t now_ms, struct err *e)
{
    static const char *const states[] = {"sent", "waiting", "failed", "unsure"};
    int64_t changed = 0;
    bool sent = v == OUTBOX_SENT;
    if (v == OUTBOX_LATER && m->attempts >= OUTBOX_ATTEMPTS)
        v = OUTBOX_FAILED;
    int r = db_change(
        tx, &changed, e,
        "UPDATE outbox SET state = ?3, last_error = ?4, sent_at = ?5, run_at = "
        "?6, lease_owner = NULL, lease_until = NULL WHERE id = ?1 AND state = "
        "'sending' AND lease_owner = ?2",
        "itttIi", m->id, owner, states[v], sent ? NULL : why,
        sent ? &now_ms : NULL, now_ms + pause_after(m->attempts));
    return !r && changed == 0
               ? err_set(e, OTK_ECONFLICT, "the lease of message %lld was lost",
                         (long long)m->id)
               : r;
}

/* ---- looking after it
 * ------------------------------------------------------------- */

int outbox_list(struct db_tx *tx, struct str state, int64_t before_id,
                size_t limit, struct arena *a, struct outbox_item **ret,
                size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct outbox_item, limit + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT " COLUMNS " FROM outbox WHERE (?1 = '' OR state = "
                     "?1) AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3",
                     "sii", state, before_id, (int64_t)limit);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = row_of(rows, a);
    db_rows_free(rows);
    return r;
}

static int decide(struct db_tx *tx, const char *sql, const char *action,
                  int64_t id, struct actor by, int64_t now_ms, struct err *e)
{
    char object[KEY_BYTES];
    int64_t changed = 0;
    int64_t there = 0;
    int r = db_change(tx, &changed, e, sql, "ii", id, now_ms);
    if (!r && changed == 0) {
        r = db_int_of(tx, &there, e, "SELECT id FROM outbox WHERE id = ?1", "i",
                      id);
        return r == OTK_ENOENT ? err_set(e, r, "no message %lld", (long long)id)
                               : err_set(e, OTK_ECONFLICT,
                                         "it is neither unsure nor failed");
    }
    (void)snprintf(object, sizeof(object), "outbox:%lld", (long long)id);
    return r ? r : audit_add(tx, by, action, object, STR(""), now_ms, e);
}

int outbox_retry(struct db_tx *tx, int64_t id, struct actor by, int64_t now_ms,
                 struct err *e)
{
    return decide(tx,
                  "UPDATE outbox SET state = 'waiting', attempts = 0, run_at = "
                  "?2 WHERE id = ?1 AND state IN ('unsure', 'failed')",
                  "outbox.retry", id, by, now_ms, e);
}

int outbox_settle(struct db_tx *tx, int64_t id, struct actor by, int64_t now_ms,
                  struct err *e)
{
    return decide(tx,
                  "UPDATE outbox SET state = 'sent', sent_at = ?2 WHERE id = "
                  "?1 AND state IN ('unsure', 'failed')",
                  "outbox.settle", id, by, now_ms, e);
}
