/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/canned.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/fill.h"
#include "db/db.h"
#include "text/unicode.h"

enum { LISTED_MAX = 1000 };

int canned_check(const struct canned *c, struct err *e)
{
    int r = text_check(c->key, "key", 1, CANNED_KEY_MAX, e);
    if (!r)
        r = text_check(c->title, "title", 1, CANNED_TITLE_MAX, e);
    if (!r)
        r = text_check(c->body, "body", 1, CANNED_BODY_MAX, e);
    if (!r && !str_is(c->language, "ru") && !str_is(c->language, "en"))
        r = err_field(e, OTK_EFORMAT, "language", "is ru or en");
    return r;
}

int canned_put(struct db_tx *tx, const struct canned *c, int64_t now_ms,
               int64_t *ret_id, struct err *e)
{
    return db_int_of(tx, ret_id, e,
                     "INSERT INTO canned_replies (key, language, title, body, "
                     "updated_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT "
                     "(key) DO UPDATE SET language = excluded.language, title "
                     "= excluded.title, body = excluded.body, updated_at = "
                     "excluded.updated_at RETURNING id",
                     "ssssi", c->key, c->language, c->title, c->body, now_ms);
}

int canned_list(struct db_tx *tx, struct str language, struct arena *a,
                struct canned **ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct canned, LISTED_MAX + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT id, updated_at, key, language, title, body FROM "
                     "canned_replies WHERE ?1 = '' OR language = ?1 ORDER BY "
                     "title, id LIMIT ?2",
                     "si", language, (int64_t)LISTED_MAX);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = (struct canned){
            .id = db_int(rows, 0),
            .updated_at = db_int(rows, 1),
            .key = arena_str(a, db_text(rows, 2)),
            .language = arena_str(a, db_text(rows, 3)),
            .title = arena_str(a, db_text(rows, 4)),
            .body = arena_str(a, db_text(rows, 5)),
        };
    db_rows_free(rows);
    return r;
}

int canned_drop(struct db_tx *tx, int64_t id, struct err *e)
{
    int64_t n = 0;
    int r = db_change(tx, &n, e, "DELETE FROM canned_replies WHERE id = ?1",
                      "i", id);
    return !r && n == 0 ? err_set(e, OTK_ENOENT, "no such canned reply") : r;
}

struct str canned_render(struct arena *a, struct str body,
                         const struct canned_values *v)
{
    const struct fill_value values[] = {{"person.name", v->person},
                                        {"staff.name", v->staff},
                                        {"ticket.number", v->number},
                                        {"ticket.subject", v->subject},
                                        {"desk.name", v->desk}};
    return fill(a, body, values, sizeof(values) / sizeof(values[0]));
}
