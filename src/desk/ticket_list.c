/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tickets: one, or those that a filter lets through. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "db/db.h"
#include "desk/ticket.h"

#define TICKET_COLUMNS                                                         \
    "t.id, t.topic_id, t.priority_id, t.team_id, t.assignee_id, t.person_id, " \
    "t.subject, t.state, t.channel, t.language, t.reason, "                    \
    "COALESCE(t.external_id, ''), COALESCE(p.name, ''), t.version, "           \
    "t.created_at, t.updated_at, t.first_answer_at, t.solved_at, "             \
    "t.waiting_since, t.paused_at, t.counts_from, t.merged_into, "             \
    "t.first_due, t.next_due, t.solution_due"
#define TICKET_TABLES "tickets t LEFT JOIN people p ON p.id = t.person_id"

static struct ticket row_ticket(struct db_rows *r, struct arena *a)
{
    return (struct ticket){
        .id = db_int(r, 0),
        .topic_id = db_int(r, 1),
        .priority_id = db_int(r, 2),
        .team_id = db_int(r, 3),
        .assignee_id = db_int(r, 4),
        .person_id = db_int(r, 5),
        .subject = arena_str(a, db_text(r, 6)),
        .state = arena_str(a, db_text(r, 7)),
        .channel = arena_str(a, db_text(r, 8)),
        .language = arena_str(a, db_text(r, 9)),
        .reason = arena_str(a, db_text(r, 10)),
        .external_id = arena_str(a, db_text(r, 11)),
        .person_name = arena_str(a, db_text(r, 12)),
        .version = db_int(r, 13),
        .created_at = db_int(r, 14),
        .updated_at = db_int(r, 15),
        .first_answer_at = db_int(r, 16),
        .solved_at = db_int(r, 17),
        .waiting_since = db_int(r, 18),
        .paused_at = db_int(r, 19),
        .counts_from = db_int(r, 20),
        .merged_into = db_int(r, 21),
        .dues = {db_int(r, 22), db_int(r, 23), db_int(r, 24)},
    };
}

int ticket_get(struct db_tx *tx, int64_t id, struct arena *a,
               struct ticket *ret, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT " TICKET_COLUMNS " FROM " TICKET_TABLES
                     " WHERE t.id = ?1",
                     "i", id);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = row_ticket(rows, a);
    db_rows_free(rows);
    if (r == 0)
        return err_set(e, OTK_ENOENT, "no ticket %lld", (long long)id);
    return r > 0 ? OTK_OK : r;
}

static bool is_state(struct str s)
{
    static const char *const all[] = {"new",    "open",   "pending", "hold",
                                      "solved", "closed", "merged"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (str_is(s, all[i]))
            return true;
    }
    return false;
}

/* "('new','open')"; only names of states get into the SQL. */
static int put_states(struct str states, struct buf *sql, struct err *e)
{
    struct str one;
    buf_puts(sql, " AND t.state IN (");
    for (bool first = true; str_next(&states, ',', &one); first = false) {
        if (!is_state(one))
            return err_field(e, OTK_EFORMAT, "state", "no state '" STR_FMT "'",
                             STR_ARG(one));
        buf_printf(sql, "%s'" STR_FMT "'", first ? "" : ",", STR_ARG(one));
    }
    buf_putc(sql, ')');
    return OTK_OK;
}

static void put_ids(const struct ticket_filter *f, struct buf *sql)
{
    buf_puts(sql, " AND t.id IN (");
    for (size_t i = 0; i < f->n_ids; i++)
        buf_printf(sql, "%s%lld", i ? "," : "", (long long)f->ids[i]);
    buf_puts(sql, f->n_ids ? ")" : "0)");
}

/* Only the conditions that are asked for, so that an index can serve them. */
static int put_where(const struct ticket_filter *f, struct buf *sql,
                     struct err *e)
{
    const struct {
        bool wanted;
        const char *sql;
    } parts[] = {
        {f->topic_id != 0, " AND t.topic_id = ?1"},
        {f->priority_id != 0, " AND t.priority_id = ?2"},
        {f->person_id != 0, " AND t.person_id = ?3"},
        {f->assignee_id > 0, " AND t.assignee_id = ?4"},
        {f->assignee_id < 0, " AND t.assignee_id IS NULL"},
        {f->updated_since != 0, " AND t.updated_at >= ?5"},
        {f->team_id != 0, " AND t.team_id = ?6"},
        {f->tag.n != 0, " AND EXISTS (SELECT 1 FROM ticket_tags g WHERE "
                        "g.ticket_id = t.id AND g.tag = ?7)"},
        {f->late_at != 0,
         " AND t.state IN ('new', 'open', 'pending', 'hold') AND "
         "((t.first_answer_at IS NULL AND t.first_due < ?8) OR t.next_due < ?8 "
         "OR t.solution_due < ?8)"},
        {f->before_id != 0, " AND t.id < ?9"},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].wanted)
            buf_puts(sql, parts[i].sql);
    }
    if (f->ids)
        put_ids(f, sql);
    return f->states.n ? put_states(f->states, sql, e) : OTK_OK;
}

static int run_list(struct db_tx *tx, const char *sql,
                    const struct ticket_filter *f, struct arena *a,
                    struct ticket *ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    int r = db_query_once(tx, &rows, e, sql, "iiiiiisiii", f->topic_id,
                          f->priority_id, f->person_id, f->assignee_id,
                          f->updated_since, f->team_id, f->tag, f->late_at,
                          f->before_id, (int64_t)f->limit);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        ret[(*ret_n)++] = row_ticket(rows, a);
    db_rows_free(rows);
    return r;
}

int ticket_list(struct db_tx *tx, const struct ticket_filter *f,
                struct arena *a, struct ticket **ret, size_t *ret_n,
                struct err *e)
{
    enum { SQL_BYTES = 32 * 1024 };
    struct buf sql = BUF_INIT(SQL_BYTES);
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct ticket, f->limit + 1);
    buf_puts(&sql,
             "SELECT " TICKET_COLUMNS " FROM " TICKET_TABLES " WHERE 1 = 1");
    int r = put_where(f, &sql, e);
    buf_puts(&sql, " ORDER BY t.id DESC LIMIT ?10");
    if (!r && buf_check(&sql))
        r = err_set(e, OTK_ELIMIT, "too many tickets were asked for");
    if (!r)
        r = run_list(tx, sql.ptr, f, a, *ret, ret_n, e);
    buf_free(&sql);
    return r;
}
