/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/requests: a person writes what is wrong. */
#include "api/problem.h"
#include "api/ticket_json.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/intake.h"

static void put_decision(struct buf *b, const char *name, bool there,
                         const struct intake_decision *d)
{
    put_key(b, name);
    if (!there) {
        buf_puts(b, "null");
        return;
    }
    buf_putc(b, '{');
    put_key(b, "label");
    json_put_text(b, d->label.n ? d->label : STR("none"));
    put_key(b, "name");
    json_put_text(b, d->name);
    put_key(b, "confidence");
    json_put_real(b, d->confidence);
    buf_printf(b, ",\"mode\":\"%s\"}", d->mode);
}

static void put_answer(struct buf *b, const struct intake_result *x)
{
    put_key(b, "answer");
    if (x->outcome != INTAKE_ANSWERED) {
        buf_puts(b, "null");
        return;
    }
    buf_putc(b, '{');
    put_key(b, "article");
    put_id(b, x->answer.article);
    put_key(b, "title");
    json_put_text(b, x->answer.title);
    put_key(b, "text");
    json_put_text(b, x->answer.text);
    put_key(b, "passage");
    json_put_text(b, x->answer.passage);
    put_key(b, "confidence");
    json_put_real(b, x->answer.confidence);
    buf_putc(b, '}');
}

/* What became of a request; the ticket is read afresh. */
static void reply_result(const struct http_request *q,
                         const struct intake_result *x, struct http_reply *r)
{
    static const char *const outcomes[] = {"answered", "ticket", "ignored"};
    struct buf *b = &r->body;
    r->type = "application/json";
    buf_puts(b, "{");
    put_key(b, "id");
    json_put_text(b, str_from(x->token));
    buf_printf(b, ",\"outcome\":\"%s\"", outcomes[x->outcome]);
    put_decision(b, "topic", x->has_topic, &x->topic);
    put_decision(b, "priority", x->has_priority, &x->priority);
    put_answer(b, x);
    put_key(b, "ticket");
    if (x->ticket_id && ticket_put_brief(q, x->ticket_id, r))
        return;
    if (!x->ticket_id)
        buf_puts(b, "null");
    buf_puts(b, "}\n");
}

/* Fields of `person`; false: replied already. */
static bool read_person(json_t *body, struct person_ask *ret, struct err *e)
{
    static const char *const fields[] = {"name", "email", "phone", NULL};
    json_t *p = json_object_get(body, "person");
    if (!p || json_is_null(p))
        return true;
    if (!json_is_object(p))
        return !err_field(e, OTK_EFORMAT, "person", "must be an object");
    const struct {
        struct json_want want;
        struct str *at;
    } texts[] = {{{"name", false, 0, PERSON_NAME_MAX}, &ret->name},
                 {{"email", false, 0, IDENTITY_MAX}, &ret->email},
                 {{"phone", false, 0, IDENTITY_MAX}, &ret->phone}};
    if (json_known(p, fields, e))
        return false;
    for (size_t i = 0; i < 3; i++) {
        int r = json_text(p, &texts[i].want, texts[i].at, e);
        if (r && r != OTK_ENOENT)
            return false;
    }
    return true;
}

static bool read_ask(const struct http_request *q, json_t *body,
                     struct intake_ask *ret, struct err *e)
{
    const struct {
        struct json_want want;
        struct str *at;
    } texts[] = {{{"text", true, 1, 1 << 24}, &ret->text},
                 {{"external_id", false, 0, DEDUP_MAX}, &ret->external_id}};
    struct json_want ticket = {"ticket", false, 0, 0};
    for (size_t i = 0; i < 2; i++) {
        int r = json_text(body, &texts[i].want, texts[i].at, e);
        if (r && !(r == OTK_ENOENT && !texts[i].want.required))
            return false;
    }
    int r = json_flag(body, &ticket, &ret->want_ticket, e);
    if (r && r != OTK_ENOENT)
        return false;
    const char *key = http_header(q, "Idempotency-Key");
    ret->dedup = key ? str_from(key) : ret->external_id;
    return read_person(body, &ret->person, e);
}

void request_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {
        "text", "person", "external_id", "ticket", "page_language", NULL};
    const struct principal *p = api_principal(q);
    if (p->actor.kind == ACTOR_OTKLIK &&
        !desk_settings(api_desk(q))->access.anonymous) {
        problem_reply(r, 401, NULL, "this desk wants a key or a sign-in");
        return;
    }
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    struct err e = {0};
    struct intake_ask ask = {
        .channel = p->actor.kind == ACTOR_KEY ? "api" : "form",
        .by = p->actor,
    };
    struct intake_result x;
    int code = OTK_EFORMAT;
    if (read_ask(q, body, &ask, &e))
        code =
            intake_submit(api_desk(q), api_worker(q), &ask, q->arena, &x, &e);
    if (code == OTK_ELIMIT || code == OTK_EFORMAT)
        problem_reply(r, 422, e.field, e.msg);
    else if (code)
        problem_of(r, code, &e);
    if (!code) {
        r->status = x.is_repeat ? 200 : 201;
        reply_result(q, &x, r);
    }
    json_decref(body);
}

void request_get(const struct http_request *q, struct http_reply *r)
{
    struct intake_result x;
    struct err e = {0};
    int code = intake_find(api_desk(q), q->params[0], q->arena, &x, &e);
    if (code)
        problem_of(r, code, &e);
    else
        reply_result(q, &x, r);
}

void request_feedback(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"helpful", "comment", NULL};
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    struct err e = {0};
    struct intake_result x;
    bool helpful = false;
    struct str comment = {0};
    struct json_want want_helpful = {"helpful", true, 0, 0};
    struct json_want want_comment = {"comment", false, 0, 2000};
    int code = json_flag(body, &want_helpful, &helpful, &e);
    if (!code && json_text(body, &want_comment, &comment, &e) == OTK_EFORMAT)
        code = OTK_EFORMAT;
    if (!code)
        code = intake_feedback(api_desk(q), api_worker(q), q->params[0],
                               helpful, comment, q->arena, &x, &e);
    if (code)
        problem_of(r, code, &e);
    else
        reply_result(q, &x, r);
    json_decref(body);
}
