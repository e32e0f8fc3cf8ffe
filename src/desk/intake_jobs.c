/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/intake_jobs.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "db/db.h"
#include "db/jobs.h"
#include "desk/call_trace.h"
#include "desk/desk.h"
#include "desk/intake_parts.h"

enum { PAYLOAD_BYTES = 4096 };

struct str intake_payload(const struct intake *in)
{
    struct buf b = BUF_INIT(PAYLOAD_BYTES);
    buf_printf(&b, "{\"ticket\":%s,\"external_id\":",
               in->ask->want_ticket ? "true" : "false");
    json_put_text(&b, in->ask->external_id);
    buf_puts(&b, ",\"subject\":");
    json_put_text(&b, in->ask->subject);
    buf_puts(&b, ",\"topic\":");
    json_put_text(&b, in->ask->topic);
    buf_puts(&b, ",\"priority\":");
    json_put_text(&b, in->ask->priority);
    buf_putc(&b, '}');
    struct str kept = arena_str(in->arena, buf_str(&b));
    buf_free(&b);
    return kept;
}

void intake_payload_read(struct str payload, struct arena *a,
                         struct intake_ask *ret)
{
    json_t *o = NULL;
    if (json_read(payload, PAYLOAD_BYTES, &o, NULL))
        return;
    const struct {
        const char *name;
        struct str *at;
    } texts[] = {{"external_id", &ret->external_id},
                 {"subject", &ret->subject},
                 {"topic", &ret->topic},
                 {"priority", &ret->priority}};
    ret->want_ticket = json_is_true(json_object_get(o, "ticket"));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *t = json_string_value(json_object_get(o, texts[i].name));
        *texts[i].at = str_from(arena_copy(a, str_from(t)));
    }
    json_decref(o);
}

static int push(struct db_tx *tx, const char *kind, int64_t inbox, int64_t now,
                struct arena *a, struct err *e)
{
    struct job_new j = {
        .kind = kind,
        .payload =
            str_from(arena_printf(a, "{\"inbox\":%lld}", (long long)inbox)),
        .dedup = arena_printf(a, "%s:%lld", kind, (long long)inbox),
    };
    return job_push(tx, &j, now, NULL, e);
}

int intake_push(struct db_tx *tx, const struct intake *in, struct err *e)
{
    return push(tx, INTAKE_UNDERSTAND, in->inbox_id, in->now, in->arena, e);
}

/* ---- a step
 * ------------------------------------------------------------------------- */

struct step {
    const struct job *job;
    const char *owner;
    struct lookup l;
    struct intake_ask ask;
    struct intake_result result;
    struct intake in;
    bool is_call, is_due;    /* is_due: nobody did this step before */
    struct call_trace trace; /* of a call */
};

/* What the step before found. */
static void read_understood(struct step *s)
{
    json_t *o = NULL;
    if (json_read(s->l.payload, PAYLOAD_BYTES, &o, NULL))
        return;
    s->is_call = call_trace_read(o, &s->trace);
    s->in.nothing_found = json_is_true(json_object_get(o, "nothing_found"));
    const char *outcome = json_string_value(json_object_get(o, "outcome"));
    for (enum intake_outcome x = INTAKE_ANSWERED;
         outcome && x < INTAKE_RECEIVED; x++) {
        if (strcmp(outcome, intake_stage(x)) == 0)
            s->result.outcome = x;
    }
    json_decref(o);
}

/* Everything about the request that the job names. */
static int open_step(struct step *s, struct desk *d, struct desk_worker *w,
                     const struct job *j, const char *owner, struct arena *a,
                     struct err *e)
{
    json_t *o = NULL;
    int r = json_read(j->payload, PAYLOAD_BYTES, &o, e);
    if (r)
        return r;
    *s = (struct step){
        .job = j,
        .owner = owner,
        .l = {.arena = a,
              .inbox_id = json_integer_value(json_object_get(o, "inbox"))},
    };
    json_decref(o);
    s->l.ret = &s->result;
    r = intake_read_back(d, &s->l, e);
    if (r)
        return r;
    s->ask.channel = arena_copy(a, s->l.channel);
    s->ask.text = s->l.text;
    s->in = (struct intake){
        .d = d,
        .w = w,
        .ask = &s->ask,
        .arena = a,
        .result = &s->result,
        .now = clock_wall(desk_clock(d)),
        .model = "",
        .person_id = s->l.person_id,
        .inbox_id = s->l.inbox_id,
    };
    intake_payload_read(s->l.payload, a, &s->ask);
    read_understood(s);
    s->in.catalog = desk_catalog(d);
    return OTK_OK;
}

/* Is the request still at `stage`? Else somebody did the step already. */
static int is_at(struct db_tx *tx, const struct step *s, const char *stage,
                 bool *ret, struct err *e)
{
    int64_t n = 0;
    int r = db_int_of(tx, &n, e,
                      "SELECT COUNT(*) FROM inbox WHERE id = ?1 AND stage = ?2",
                      "it", s->in.inbox_id, stage);
    *ret = n > 0;
    return r;
}

/* ---- understand
 * ---------------------------------------------------------------------- */

static struct str understood_payload(const struct step *s)
{
    SCOPED(scope_json) json_t *o = NULL;
    struct buf b = BUF_INIT(PAYLOAD_BYTES);
    if (json_read(s->l.payload, PAYLOAD_BYTES, &o, NULL))
        o = json_object();
    (void)json_object_set_new(o, "outcome",
                              json_string(intake_stage(s->result.outcome)));
    (void)json_object_set_new(o, "nothing_found",
                              json_boolean(s->in.nothing_found));
    if (s->is_call)
        (void)json_object_set_new(o, "trace", call_trace_json(&s->trace));
    json_put(&b, o, false);
    struct str kept = arena_str(s->in.arena, buf_str(&b));
    buf_free(&b);
    return kept;
}

static int store_understood(struct db_tx *tx, void *arg, struct err *e)
{
    struct step *s = arg;
    bool due;
    struct arena *a = s->in.arena;
    const char *answer = NULL;
    if (s->result.outcome == INTAKE_ANSWERED)
        answer = arena_copy(a, intake_answer_json(a, &s->result.answer));
    int r = is_at(tx, s, "received", &due, e);
    if (!r && due)
        r = intake_put_predictions(tx, &s->in, e);
    if (!r && due)
        r = db_exec(tx, e,
                    "UPDATE inbox SET stage = 'understood', answer_json = ?2, "
                    "payload_json = ?3 WHERE id = ?1",
                    "its", s->in.inbox_id, answer, understood_payload(s));
    if (!r && due)
        r = push(tx, INTAKE_DELIVER, s->in.inbox_id, s->in.now, a, e);
    return r ? r : job_done(tx, s->job->id, s->owner, e);
}

int intake_step_understand(struct desk *d, struct desk_worker *w,
                           const struct job *j, const char *owner,
                           struct err *e)
{
    struct step s;
    struct arena *a = arena_new();
    int r = open_step(&s, d, w, j, owner, a, e);
    if (!r) {
        s.trace.at[CALL_ASKED] = s.in.now;
        intake_understand(&s.in);
        s.trace.at[CALL_UNDERSTOOD] = clock_wall(desk_clock(d));
        r = db_write(desk_db(d), 0, store_understood, &s, e);
        catalog_unref(s.in.catalog);
    }
    arena_free(a);
    return r;
}

/* ---- deliver
 * -------------------------------------------------------------------------
 */

static int store_delivered(struct db_tx *tx, void *arg, struct err *e)
{
    struct step *s = arg;
    struct intake *in = &s->in;
    bool due;
    bool ticket = s->result.outcome == INTAKE_TICKET;
    int r = is_at(tx, s, "understood", &due, e);
    s->is_due = due;
    if (!r && due && ticket)
        r = in->result->ticket_id ? intake_finish_ticket(tx, in, e)
                                  : intake_become_ticket(tx, in, e);
    if (!r && due && ticket)
        r = intake_link_predictions(tx, in, e);
    if (!r && due && ticket && in->nothing_found)
        r = intake_put_unanswered(tx, in, e);
    if (!r && due && !ticket)
        r = db_exec(
            tx, e, "UPDATE inbox SET stage = ?2, done_at = ?3 WHERE id = ?1",
            "iti", in->inbox_id, intake_stage(s->result.outcome), in->now);
    return r ? r : job_done(tx, s->job->id, s->owner, e);
}

int intake_step_deliver(struct desk *d, struct desk_worker *w,
                        const struct job *j, const char *owner, struct err *e)
{
    struct step s;
    struct arena *a = arena_new();
    int r = open_step(&s, d, w, j, owner, a, e);
    if (!r) {
        s.result.language = intake_language(d, s.ask.text);
        s.in.topic = catalog_topic(s.in.catalog, s.result.topic.label);
        s.in.priority = catalog_priority(s.in.catalog, s.result.priority.label);
        s.trace.at[CALL_ROUTING] = s.in.now;
        r = db_write(desk_db(d), 0, store_delivered, &s, e);
        s.trace.at[CALL_FINISHED] = clock_wall(desk_clock(d));
        catalog_unref(s.in.catalog);
    }
    if (!r && s.is_call && s.is_due)
        call_trace_log(&s.trace, s.result.ticket_id);
    arena_free(a);
    return r;
}
