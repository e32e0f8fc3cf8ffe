/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/tag.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/ticket.h"
#include "text/unicode.h"

enum { DETAIL_BYTES = 8192 };

int tag_normalize(struct str tag, struct arena *a, struct str *ret,
                  struct err *e)
{
    int r = text_check(tag, "tags", 1, TAG_MAX, e);
    if (!r)
        *ret = text_fold(a, tag);
    if (!r && str_find(*ret, ',') < ret->n)
        r = err_field(e, OTK_EFORMAT, "tags", "a tag has no comma in it");
    return r;
}

int tags_set(struct db_tx *tx, int64_t ticket_id, const struct str *tags,
             size_t n, struct actor by, int64_t now_ms, struct err *e)
{
    if (n > TAGS_MAX)
        return err_field(e, OTK_ELIMIT, "tags", "a ticket has at most %d",
                         TAGS_MAX);
    struct buf detail = BUF_INIT(DETAIL_BYTES);
    int r = db_exec(tx, e, "DELETE FROM ticket_tags WHERE ticket_id = ?1", "i",
                    ticket_id);
    buf_puts(&detail, "{\"tags\":[");
    for (size_t i = 0; !r && i < n; i++) {
        r = db_exec(tx, e,
                    "INSERT INTO ticket_tags (ticket_id, tag) VALUES (?1, ?2) "
                    "ON CONFLICT DO NOTHING",
                    "is", ticket_id, tags[i]);
        buf_puts(&detail, i ? "," : "");
        json_put_text(&detail, tags[i]);
    }
    buf_puts(&detail, "]}");
    if (r == OTK_ECONFLICT)
        r = err_set(e, OTK_ENOENT, "no ticket %lld", (long long)ticket_id);
    if (!r)
        r = ticket_note(tx, ticket_id, "ticket.tag", by, buf_str(&detail),
                        now_ms, e);
    buf_free(&detail);
    return r;
}

int tags_of(struct db_tx *tx, int64_t ticket_id, struct arena *a,
            struct str **ret, size_t *ret_n, struct err *e)
{
    enum { SEEN_MAX = 4 * TAGS_MAX }; /* of merged tickets */
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct str, SEEN_MAX + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT tag FROM ticket_tags WHERE ticket_id = ?1 ORDER "
                     "BY tag LIMIT ?2",
                     "ii", ticket_id, (int64_t)SEEN_MAX);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = arena_str(a, db_text(rows, 0));
    db_rows_free(rows);
    return r;
}

int tags_count(struct db_tx *tx, size_t limit, struct arena *a,
               struct tag_count **ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct tag_count, limit + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT tag, COUNT(*) AS n FROM ticket_tags GROUP BY tag "
                     "ORDER BY n DESC, tag LIMIT ?1",
                     "i", (int64_t)limit);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = (struct tag_count){
            .tag = arena_str(a, db_text(rows, 0)),
            .tickets = db_int(rows, 1),
        };
    db_rows_free(rows);
    return r;
}
