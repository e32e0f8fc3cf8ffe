/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/merge.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/link.h"
#include "desk/loads.h"
#include "desk/message.h"
#include "desk/routing.h"
#include "desk/ticket.h"

enum { LINE_BYTES = 200 };

/* One line on a ticket about another. */
static int say(struct db_tx *tx, const struct merging *m, int64_t ticket,
               const char *ru, const char *en, int64_t other, struct err *e)
{
    char line[LINE_BYTES];
    bool english = strcmp(m->language, "en") == 0;
    (void)snprintf(line, sizeof(line), "%s%lld", english ? en : ru,
                   (long long)other);
    struct message_new x = {.ticket_id = ticket,
                            .kind = "system",
                            .body = str_from(line),
                            .by = m->by};
    return message_add(tx, m->stemmer, &x, m->now, NULL, e);
}

/* ---- merge
 * ------------------------------------------------------------------------ */

static int check_merge(struct db_tx *tx, int64_t from, int64_t into,
                       struct err *e)
{
    struct arena *a = arena_new();
    struct ticket f = {0};
    struct ticket t = {0};
    int r = ticket_get(tx, from, a, &f, e);
    if (!r)
        r = ticket_get(tx, into, a, &t, e);
    if (!r && from == into)
        r = err_field(e, OTK_ECONFLICT, "into", "is the same ticket");
    if (!r && f.merged_into)
        r = err_set(e, OTK_ECONFLICT, "it is merged into %lld already",
                    (long long)f.merged_into);
    if (!r && t.merged_into)
        r = err_field(e, OTK_ECONFLICT, "into", "is itself merged, into %lld",
                      (long long)t.merged_into);
    arena_free(a);
    return r;
}

/* Everything that hangs on one ticket hangs on the other. */
static int move_all(struct db_tx *tx, int64_t from, int64_t into, struct err *e)
{
    static const char *const moves[] = {
        "UPDATE messages SET ticket_id = ?2 WHERE ticket_id = ?1",
        "UPDATE attachments SET ticket_id = ?2 WHERE ticket_id = ?1",
        "UPDATE inbox SET ticket_id = ?2 WHERE ticket_id = ?1",
        "UPDATE outbox SET ticket_id = ?2 WHERE ticket_id = ?1",
        "INSERT INTO ticket_tags (ticket_id, tag) SELECT ?2, tag FROM "
        "ticket_tags WHERE ticket_id = ?1 ON CONFLICT DO NOTHING",
        "DELETE FROM ticket_tags WHERE ticket_id = ?1 AND ?1 <> ?2",
        "DELETE FROM ticket_links WHERE (ticket_id = ?1 AND other_id = ?2) OR "
        "(ticket_id = ?2 AND other_id = ?1)",
        /* "related" is kept with the smaller number first (link_add) */
        "INSERT INTO ticket_links (ticket_id, other_id, kind) SELECT CASE WHEN "
        "kind = 'related' AND other_id < ?2 THEN other_id ELSE ?2 END, CASE "
        "WHEN kind = 'related' AND other_id < ?2 THEN ?2 ELSE other_id END, "
        "kind FROM ticket_links WHERE ticket_id = ?1 ON CONFLICT DO NOTHING",
        "INSERT INTO ticket_links (ticket_id, other_id, kind) SELECT CASE WHEN "
        "kind = 'related' AND ticket_id > ?2 THEN ?2 ELSE ticket_id END, CASE "
        "WHEN kind = 'related' AND ticket_id > ?2 THEN ticket_id ELSE ?2 END, "
        "kind FROM ticket_links WHERE other_id = ?1 ON CONFLICT DO NOTHING",
        "DELETE FROM ticket_links WHERE (ticket_id = ?1 OR other_id = ?1) AND "
        "?1 <> ?2",
        /* the person waits since the older of both, and what was promised
         * first holds: a first answer is a next one where there was one */
        "UPDATE tickets SET waiting_since = (SELECT MIN(waiting_since) FROM "
        "tickets WHERE id IN (?1, ?2)), next_due = (SELECT MIN(due) FROM "
        "(SELECT next_due AS due FROM tickets WHERE id IN (?1, ?2) UNION ALL "
        "SELECT first_due FROM tickets WHERE id = ?1 AND first_answer_at IS "
        "NULL) AS promised) WHERE id = ?2 AND first_answer_at IS NOT NULL",
        "UPDATE tickets SET waiting_since = (SELECT MIN(waiting_since) FROM "
        "tickets WHERE id IN (?1, ?2)), first_due = (SELECT MIN(due) FROM "
        "(SELECT first_due AS due FROM tickets WHERE id = ?2 UNION ALL SELECT "
        "COALESCE(next_due, first_due) FROM tickets WHERE id = ?1 AND "
        "(first_answer_at IS NULL OR next_due IS NOT NULL)) AS promised) WHERE "
        "id = ?2 AND first_answer_at IS NULL",
    };
    int r = OTK_OK;
    for (size_t i = 0; !r && i < sizeof(moves) / sizeof(moves[0]); i++)
        r = db_exec(tx, e, moves[i], "ii", from, into);
    return r;
}

int merge(struct db_tx *tx, const struct merging *m, int64_t from, int64_t into,
          struct err *e)
{
    char detail[64];
    int r = check_merge(tx, from, into, e);
    if (!r)
        r = move_all(tx, from, into, e);
    if (!r)
        r = db_exec(tx, e,
                    "UPDATE tickets SET state = 'merged', merged_into = ?2, "
                    "closed_at = ?3, waiting_since = NULL, paused_at = NULL, "
                    "first_due = NULL, next_due = NULL, solution_due = NULL "
                    "WHERE id = ?1",
                    "iii", from, into, m->now);
    if (!r)
        r = say(tx, m, from, "Объединено с № ", "Merged into ", into, e);
    if (!r)
        r = say(tx, m, into, "Сюда перенесён разговор из № ",
                "Took in the conversation of ", from, e);
    (void)snprintf(detail, sizeof(detail), "{\"from\":%lld,\"into\":%lld}",
                   (long long)from, (long long)into);
    if (!r)
        r = ticket_note(tx, from, "ticket.merge", m->by, str_from(detail),
                        m->now, e);
    return r ? r
             : ticket_note(tx, into, "ticket.merge", m->by, str_from(detail),
                           m->now, e);
}

/* ---- split
 * ------------------------------------------------------------------------ */

static int check_message(struct db_tx *tx, int64_t ticket, int64_t message,
                         struct err *e)
{
    int64_t id;
    int r = db_int_of(tx, &id, e,
                      "SELECT id FROM messages WHERE id = ?1 AND ticket_id = "
                      "?2 AND kind <> 'system'",
                      "ii", message, ticket);
    return r == OTK_ENOENT ? err_field(e, OTK_EFORMAT, "messages",
                                       "%lld is no message of this ticket",
                                       (long long)message)
                           : r;
}

static int message_body(struct db_tx *tx, int64_t id, struct arena *a,
                        struct str *ret, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e, "SELECT body FROM messages WHERE id = ?1",
                     "i", id);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = arena_str(a, db_text(rows, 0));
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int insert_part(struct db_tx *tx, const struct merging *m,
                       const struct ticket *old, struct str subject,
                       struct arena *a, int64_t *ret_id, struct err *e)
{
    struct route_load *loads;
    struct route route;
    struct route_ask ask = {
        .topic = catalog_topic_id(m->catalog, old->topic_id),
        .priority = catalog_priority_id(m->catalog, old->priority_id),
        .language = arena_copy(a, old->language),
        .at = m->now,
    };
    int r = loads_read(tx, m->catalog, a, &loads, e);
    if (r)
        return r;
    route_choose(m->catalog, loads, &ask, a, &route, NULL);
    struct ticket_new t = {
        .subject = subject,
        .language = old->language,
        .reason = str_from(route.reason),
        .channel = arena_copy(a, old->channel),
        .topic_id = old->topic_id,
        .priority_id = old->priority_id,
        .team_id = route.team ? route.team->id : old->team_id,
        .assignee_id = route.staff ? route.staff->id : 0,
        .person_id = old->person_id,
        .dues = sla_dues(m->catalog, ask.topic, ask.priority, m->now),
    };
    return ticket_insert(tx, &t, m->by, m->now, ret_id, e);
}

static int move_messages(struct db_tx *tx, int64_t from, int64_t to,
                         const int64_t *messages, size_t n, struct err *e)
{
    int64_t left = 0;
    int r = OTK_OK;
    for (size_t i = 0; !r && i < n; i++) {
        r = db_exec(tx, e, "UPDATE messages SET ticket_id = ?2 WHERE id = ?1",
                    "ii", messages[i], to);
        if (!r)
            r = db_exec(tx, e,
                        "UPDATE attachments SET ticket_id = ?2 WHERE "
                        "message_id = ?1",
                        "ii", messages[i], to);
    }
    if (!r)
        r = db_int_of(tx, &left, e,
                      "SELECT COUNT(*) FROM messages WHERE ticket_id = ?1 AND "
                      "kind = 'request'",
                      "i", from);
    if (!r && left == 0)
        r = err_field(e, OTK_EFORMAT, "messages",
                      "something that the person said must stay");
    return r;
}

int split(struct db_tx *tx, const struct merging *m, int64_t from,
          const int64_t *messages, size_t n, struct str subject,
          int64_t *ret_id, struct err *e)
{
    struct arena *a = arena_new();
    struct ticket old = {0};
    struct str first = {0};
    int r = n == 0 || n > SPLIT_MAX ? err_field(e, OTK_EFORMAT, "messages",
                                                "name 1 to %d", SPLIT_MAX)
                                    : ticket_get(tx, from, a, &old, e);
    for (size_t i = 0; !r && i < n; i++)
        r = check_message(tx, from, messages[i], e);
    if (!r && subject.n == 0)
        r = message_body(tx, messages[0], a, &first, e);
    if (!r)
        r = insert_part(tx, m, &old,
                        subject.n ? subject : ticket_subject(first), a, ret_id,
                        e);
    if (!r)
        r = move_messages(tx, from, *ret_id, messages, n, e);
    if (!r)
        r = link_add(tx, from, *ret_id, STR("split"), m->by, m->now, e);
    if (!r)
        r = say(tx, m, from, "Часть разговора вынесена в № ",
                "A part of it went to ", *ret_id, e);
    if (!r)
        r = say(tx, m, *ret_id, "Выделено из № ", "Split off from ", from, e);
    arena_free(a);
    return r;
}
