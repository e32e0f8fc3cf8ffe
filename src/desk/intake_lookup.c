/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a request back: what became of it. */
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/attachment.h"
#include "desk/desk.h"
#include "desk/intake_parts.h"
#include "desk/ticket.h"

enum { JSON_BYTES = 256 * 1024 };

static void read_answer(struct str json, struct lookup *l)
{
    json_t *o = NULL;
    if (json.n == 0 || json_read(json, JSON_BYTES, &o, NULL))
        return;
    struct intake_answer *x = &l->ret->answer;
    struct arena *a = l->arena;
    x->article = json_integer_value(json_object_get(o, "article"));
    x->title = str_from(arena_copy(
        a, str_from(json_string_value(json_object_get(o, "title")))));
    x->text = str_from(
        arena_copy(a, str_from(json_string_value(json_object_get(o, "text")))));
    x->passage = str_from(arena_copy(
        a, str_from(json_string_value(json_object_get(o, "passage")))));
    x->confidence = json_number_value(json_object_get(o, "confidence"));
    json_decref(o);
}

static int read_predictions(struct db_tx *tx, struct lookup *l, int64_t inbox,
                            struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT task, label, confidence, mode FROM predictions "
                     "WHERE inbox_id = ?1",
                     "i", inbox);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        bool topic = str_is(db_text(rows, 0), "topic");
        struct intake_decision *p = topic ? &l->ret->topic : &l->ret->priority;
        *p = (struct intake_decision){
            .label = arena_str(l->arena, db_text(rows, 1)),
            .confidence = db_real(rows, 2),
            .mode = arena_copy(l->arena, db_text(rows, 3)),
        };
        if (topic)
            l->ret->has_topic = true;
        else
            l->ret->has_priority = true;
        const struct catalog_topic *t = catalog_topic(l->catalog, p->label);
        const struct catalog_priority *u =
            catalog_priority(l->catalog, p->label);
        if (topic && t)
            p->name = arena_str(l->arena, t->name);
        else if (!topic && u)
            p->name = arena_str(l->arena, u->name);
    }
    db_rows_free(rows);
    return r;
}

static enum intake_outcome outcome_of(struct str stage)
{
    enum intake_outcome o = INTAKE_ANSWERED;
    while (o < INTAKE_RECEIVED && !str_is(stage, intake_stage(o)))
        o++;
    return o; /* what is under way counts as received */
}

static int read_thumb(struct db_tx *tx, struct lookup *l, struct err *e)
{
    int64_t value = 0;
    int r = db_int_of(tx, &value, e,
                      "SELECT value FROM feedback WHERE inbox_id = ?1 AND kind "
                      "= 'thumb'",
                      "i", l->inbox_id);
    l->ret->has_thumb = !r;
    l->ret->helpful = !r && value != 0;
    return r == OTK_ENOENT ? OTK_OK : r;
}

static int look_up(struct db_tx *tx, void *arg, struct err *e)
{
    struct lookup *l = arg;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT id, token, stage, ticket_id, answer_json, text, "
                     "person_id, channel, payload_json FROM inbox WHERE token "
                     "= ?1 OR id = ?2",
                     "si", l->token, l->inbox_id);
    if (r)
        return r;
    r = db_next(rows, e);
    int64_t id = 0;
    if (r > 0) {
        struct str stage = db_text(rows, 2);
        id = db_int(rows, 0);
        (void)snprintf(l->ret->token, TOKEN_BYTES, STR_FMT,
                       STR_ARG(db_text(rows, 1)));
        l->stage = arena_str(l->arena, stage);
        l->ret->outcome = outcome_of(stage);
        l->ret->ticket_id = db_int(rows, 3);
        read_answer(db_text(rows, 4), l);
        l->text = arena_str(l->arena, db_text(rows, 5));
        l->person_id = db_int(rows, 6);
        l->channel = arena_str(l->arena, db_text(rows, 7));
        l->payload = arena_str(l->arena, db_text(rows, 8));
        l->inbox_id = id;
    }
    db_rows_free(rows);
    if (r == 0)
        return err_set(e, OTK_ENOENT, "no such request");
    if (r < 0)
        return r;
    l->ret->text = l->text;
    r = read_predictions(tx, l, id, e);
    return r ? r : read_thumb(tx, l, e);
}

int intake_read_back(struct desk *d, struct lookup *l, struct err *e)
{
    *l->ret = (struct intake_result){.language = ""};
    l->catalog = desk_catalog(d);
    int r = db_read(desk_db(d), 0, look_up, l, e);
    catalog_unref(l->catalog);
    return r;
}

/* ---- the ticket of a request
 * ------------------------------------------------------------ */

int request_ticket(struct db_tx *tx, struct str token, int64_t *ret_ticket,
                   struct err *e)
{
    int64_t id = 0;
    int r = db_int_of(tx, &id, e,
                      "SELECT COALESCE(ticket_id, 0) FROM inbox WHERE token = "
                      "?1",
                      "s", token);
    if (r == OTK_ENOENT)
        return err_set(e, r, "no such request");
    if (!r && id == 0)
        return err_set(e, OTK_ECONFLICT, "the request is no ticket");
    return r ? r : ticket_follow(tx, id, ret_ticket, e);
}

int request_may_see(struct db_tx *tx, const struct attachment *x,
                    int64_t ticket, bool *ret, struct err *e)
{
    int64_t n = 0;
    int r = db_int_of(
        tx, &n, e,
        "SELECT COUNT(*) FROM attachments a JOIN tickets t ON t.id = "
        "a.ticket_id LEFT JOIN messages m ON m.id = a.message_id WHERE a.id = "
        "?1 AND a.ticket_id = ?2 AND (m.kind IN ('request', 'reply') OR (m.id "
        "IS NULL AND (a.uploaded_by IS NULL OR a.uploaded_by = t.person_id)))",
        "ii", x->id, ticket);
    *ret = n > 0;
    return r;
}

int request_rate(struct db_tx *tx, struct str token, int64_t score,
                 struct str comment, int64_t now_ms, struct err *e)
{
    int64_t ticket = 0;
    int64_t solved = 0;
    int r = request_ticket(tx, token, &ticket, e);
    if (!r)
        r = db_int_of(tx, &solved, e,
                      "SELECT COUNT(*) FROM tickets WHERE id = ?1 AND state IN "
                      "('solved', 'closed')",
                      "i", ticket);
    if (!r && !solved)
        r = err_set(e, OTK_ECONFLICT, "the ticket is not solved yet");
    if (!r)
        r = db_exec(tx, e,
                    "DELETE FROM feedback WHERE ticket_id = ?1 AND kind = "
                    "'csat'",
                    "i", ticket);
    return r ? r
             : db_exec(tx, e,
                       "INSERT INTO feedback (inbox_id, ticket_id, kind, "
                       "value, comment, created_at) VALUES ((SELECT id FROM "
                       "inbox WHERE token = ?1), ?2, 'csat', ?3, ?4, ?5)",
                       "siisi", token, ticket, score, comment, now_ms);
}

int intake_find(struct desk *d, struct str token, struct arena *a,
                struct intake_result *ret, struct err *e)
{
    struct lookup l = {.arena = a, .token = token, .ret = ret};
    return intake_read_back(d, &l, e);
}
