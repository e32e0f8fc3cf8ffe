/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/ticket.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"
#include "db/db.h"
#include "desk/audit.h"
#include "desk/event.h"

enum { OBJECT_BYTES = 32, SUBJECT_BYTES = 120 };

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

struct str ticket_subject(struct str text)
{
    text = str_trim(text);
    struct str line = str_trim(str_sub(text, 0, str_find(text, '\n')));
    if (line.n <= SUBJECT_BYTES)
        return line;
    struct str cut = utf8_cut(line, SUBJECT_BYTES);
    size_t space = cut.n;
    while (space > cut.n / 2 && cut.p[space - 1] != ' ')
        space--;
    return str_trim(space > cut.n / 2 ? str_sub(cut, 0, space) : cut);
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
    int r = db_insert(
        tx, ret_id, e,
        "INSERT INTO tickets (subject, state, topic_id, priority_id, team_id, "
        "assignee_id, person_id, channel, language, reason, external_id, "
        "created_at, updated_at, counts_from, assigned_at, waiting_since, "
        "first_due, solution_due) VALUES (?1, 'new', ?2, ?3, ?4, ?5, ?6, ?7, "
        "?8, ?9, ?10, ?11, ?11, ?11, ?12, ?11, ?13, ?14)",
        "sIIIIItsstiIII", t->subject, db_or_null(&t->topic_id),
        db_or_null(&t->priority_id), db_or_null(&t->team_id),
        db_or_null(&t->assignee_id), db_or_null(&t->person_id), t->channel,
        t->language, t->reason, t->external_id.n ? t->external_id.p : NULL,
        now_ms, t->assignee_id ? &now_ms : NULL, db_or_null(&t->dues.first),
        db_or_null(&t->dues.solution));
    if (!r && t->assignee_id)
        r = db_exec(tx, e,
                    "UPDATE staff SET assigned_at = ?2 WHERE person_id = ?1",
                    "ii", t->assignee_id, now_ms);
    if (!r)
        r = audit_ticket(tx, by, "ticket.create", *ret_id, STR(""), now_ms, e);
    return r ? r : event_ticket(tx, "ticket.created", *ret_id, now_ms, e);
}

int ticket_note(struct db_tx *tx, int64_t id, const char *action,
                struct actor by, struct str detail, int64_t now_ms,
                struct err *e)
{
    int64_t n = 0;
    int r = db_change(tx, &n, e,
                      "UPDATE tickets SET version = version + 1, updated_at = "
                      "?2 WHERE id = ?1",
                      "ii", id, now_ms);
    if (!r && n == 0)
        r = err_set(e, OTK_ENOENT, "no ticket %lld", (long long)id);
    if (!r)
        r = audit_ticket(tx, by, action, id, detail, now_ms, e);
    return r ? r : event_ticket(tx, "ticket.updated", id, now_ms, e);
}

int ticket_follow(struct db_tx *tx, int64_t id, int64_t *ret, struct err *e)
{
    enum { STEPS_MAX = 100 }; /* merged into one that was merged … */
    int64_t next = id;
    int r = OTK_OK;
    for (int i = 0; !r && next && i < STEPS_MAX; i++) {
        *ret = next;
        r = db_int_of(tx, &next, e,
                      "SELECT COALESCE(merged_into, 0) FROM tickets WHERE id = "
                      "?1",
                      "i", *ret);
    }
    return r == OTK_ENOENT ? err_set(e, r, "no ticket %lld", (long long)id) : r;
}
