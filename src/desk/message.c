/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/message.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/event.h"
#include "desk/outbox.h"
#include "desk/ticket.h"
#include "text/stem.h"

int message_index(struct db_tx *tx, struct stemmer *s, int64_t id,
                  struct str body, struct err *e)
{
    struct arena *a = arena_new();
    int r = db_text_put(tx, "messages_text", id, stems_of(a, s, body), e);
    arena_free(a);
    return r;
}

/* ---- what it means for the ticket
 * ------------------------------------------------- */

static int take_reply(struct db_tx *tx, const struct ticket *t, int64_t now_ms,
                      struct err *e)
{
    return db_exec(tx, e,
                   "UPDATE tickets SET first_answer_at = "
                   "COALESCE(first_answer_at, ?2), waiting_since = NULL, "
                   "next_due = NULL, state = CASE WHEN state = 'new' THEN "
                   "'open' ELSE state END, version = version + 1, updated_at "
                   "= ?2 WHERE id = ?1",
                   "ii", t->id, now_ms);
}

/* A ticket that rested or was done wants attention again. */
static int reopen(struct db_tx *tx, const struct ticket *t,
                  const struct message_new *m, int64_t now_ms, struct err *e)
{
    static const struct str open = {"open", 4};
    if (!str_is(t->state, "pending") && !str_is(t->state, "solved") &&
        !str_is(t->state, "closed"))
        return OTK_OK;
    struct ticket_change c = {.state = &open, .catalog = m->catalog};
    return ticket_change(tx, t->id, &c, m->by, now_ms, e);
}

/* The promise of a next answer begins with the oldest unanswered message. */
static int take_request(struct db_tx *tx, const struct ticket *t,
                        const struct message_new *m, int64_t now_ms,
                        struct err *e)
{
    int64_t next = t->dues.next;
    if (m->catalog && t->first_answer_at && !t->waiting_since)
        next = sla_dues(m->catalog, catalog_topic_id(m->catalog, t->topic_id),
                        catalog_priority_id(m->catalog, t->priority_id), now_ms)
                   .next;
    int r = db_exec(tx, e,
                    "UPDATE tickets SET waiting_since = "
                    "COALESCE(waiting_since, ?2), next_due = ?3, updated_at = "
                    "?2 WHERE id = ?1",
                    "iiI", t->id, now_ms, db_or_null(&next));
    return r ? r : reopen(tx, t, m, now_ms, e);
}

static int tell(struct db_tx *tx, const struct message_new *m, int64_t id,
                int64_t now_ms, struct err *e)
{
    char body[96];
    (void)snprintf(body, sizeof(body),
                   "{\"ticket\":\"%lld\",\"message\":\"%lld\",\"kind\":\"%s\"}",
                   (long long)m->ticket_id, (long long)id, m->kind);
    return event_put(tx, "message.created", m->ticket_id, str_from(body),
                     now_ms, e);
}

static int take_effect(struct db_tx *tx, const struct message_new *m,
                       int64_t id, int64_t now_ms, struct err *e)
{
    bool reply = strcmp(m->kind, "reply") == 0;
    if (m->opens || (!reply && strcmp(m->kind, "request") != 0))
        return OTK_OK;
    struct arena *a = arena_new();
    struct ticket t;
    int r = ticket_get(tx, m->ticket_id, a, &t, e);
    if (!r && reply)
        r = take_reply(tx, &t, now_ms, e);
    else if (!r)
        r = take_request(tx, &t, m, now_ms, e);
    if (!r && reply && m->channels.n)
        r = outbox_put_reply(tx, &t, id, m, now_ms, e);
    arena_free(a);
    return r;
}

int message_add(struct db_tx *tx, struct stemmer *s,
                const struct message_new *m, int64_t now_ms, int64_t *ret_id,
                struct err *e)
{
    int64_t id = 0;
    int64_t author = actor_person(m->by);
    int r = db_insert(tx, &id, e,
                      "INSERT INTO messages (ticket_id, kind, author_id, body, "
                      "created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                      "itIsi", m->ticket_id, m->kind, db_or_null(&author),
                      m->body, now_ms);
    if (!r)
        r = message_index(tx, s, id, m->body, e);
    if (!r)
        r = take_effect(tx, m, id, now_ms, e);
    if (!r)
        r = tell(tx, m, id, now_ms, e);
    if (ret_id)
        *ret_id = id;
    return r;
}

/* ---- reading
 * ---------------------------------------------------------------------- */

static int read_rows(struct db_rows *rows, struct arena *a,
                     struct message **ret, size_t *ret_n, struct err *e)
{
    struct message *list = NULL;
    size_t cap = 0;
    int r;
    while ((r = db_next(rows, e)) > 0) {
        list = mem_grow(list, *ret_n, &cap, sizeof(*list));
        list[(*ret_n)++] = (struct message){
            .id = db_int(rows, 0),
            .author_id = db_int(rows, 1),
            .created_at = db_int(rows, 2),
            .kind = arena_str(a, db_text(rows, 3)),
            .author = arena_str(a, db_text(rows, 4)),
            .body = arena_str(a, db_text(rows, 5)),
        };
    }
    *ret = arena_keep(a, list, *ret_n, sizeof(*list));
    return r;
}

int message_list(struct db_tx *tx, int64_t ticket_id, bool for_person,
                 struct arena *a, struct message **ret, size_t *ret_n,
                 struct err *e)
{
    enum { MESSAGES_MAX = 2000 };
    struct db_rows *rows;
    *ret_n = 0;
    int r =
        db_query(tx, &rows, e,
                 "SELECT m.id, m.author_id, m.created_at, m.kind, "
                 "COALESCE(p.name, ''), m.body FROM messages m LEFT JOIN "
                 "people p ON p.id = m.author_id WHERE m.ticket_id = ?1 "
                 "AND (?3 = 0 OR m.kind IN ('request', 'reply')) ORDER BY "
                 "m.id LIMIT ?2",
                 "iii", ticket_id, (int64_t)MESSAGES_MAX, (int64_t)for_person);
    if (r)
        return r;
    r = read_rows(rows, a, ret, ret_n, e);
    db_rows_free(rows);
    return r;
}
