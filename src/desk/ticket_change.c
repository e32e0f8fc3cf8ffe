/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a ticket: state, labels, assignee, and the promises that follow. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/ticket.h"

enum { DETAIL_BYTES = 4096 };

static bool is_done(struct str state)
{
    return str_is(state, "solved") || str_is(state, "closed");
}

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
    bool done = is_done(state);
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
                "iIIs", t->id, db_or_null(&to), to ? &now_ms : NULL, c->reason);
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
    int r = db_exec(tx, e, sql, "iI", id, db_or_null(value));
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
    if (c->subject)
        buf_printf(b, "%s\"subject\":true", b->len > 1 ? "," : "");
    for (size_t i = 0; i < 4; i++) {
        if (ids[i].id)
            buf_printf(b, "%s\"%s\":%lld", b->len > 1 ? "," : "", ids[i].name,
                       (long long)*ids[i].id);
    }
    buf_putc(b, '}');
}

/* ---- promises
 * --------------------------------------------------------------------- */

/* Does the change end a rest of the clocks? */
static bool resumes(const struct ticket *t, const struct ticket_change *c)
{
    return t->paused_at && c->state && !str_is(*c->state, "pending") &&
           !is_done(*c->state);
}

/*
 * A ticket that rested gets its time back; one with another topic or priority
 * is promised what those promise, from the same beginning.
 */
static int move_promises(struct db_tx *tx, const struct ticket *t,
                         const struct ticket_change *c, int64_t now_ms,
                         struct err *e)
{
    bool other = c->topic_id || c->priority_id;
    bool resumed = resumes(t, c);
    if (!c->catalog || (!other && !resumed))
        return OTK_OK;
    const struct catalog_topic *topic =
        catalog_topic_id(c->catalog, c->topic_id ? *c->topic_id : t->topic_id);
    const struct catalog_priority *priority = catalog_priority_id(
        c->catalog, c->priority_id ? *c->priority_id : t->priority_id);
    int64_t from = t->counts_from;
    struct sla_dues dues = t->dues;
    if (resumed) {
        from = sla_shift(c->catalog, topic, from, t->paused_at, now_ms);
        dues = sla_resume(c->catalog, topic, dues, t->paused_at, now_ms);
    }
    if (other) {
        int64_t next = dues.next;
        dues = sla_dues(c->catalog, topic, priority, from);
        dues.next = next;
    }
    return db_exec(tx, e,
                   "UPDATE tickets SET counts_from = ?2, first_due = ?3, "
                   "next_due = ?4, solution_due = ?5 WHERE id = ?1",
                   "iiIII", t->id, from, db_or_null(&dues.first),
                   db_or_null(&dues.next), db_or_null(&dues.solution));
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
        r = err_field(e, OTK_ECONFLICT, "version",
                      "the ticket was changed meanwhile (version %lld)",
                      (long long)t.version);
    if (!r)
        r = apply(tx, &t, c, now_ms, e);
    if (!r)
        r = move_promises(tx, &t, c, now_ms, e);
    put_detail(c, &detail);
    if (!r)
        r = ticket_note(tx, id, "ticket.change", by, buf_str(&detail), now_ms,
                        e);
    buf_free(&detail);
    arena_free(a);
    return r;
}
