/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/link.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "desk/ticket.h"

static bool is_kind(struct str s)
{
    static const char *const kinds[] = {"related", "blocks", "duplicate",
                                        "split"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_is(s, kinds[i]))
            return true;
    }
    return false;
}

static int note(struct db_tx *tx, int64_t id, int64_t other, const char *action,
                struct actor by, int64_t now_ms, struct err *e)
{
    char detail[64];
    (void)snprintf(detail, sizeof(detail), "{\"other\":%lld}",
                   (long long)other);
    return ticket_note(tx, id, action, by, str_from(detail), now_ms, e);
}

static int note_both(struct db_tx *tx, int64_t a, int64_t b, const char *action,
                     struct actor by, int64_t now_ms, struct err *e)
{
    int r = note(tx, a, b, action, by, now_ms, e);
    return r ? r : note(tx, b, a, action, by, now_ms, e);
}

int link_add(struct db_tx *tx, int64_t ticket_id, int64_t other_id,
             struct str kind, struct actor by, int64_t now_ms, struct err *e)
{
    if (!is_kind(kind))
        return err_field(e, OTK_EFORMAT, "kind",
                         "is related, blocks, duplicate or split");
    if (ticket_id == other_id)
        return err_field(e, OTK_EFORMAT, "ticket", "is the same ticket");
    bool swap = str_is(kind, "related") && other_id < ticket_id;
    int r = db_exec(tx, e,
                    "INSERT INTO ticket_links (ticket_id, other_id, kind) "
                    "VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    "iis", swap ? other_id : ticket_id,
                    swap ? ticket_id : other_id, kind);
    if (r == OTK_ECONFLICT)
        return err_field(e, OTK_ENOENT, "ticket", "there is no such ticket");
    return r ? r
             : note_both(tx, ticket_id, other_id, "ticket.link", by, now_ms, e);
}

int link_drop(struct db_tx *tx, int64_t ticket_id, int64_t other_id,
              struct actor by, int64_t now_ms, struct err *e)
{
    int64_t n = 0;
    int r = db_change(tx, &n, e,
                      "DELETE FROM ticket_links WHERE (ticket_id = ?1 AND "
                      "other_id = ?2) OR (ticket_id = ?2 AND other_id = ?1)",
                      "ii", ticket_id, other_id);
    if (!r && n == 0)
        return err_set(e, OTK_ENOENT, "these tickets are not linked");
    return r ? r
             : note_both(tx, ticket_id, other_id, "ticket.unlink", by, now_ms,
                         e);
}

int link_list(struct db_tx *tx, int64_t ticket_id, struct arena *a,
              struct link **ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct link, LINKS_MAX + 1);
    int r = db_query(
        tx, &rows, e,
        "SELECT t.id, l.kind, t.subject, t.state, CASE WHEN l.ticket_id = ?1 "
        "THEN 1 ELSE 0 END FROM ticket_links l JOIN tickets t ON t.id = CASE "
        "WHEN l.ticket_id = ?1 THEN l.other_id ELSE l.ticket_id END WHERE "
        "l.ticket_id = ?1 OR l.other_id = ?1 ORDER BY t.id LIMIT ?2",
        "ii", ticket_id, (int64_t)LINKS_MAX);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = (struct link){
            .other_id = db_int(rows, 0),
            .kind = arena_str(a, db_text(rows, 1)),
            .subject = arena_str(a, db_text(rows, 2)),
            .state = arena_str(a, db_text(rows, 3)),
            .outward = db_int(rows, 4) != 0,
        };
    db_rows_free(rows);
    return r;
}
