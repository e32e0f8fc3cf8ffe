/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/view.h"

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

int view_add(struct db_tx *tx, const struct view *v, int64_t now_ms,
             int64_t *ret_id, struct err *e)
{
    int64_t n = 0;
    int r = db_int_of(tx, &n, e,
                      "SELECT COUNT(*) FROM saved_views WHERE "
                      "COALESCE(owner_id, 0) = ?1",
                      "i", v->owner_id);
    if (!r && n >= VIEWS_MAX)
        return err_set(e, OTK_ELIMIT, "there are %d views already", VIEWS_MAX);
    return r ? r
             : db_insert(tx, ret_id, e,
                         "INSERT INTO saved_views (name, owner_id, "
                         "filter_json, created_at) VALUES (?1, ?2, ?3, ?4)",
                         "sIsi", v->name, db_or_null(&v->owner_id), v->filter,
                         now_ms);
}

static struct view row_of(struct db_rows *r, struct arena *a)
{
    return (struct view){
        .id = db_int(r, 0),
        .owner_id = db_int(r, 1),
        .name = arena_str(a, db_text(r, 2)),
        .filter = arena_str(a, db_text(r, 3)),
    };
}

#define COLUMNS "id, COALESCE(owner_id, 0), name, filter_json"

int view_get(struct db_tx *tx, int64_t id, int64_t person, struct arena *a,
             struct view *ret, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT " COLUMNS " FROM saved_views WHERE id = ?1 AND "
                     "(owner_id IS NULL OR owner_id = ?2)",
                     "ii", id, person);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = row_of(rows, a);
    db_rows_free(rows);
    if (r == 0)
        return err_field(e, OTK_ENOENT, "view", "there is no such view");
    return r > 0 ? OTK_OK : r;
}

int view_list(struct db_tx *tx, int64_t person, struct arena *a,
              struct view **ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct view, 2 * VIEWS_MAX + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT " COLUMNS " FROM saved_views WHERE owner_id IS "
                     "NULL OR owner_id = ?1 ORDER BY name, id LIMIT ?2",
                     "ii", person, (int64_t)2 * VIEWS_MAX);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = row_of(rows, a);
    db_rows_free(rows);
    return r;
}

int view_drop(struct db_tx *tx, int64_t id, struct err *e)
{
    return db_exec(tx, e, "DELETE FROM saved_views WHERE id = ?1", "i", id);
}
