/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/loads.h"

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

static size_t index_of(const struct catalog *c, int64_t id)
{
    size_t i = 0;
    while (i < c->n_staff && c->staff[i].id != id)
        i++;
    return i;
}

int loads_read(struct db_tx *tx, const struct catalog *c, struct arena *a,
               struct route_load **ret, struct err *e)
{
    struct db_rows *rows;
    struct route_load *loads =
        ARENA_ARRAY(a, struct route_load, c->n_staff + 1);
    *ret = loads;
    int r = db_query(tx, &rows, e,
                     "SELECT s.person_id, s.assigned_at, (SELECT COUNT(*) FROM "
                     "tickets t WHERE t.assignee_id = s.person_id AND t.state "
                     "IN ('new', 'open')) FROM staff s",
                     "");
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        loads[index_of(c, db_int(rows, 0))] = (struct route_load){
            .open = (int)db_int(rows, 2), .assigned_at = db_int(rows, 1)};
    db_rows_free(rows);
    return r;
}

int loads_waiting(struct db_tx *tx, const struct catalog_topic *topic,
                  bool *ret, struct err *e)
{
    int64_t waits = 0;
    int r = topic ? db_int_of(tx, &waits, e,
                              "SELECT EXISTS (SELECT 1 FROM tickets WHERE "
                              "topic_id = ?1 AND assignee_id IS NULL AND "
                              "state IN ('new', 'open'))",
                              "i", topic->id)
                  : OTK_OK;
    *ret = waits > 0;
    return r;
}
