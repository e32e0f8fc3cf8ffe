/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/event.h"

#include "base/arena.h"
#include "db/db.h"

int event_put(struct db_tx *tx, const char *kind, int64_t ticket_id,
              struct str body, int64_t now_ms, struct err *e)
{
    return db_exec(tx, e,
                   "INSERT INTO events (kind, ticket_id, body_json, "
                   "created_at) VALUES (?1, ?2, ?3, ?4)",
                   "tIsi", kind, ticket_id ? &ticket_id : NULL,
                   body.n ? body : STR("{}"), now_ms);
}

int event_after(struct db_tx *tx, int64_t after, size_t limit, struct arena *a,
                struct event **ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct event, limit + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT id, ticket_id, created_at, kind, body_json FROM "
                     "events WHERE id > ?1 ORDER BY id LIMIT ?2",
                     "ii", after, (int64_t)limit);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = (struct event){
            .id = db_int(rows, 0),
            .ticket_id = db_int(rows, 1),
            .created_at = db_int(rows, 2),
            .kind = arena_str(a, db_text(rows, 3)),
            .body = arena_str(a, db_text(rows, 4)),
        };
    db_rows_free(rows);
    return r;
}

int event_last(struct db_tx *tx, int64_t *ret, struct err *e)
{
    return db_int_of(tx, ret, e, "SELECT COALESCE(MAX(id), 0) FROM events", "");
}
