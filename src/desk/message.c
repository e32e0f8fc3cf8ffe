/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/event.h"
#include "desk/ticket.h"
#include "text/stem.h"

static int index_text(struct db_tx *tx, struct stemmer *s, int64_t id,
                      struct str body, struct err *e)
{
    struct arena *a = arena_new();
    int r = db_text_put(tx, "messages_text", id, stems_of(a, s, body), e);
    arena_free(a);
    return r;
}

/* What a message means for the clocks of its ticket. */
static int note_times(struct db_tx *tx, int64_t ticket, const char *kind,
                      int64_t now_ms, struct err *e)
{
    if (strcmp(kind, "reply") == 0)
        return db_exec(tx, e,
                       "UPDATE tickets SET first_answer_at = "
                       "COALESCE(first_answer_at, ?2), waiting_since = NULL, "
                       "next_due = NULL, state = CASE WHEN state = 'new' THEN "
                       "'open' ELSE state END, version = version + 1, "
                       "updated_at = ?2 WHERE id = ?1",
                       "ii", ticket, now_ms);
    if (strcmp(kind, "request") == 0)
        return db_exec(tx, e,
                       "UPDATE tickets SET waiting_since = "
                       "COALESCE(waiting_since, ?2), state = CASE WHEN state "
                       "IN ('pending', 'solved') THEN 'open' ELSE state END, "
                       "updated_at = ?2 WHERE id = ?1",
                       "ii", ticket, now_ms);
    return OTK_OK;
}

int message_add(struct db_tx *tx, struct stemmer *s, int64_t ticket_id,
                const char *kind, struct actor by, struct str body,
                int64_t now_ms, int64_t *ret_id, struct err *e)
{
    int64_t id = 0;
    int64_t author = actor_person(by);
    int r = db_int_of(tx, &id, e,
                      "INSERT INTO messages (ticket_id, kind, author_id, body, "
                      "created_at) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
                      "itIsi", ticket_id, kind, author ? &author : NULL, body,
                      now_ms);
    if (!r)
        r = index_text(tx, s, id, body, e);
    if (!r)
        r = note_times(tx, ticket_id, kind, now_ms, e);
    char event[96];
    (void)snprintf(event, sizeof(event),
                   "{\"ticket\":\"%lld\",\"message\":\"%lld\",\"kind\":\"%s\"}",
                   (long long)ticket_id, (long long)id, kind);
    if (!r)
        r = event_put(tx, "message.created", ticket_id, str_from(event), now_ms,
                      e);
    if (ret_id)
        *ret_id = id;
    return r;
}

int message_list(struct db_tx *tx, int64_t ticket_id, struct arena *a,
                 struct message **ret, size_t *ret_n, struct err *e)
{
    enum { MESSAGES_MAX = 2000 };
    struct db_rows *rows;
    struct message *list = NULL;
    size_t cap = 0;
    *ret_n = 0;
    int r = db_query(tx, &rows, e,
                     "SELECT m.id, m.author_id, m.created_at, m.kind, "
                     "COALESCE(p.name, ''), m.body FROM messages m LEFT JOIN "
                     "people p ON p.id = m.author_id WHERE m.ticket_id = ?1 "
                     "ORDER BY m.id LIMIT ?2",
                     "ii", ticket_id, (int64_t)MESSAGES_MAX);
    if (r)
        return r;
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
    db_rows_free(rows);
    *ret = ARENA_ARRAY(a, struct message, *ret_n + 1);
    for (size_t i = 0; i < *ret_n; i++)
        (*ret)[i] = list[i];
    free(list);
    return r;
}
