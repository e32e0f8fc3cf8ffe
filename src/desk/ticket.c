/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/ticket.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/audit.h"
#include "desk/event.h"

enum { OBJECT_BYTES = 32, DETAIL_BYTES = 4096, LIST_MAX = 1000 };

static const char *const open_states[] = {"open",   "pending", "hold",
                                          "solved", "closed",  NULL};
static const char *const solved_states[] = {"open", "solved", "closed", NULL};
static const char *const closed_states[] = {"closed", "open", NULL};
static const char *const merged_states[] = {"merged", NULL};
static const char *const new_states[] = {"new",    "open",   "pending", "hold",
                                         "solved", "closed", NULL};

const char *const *ticket_states_after(struct str state)
{
    if (str_is(state, "new"))
        return new_states;
    if (str_is(state, "solved"))
        return solved_states;
    if (str_is(state, "closed"))
        return closed_states;
    return str_is(state, "merged") ? merged_states : open_states;
}

static const int64_t *or_null(const int64_t *id)
{
    return *id ? id : NULL;
}

static int audit_ticket(struct db_tx *tx, struct actor by, const char *action,
                        int64_t id, struct str detail, int64_t now_ms,
                        struct err *e)
{
    char object[OBJECT_BYTES];
    (void)snprintf(object, sizeof(object), "ticket:%lld", (long long)id);
    return audit_add(tx, by, action, object, detail, now_ms, e);
}

static int event_ticket(struct db_tx *tx, const char *kind, int64_t id,
                        int64_t now_ms, struct err *e)
{
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"ticket\":\"%lld\"}", (long long)id);
    return event_put(tx, kind, id, str_from(body), now_ms, e);
}

int ticket_insert(struct db_tx *tx, const struct ticket_new *t, struct actor by,
                  int64_t now_ms, int64_t *ret_id, struct err *e)
{
    int r = db_int_of(
        tx, ret_id, e,
        "INSERT INTO tickets (subject, state, topic_id, priority_id, team_id, "
        "assignee_id, person_id, channel, language, reason, external_id, "
        "created_at, updated_at, assigned_at, waiting_since, first_due, "
        "next_due, solution_due) VALUES (?1, 'new', ?2, ?3, ?4, ?5, ?6, ?7, "
        "?8, ?9, ?10, ?11, ?11, ?12, ?11, ?13, ?14, ?15) RETURNING id",
        "sIIIIItsstiIIII", t->subject, or_null(&t->topic_id),
        or_null(&t->priority_id), or_null(&t->team_id),
        or_null(&t->assignee_id), or_null(&t->person_id), t->channel,
        t->language, t->reason, t->external_id.n ? t->external_id.p : NULL,
        now_ms, t->assignee_id ? &now_ms : NULL, or_null(&t->dues.first),
        or_null(&t->dues.next), or_null(&t->dues.solution));
    if (!r && t->assignee_id)
        r = db_exec(tx, e,
                    "UPDATE staff SET assigned_at = ?2 WHERE person_id = ?1",
                    "ii", t->assignee_id, now_ms);
    if (!r)
        r = audit_ticket(tx, by, "ticket.create", *ret_id, STR(""), now_ms, e);
    return r ? r : event_ticket(tx, "ticket.created", *ret_id, now_ms, e);
}

#define TICKET_COLUMNS                                                         \
    "t.id, t.topic_id, t.priority_id, t.team_id, t.assignee_id, t.person_id, " \
    "t.subject, t.state, t.channel, t.language, t.reason, "                    \
    "COALESCE(t.external_id, ''), COALESCE(p.name, ''), t.version, "           \
    "t.created_at, t.updated_at, t.first_answer_at, t.solved_at, "             \
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
        .dues = {db_int(r, 18), db_int(r, 19), db_int(r, 20)},
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

/* "('new','open')"; only names of states get into the SQL. */
static int put_states(struct str states, struct buf *sql, struct err *e)
{
    struct str one;
    buf_puts(sql, " AND t.state IN (");
    for (bool first = true; str_next(&states, ',', &one); first = false) {
        const char *const *s = new_states;
        while (*s && !str_is(one, *s))
            s++;
        if (!*s && !str_is(one, "merged"))
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

static int run_list(struct db_tx *tx, const char *sql,
                    const struct ticket_filter *f, struct arena *a,
                    struct ticket *ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    int r = db_query_once(
        tx, &rows, e, sql, "iiiiiii", f->topic_id, f->priority_id, f->person_id,
        f->assignee_id, f->updated_since,
        f->before_id ? f->before_id : INT64_MAX, (int64_t)f->limit);
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
    buf_puts(&sql, "SELECT " TICKET_COLUMNS " FROM " TICKET_TABLES
                   " WHERE (?1 = 0 OR t.topic_id = ?1) AND (?2 = 0 OR "
                   "t.priority_id = ?2) AND (?3 = 0 OR t.person_id = ?3) AND "
                   "(?4 = 0 OR (?4 = -1 AND t.assignee_id IS NULL) OR "
                   "t.assignee_id = ?4) AND t.updated_at >= ?5 AND t.id < ?6");
    int r = f->states.n ? put_states(f->states, &sql, e) : OTK_OK;
    if (!r && f->ids)
        put_ids(f, &sql);
    buf_puts(&sql, " ORDER BY t.id DESC LIMIT ?7");
    if (!r && buf_check(&sql))
        r = err_set(e, OTK_ELIMIT, "too many tickets were asked for");
    if (!r)
        r = run_list(tx, sql.ptr, f, a, *ret, ret_n, e);
    buf_free(&sql);
    return r;
}

/* ---- changing
 * ----------------------------------------------------------------------- */

static bool may_go(struct str from, struct str to)
{
    const char *const *s = ticket_states_after(from);
    while (*s && !str_is(to, *s))
        s++;
    return *s != NULL;
}

static int change_state(struct db_tx *tx, const struct ticket *t,
                        struct str state, int64_t now_ms, struct err *e)
{
    if (str_eq(t->state, state))
        return OTK_OK;
    if (!may_go(t->state, state))
        return err_field(e, OTK_EFORMAT, "state",
                         "a ticket cannot go from " STR_FMT " to " STR_FMT,
                         STR_ARG(t->state), STR_ARG(state));
    bool done = str_is(state, "solved") || str_is(state, "closed");
    return db_exec(tx, e,
                   "UPDATE tickets SET state = ?2, solved_at = CASE WHEN ?3 = "
                   "1 THEN COALESCE(solved_at, ?4) ELSE NULL END, closed_at = "
                   "CASE WHEN ?2 = 'closed' THEN ?4 ELSE NULL END, paused_at "
                   "= CASE WHEN ?2 = 'pending' THEN ?4 ELSE NULL END WHERE id "
                   "= ?1",
                   "isii", t->id, state, (int64_t)done, now_ms);
}

static int change_assignee(struct db_tx *tx, const struct ticket *t,
                           const struct ticket_change *c, int64_t now_ms,
                           struct err *e)
{
    int64_t to = *c->assignee_id;
    int r =
        db_exec(tx, e,
                "UPDATE tickets SET assignee_id = ?2, assigned_at = ?3, "
                "reason = CASE WHEN ?4 = '' THEN reason ELSE ?4 END WHERE "
                "id = ?1",
                "iIIs", t->id, or_null(&to), to ? &now_ms : NULL, c->reason);
    if (!r && to)
        r = db_exec(tx, e,
                    "UPDATE staff SET assigned_at = ?2 WHERE person_id = ?1",
                    "ii", to, now_ms);
    return r == OTK_ECONFLICT ? err_field(e, OTK_EFORMAT, "assignee",
                                          "no such member of staff")
                              : r;
}

/* One column that holds an id, or nothing. */
static int change_id(struct db_tx *tx, const char *sql, int64_t id,
                     const int64_t *value, const char *field, struct err *e)
{
    if (!value)
        return OTK_OK;
    int r = db_exec(tx, e, sql, "iI", id, or_null(value));
    return r == OTK_ECONFLICT
               ? err_field(e, OTK_EFORMAT, field, "there is no such thing")
               : r;
}

static void put_detail(const struct ticket_change *c, struct buf *b)
{
    const struct {
        const char *name;
        const int64_t *id;
    } ids[] = {{"topic", c->topic_id},
               {"priority", c->priority_id},
               {"team", c->team_id},
               {"assignee", c->assignee_id}};
    buf_putc(b, '{');
    if (c->state) {
        buf_puts(b, "\"state\":");
        json_put_text(b, *c->state);
    }
    for (size_t i = 0; i < 4; i++) {
        if (ids[i].id)
            buf_printf(b, "%s\"%s\":%lld", b->len > 1 ? "," : "", ids[i].name,
                       (long long)*ids[i].id);
    }
    buf_putc(b, '}');
}

static int apply(struct db_tx *tx, const struct ticket *t,
                 const struct ticket_change *c, int64_t now_ms, struct err *e)
{
    int r = c->state ? change_state(tx, t, *c->state, now_ms, e) : OTK_OK;
    if (!r && c->subject)
        r = db_exec(tx, e, "UPDATE tickets SET subject = ?2 WHERE id = ?1",
                    "is", t->id, *c->subject);
    if (!r)
        r = change_id(tx, "UPDATE tickets SET topic_id = ?2 WHERE id = ?1",
                      t->id, c->topic_id, "topic", e);
    if (!r)
        r = change_id(tx, "UPDATE tickets SET priority_id = ?2 WHERE id = ?1",
                      t->id, c->priority_id, "priority", e);
    if (!r)
        r = change_id(tx, "UPDATE tickets SET team_id = ?2 WHERE id = ?1",
                      t->id, c->team_id, "team", e);
    if (!r && c->assignee_id)
        r = change_assignee(tx, t, c, now_ms, e);
    if (!r && c->dues)
        r = db_exec(tx, e,
                    "UPDATE tickets SET first_due = ?2, next_due = ?3, "
                    "solution_due = ?4 WHERE id = ?1",
                    "iIII", t->id, or_null(&c->dues->first),
                    or_null(&c->dues->next), or_null(&c->dues->solution));
    return r;
}

int ticket_change(struct db_tx *tx, int64_t id, const struct ticket_change *c,
                  struct actor by, int64_t now_ms, struct err *e)
{
    struct arena *a = arena_new();
    struct buf detail = BUF_INIT(DETAIL_BYTES);
    struct ticket t = {0};
    int r = ticket_get(tx, id, a, &t, e);
    if (!r && c->if_version && c->if_version != t.version)
        r = err_set(e, OTK_ECONFLICT,
                    "the ticket was changed meanwhile (version %lld)",
                    (long long)t.version);
    if (!r)
        r = apply(tx, &t, c, now_ms, e);
    if (!r)
        r = db_exec(tx, e,
                    "UPDATE tickets SET version = version + 1, updated_at = "
                    "?2 WHERE id = ?1",
                    "ii", id, now_ms);
    put_detail(c, &detail);
    if (!r)
        r = audit_ticket(tx, by, "ticket.change", id, buf_str(&detail), now_ms,
                         e);
    if (!r)
        r = event_ticket(tx, "ticket.updated", id, now_ms, e);
    buf_free(&detail);
    arena_free(a);
    return r;
}
