/* SPDX-License-Identifier: Apache-2.0 */
/* Storing a request and what follows from it; inside a transaction. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/desk.h"
#include "desk/intake_parts.h"
#include "desk/loads.h"
#include "desk/message.h"
#include "desk/routing.h"
#include "desk/ticket.h"
#include "knowledge/unanswered.h"
#include "text/stem.h"
#include "triage/triage.h"

enum { JSON_BYTES = 256 * 1024 };

struct str intake_answer_json(struct arena *a, const struct intake_answer *x)
{
    struct buf b = BUF_INIT(JSON_BYTES);
    buf_printf(&b, "{\"article\":%lld,\"title\":", (long long)x->article);
    json_put_text(&b, x->title);
    buf_puts(&b, ",\"text\":");
    json_put_text(&b, x->text);
    buf_puts(&b, ",\"passage\":");
    json_put_text(&b, x->passage);
    buf_puts(&b, ",\"confidence\":");
    json_put_real(&b, x->confidence);
    buf_putc(&b, '}');
    struct str kept = arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}

const char *intake_stage(enum intake_outcome o)
{
    static const char *const stages[] = {"answered", "ticket", "ignored",
                                         "received"};
    return stages[o];
}

int intake_put_inbox(struct db_tx *tx, struct intake *in, const char *stage,
                     struct err *e)
{
    const struct intake_ask *ask = in->ask;
    const struct intake_result *x = in->result;
    struct arena *a = in->arena;
    const char *answer = NULL;
    if (x->outcome == INTAKE_ANSWERED)
        answer = arena_copy(a, intake_answer_json(a, &x->answer));
    bool done = x->outcome != INTAKE_RECEIVED;
    return db_insert(
        tx, &in->inbox_id, e,
        "INSERT INTO inbox (channel, dedup, person_id, text, stage, token, "
        "ticket_id, answer_json, payload_json, received_at, done_at) VALUES "
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        "ttIsttItsiI", ask->channel,
        ask->dedup.n ? arena_copy(a, ask->dedup) : NULL,
        db_or_null(&in->person_id), ask->text, stage, x->token,
        db_or_null(&x->ticket_id), answer,
        in->payload.n ? in->payload : STR("{}"), in->now,
        done ? &in->now : NULL);
}

static int put_prediction(struct db_tx *tx, const struct intake *in,
                          const char *task, const struct intake_decision *p,
                          struct err *e)
{
    int64_t ticket = in->joins ? 0 : in->result->ticket_id;
    return db_exec(tx, e,
                   "INSERT INTO predictions (inbox_id, ticket_id, task, model, "
                   "label, confidence, mode, created_at) VALUES (?1, ?2, ?3, "
                   "?4, ?5, ?6, ?7, ?8)",
                   "iIttsrti", in->inbox_id, db_or_null(&ticket), task,
                   in->model, p->label, p->confidence, p->mode, in->now);
}

/* A decision that is only a guess is shown to a person, not acted on. */
static bool acts(const struct intake_decision *p)
{
    return p->label.n && strcmp(p->mode, triage_mode_name(TRIAGE_ASK)) != 0;
}

int intake_put_predictions(struct db_tx *tx, const struct intake *in,
                           struct err *e)
{
    const struct intake_result *r = in->result;
    int err =
        r->has_topic ? put_prediction(tx, in, "topic", &r->topic, e) : OTK_OK;
    if (!err && r->has_priority)
        err = put_prediction(tx, in, "priority", &r->priority, e);
    return err;
}

/* What the sender says outweighs what the model thinks. */
static const struct catalog_topic *said_topic(const struct intake *in)
{
    if (in->ask->topic.n)
        return catalog_topic(in->catalog, in->ask->topic);
    return acts(&in->result->topic) ? in->topic : NULL;
}

static const struct catalog_priority *said_priority(const struct intake *in)
{
    if (in->ask->priority.n)
        return catalog_priority(in->catalog, in->ask->priority);
    return acts(&in->result->priority)
               ? in->priority
               : catalog_priority(in->catalog, STR("normal"));
}

/* The ticket with the sender's number, or what it was merged into; 0: none. */
static int known_ticket(struct db_tx *tx, const struct intake *in, int64_t *ret,
                        struct err *e)
{
    int64_t id = 0;
    *ret = 0;
    if (in->ask->external_id.n == 0)
        return OTK_OK;
    int r =
        db_int_of(tx, &id, e, "SELECT id FROM tickets WHERE external_id = ?1",
                  "s", in->ask->external_id);
    if (r)
        return r == OTK_ENOENT ? OTK_OK : r;
    return ticket_follow(tx, id, ret, e);
}

int intake_add_further(struct db_tx *tx, struct intake *in, int64_t ticket,
                       struct err *e)
{
    struct ticket t;
    int64_t said = 0;
    int r = db_int_of(tx, &said, e,
                      "SELECT COUNT(*) FROM messages WHERE ticket_id = ?1 AND "
                      "kind = 'request' AND body = ?2",
                      "is", ticket, in->ask->text);
    if (!r)
        r = ticket_get(tx, ticket, in->arena, &t, e);
    if (r || said)
        return r;
    struct message_new m = {
        .ticket_id = ticket,
        .kind = "request",
        .body = in->ask->text,
        .by = t.person_id ? (struct actor){ACTOR_PERSON, t.person_id}
                          : in->ask->by,
        .catalog = in->catalog,
    };
    struct stemmer *stemmer = in->w ? in->w->stemmer : stemmer_new();
    r = message_add(tx, stemmer, &m, in->now, NULL, e);
    if (!in->w)
        stemmer_free(stemmer);
    return r;
}

static int put_new_ticket(struct db_tx *tx, struct intake *in, struct err *e)
{
    struct intake_result *r = in->result;
    struct route route = {.reason = ""};
    struct route_ask ask = {
        .topic = said_topic(in),
        .priority = said_priority(in),
        .language = r->language,
        .at = in->now,
    };
    struct route_load *loads;
    int err = loads_read(tx, in->catalog, in->arena, &loads, e);
    if (!err)
        err = loads_waiting(tx, ask.topic, &ask.older_wait, e);
    if (err)
        return err;
    if (!in->unrouted)
        route_choose(in->catalog, loads, &ask, in->arena, &route, NULL);
    struct ticket_new t = {
        .subject = in->ask->subject.n ? in->ask->subject
                                      : ticket_subject(in->ask->text),
        .language = str_from(r->language),
        .reason = str_from(route.reason),
        .channel = in->ask->channel,
        .topic_id = ask.topic ? ask.topic->id : 0,
        .priority_id = ask.priority ? ask.priority->id : 0,
        .team_id = route.team ? route.team->id : 0,
        .assignee_id = route.staff ? route.staff->id : 0,
        .person_id = in->person_id,
        .external_id = in->ask->external_id,
        .dues = sla_dues(in->catalog, ask.topic, ask.priority, in->now),
    };
    struct actor by = in->person_id
                          ? (struct actor){ACTOR_PERSON, in->person_id}
                          : in->ask->by;
    err = ticket_insert(tx, &t, by, in->now, &r->ticket_id, e);
    if (!err)
        err = message_add(tx, in->w->stemmer,
                          &(struct message_new){.ticket_id = r->ticket_id,
                                                .kind = "request",
                                                .body = in->ask->text,
                                                .by = by,
                                                .opens = true},
                          in->now, &in->message_id, e);
    return err;
}

int intake_put_ticket(struct db_tx *tx, struct intake *in, struct err *e)
{
    int64_t known;
    int r = known_ticket(tx, in, &known, e);
    in->joins = known != 0;
    if (!r && known)
        in->result->ticket_id = known;
    if (r)
        return r;
    return known ? intake_add_further(tx, in, known, e)
                 : put_new_ticket(tx, in, e);
}

int intake_become_ticket(struct db_tx *tx, struct intake *in, struct err *e)
{
    int r = intake_put_ticket(tx, in, e);
    return r ? r
             : db_exec(tx, e,
                       "UPDATE inbox SET ticket_id = ?2, stage = 'ticket', "
                       "done_at = ?3 WHERE id = ?1",
                       "iii", in->inbox_id, in->result->ticket_id, in->now);
}

/* Where a ticket goes that lies on nobody's desk. */
static int choose_desk(struct db_tx *tx, struct intake *in,
                       const struct ticket *t, const struct route_ask *ask,
                       struct route *ret, struct err *e)
{
    struct route_load *loads;
    *ret = (struct route){.reason = ""};
    if (t->assignee_id)
        return OTK_OK;
    int r = loads_read(tx, in->catalog, in->arena, &loads, e);
    if (!r)
        route_choose(in->catalog, loads, ask, in->arena, ret, NULL);
    return r;
}

int intake_finish_ticket(struct db_tx *tx, struct intake *in, struct err *e)
{
    struct ticket t;
    struct route route;
    const struct catalog_priority *normal =
        catalog_priority(in->catalog, STR("normal"));
    int r = ticket_get(tx, in->result->ticket_id, in->arena, &t, e);
    if (r)
        return r;
    bool others = t.priority_id && (!normal || t.priority_id != normal->id);
    struct route_ask ask = {
        .topic = t.topic_id ? catalog_topic_id(in->catalog, t.topic_id)
                            : said_topic(in),
        .priority = others ? catalog_priority_id(in->catalog, t.priority_id)
                           : said_priority(in),
        .language = in->result->language,
        .at = in->now,
    };
    r = choose_desk(tx, in, &t, &ask, &route, e);
    int64_t topic = ask.topic ? ask.topic->id : 0;
    int64_t priority = ask.priority ? ask.priority->id : 0;
    int64_t team = route.team ? route.team->id : t.team_id;
    int64_t staff = route.staff ? route.staff->id : 0;
    struct ticket_change c = {
        .topic_id = topic != t.topic_id ? &topic : NULL,
        .priority_id = priority != t.priority_id ? &priority : NULL,
        .team_id = team != t.team_id ? &team : NULL,
        .assignee_id = staff ? &staff : NULL,
        .reason = str_from(route.reason),
        .catalog = in->catalog,
    };
    bool over = str_is(t.state, "closed") || str_is(t.state, "merged");
    if (!r && !over)
        r = ticket_change(tx, t.id, &c, (struct actor){0}, in->now, e);
    if (!r)
        r = db_exec(tx, e,
                    "UPDATE tickets SET language = CASE WHEN ?2 = '' THEN "
                    "language ELSE ?2 END WHERE id = ?1",
                    "it", t.id, in->result->language);
    return r ? r
             : db_exec(tx, e,
                       "UPDATE inbox SET stage = 'ticket', done_at = ?2 WHERE "
                       "id = ?1",
                       "ii", in->inbox_id, in->now);
}

int intake_link_predictions(struct db_tx *tx, const struct intake *in,
                            struct err *e)
{
    if (in->joins)
        return OTK_OK;
    return db_exec(tx, e,
                   "UPDATE predictions SET ticket_id = ?2 WHERE inbox_id = ?1",
                   "ii", in->inbox_id, in->result->ticket_id);
}

int intake_put_unanswered(struct db_tx *tx, const struct intake *in,
                          struct err *e)
{
    return unanswered_add(tx, in->ask->text, in->result->language,
                          in->result->topic.label, in->now, e);
}
