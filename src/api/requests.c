/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/requests: a person writes what is wrong. */
#include <string.h>

#include "api/problem.h"
#include "api/ticket_json.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/attachment.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/intake.h"
#include "desk/message.h"
#include "desk/ticket.h"

enum { KEY_MAX = 200, COMMENT_MAX = 2000 };

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

/* What became of a request; a ticket of earlier is read afresh. */
static void reply_result(const struct http_request *q,
                         const struct intake_result *x, struct http_reply *r)
{
    static const char *const outcomes[] = {"answered", "ticket", "ignored",
                                           "received"};
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
    if (x->ticket.id)
        ticket_put_brief(q, &x->ticket, r);
    else if (x->ticket_id && ticket_read_brief(q, x->ticket_id, r))
        return;
    else if (!x->ticket_id)
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

/* What only those who work with tickets may say. */
static bool read_labels(const struct http_request *q, json_t *body,
                        struct intake_ask *ret, struct http_reply *r)
{
    const struct api_text texts[] = {
        {{"subject", false, 0, SUBJECT_MAX}, &ret->subject, NULL},
        {{"topic", false, 0, KEY_MAX}, &ret->topic, NULL},
        {{"priority", false, 0, KEY_MAX}, &ret->priority, NULL},
    };
    if (!api_texts(body, texts, 3, r))
        return false;
    bool said = ret->subject.n || ret->topic.n || ret->priority.n;
    if (said && !(api_principal(q)->scopes & SCOPE_TICKETS)) {
        problem_reply(r, 403, NULL,
                      "subject, topic and priority are for staff and for keys "
                      "with the scope tickets");
        return false;
    }
    return true;
}

static bool read_ask(const struct http_request *q, json_t *body,
                     struct intake_ask *ret, struct http_reply *r)
{
    struct err e = {0};
    const struct {
        struct json_want want;
        struct str *at;
    } texts[] = {{{"text", true, 1, 1 << 24}, &ret->text},
                 {{"external_id", false, 0, DEDUP_MAX}, &ret->external_id}};
    struct json_want ticket = {"ticket", false, 0, 0};
    int code = OTK_OK;
    for (size_t i = 0; i < 2 && !code; i++) {
        code = json_text(body, &texts[i].want, texts[i].at, &e);
        code = code == OTK_ENOENT && !texts[i].want.required ? OTK_OK : code;
    }
    if (!code)
        code = json_flag(body, &ticket, &ret->want_ticket, &e);
    if ((code && code != OTK_ENOENT) || !read_person(body, &ret->person, &e)) {
        problem_reply(r, 422, e.field, e.msg);
        return false;
    }
    const char *key = http_header(q, "Idempotency-Key");
    ret->dedup_is_key = key != NULL;
    ret->dedup = key ? str_from(key) : ret->external_id;
    /* a stranger's key, or number of his own, is not another stranger's; those
     * that the desk knows share the numbers of the system they come from */
    bool stranger = api_principal(q)->actor.kind == ACTOR_OTKLIK;
    if (ret->dedup.n && (key || stranger))
        ret->owner = api_owner(q);
    if (stranger) /* a ticket's number elsewhere is unique on the desk */
        ret->external_id = (struct str){0};
    return read_labels(q, body, ret, r);
}

/* RFC 7240: the sender does not want to wait. */
static bool later(const struct http_request *q)
{
    struct str rest = str_from(http_header(q, "Prefer"));
    struct str one;
    while (str_next(&rest, ',', &one)) {
        one = str_sub(one, 0, str_find(one, ';'));
        if (str_is(str_trim(one), "respond-async"))
            return true;
    }
    return false;
}

static void put_location(const struct http_request *q, struct http_reply *r,
                         const char *kind, const char *id)
{
    http_reply_header(r, "Location",
                      arena_printf(q->arena, "/api/v1/%s/%s", kind, id));
}

static int take(const struct http_request *q, struct intake_ask *ask,
                struct intake_result *x, struct http_reply *r)
{
    struct err e = {0};
    int code = later(q) ? intake_receive(api_desk(q), ask, q->arena, x, &e)
                        : intake_submit(api_desk(q), api_worker(q), ask,
                                        q->arena, x, &e);
    if (code == OTK_ELIMIT || code == OTK_EFORMAT)
        problem_reply(r, 422, e.field, e.msg);
    else if (code)
        problem_of(r, code, &e);
    return code;
}

static const char *const ask_fields[] = {"text",     "person",  "external_id",
                                         "ticket",   "subject", "topic",
                                         "priority", NULL};

void request_post(const struct http_request *q, struct http_reply *r)
{
    const struct principal *p = api_principal(q);
    if (p->actor.kind == ACTOR_OTKLIK &&
        !desk_settings(api_desk(q)).access.anonymous) {
        problem_reply(r, 401, NULL, "this desk wants a key or a sign-in");
        return;
    }
    json_t *body = api_body(q, ask_fields, r);
    if (!body)
        return;
    struct intake_ask ask = {
        .channel = p->actor.kind == ACTOR_KEY ? "api" : "form",
        .by = p->actor,
    };
    struct intake_result x;
    if (read_ask(q, body, &ask, r) && !take(q, &ask, &x, r)) {
        r->status = x.is_repeat                    ? 200
                    : x.outcome == INTAKE_RECEIVED ? 202
                                                   : 201;
        put_location(q, r, "requests", x.token);
        reply_result(q, &x, r);
    }
    json_decref(body);
}

/* A ticket that staff opens for somebody: the same way in, never answered. */
void ticket_post(const struct http_request *q, struct http_reply *r)
{
    json_t *body = api_body(q, ask_fields, r);
    if (!body)
        return;
    struct intake_ask ask = {.channel = "api", .by = api_principal(q)->actor};
    struct intake_result x;
    bool ok = read_ask(q, body, &ask, r);
    ask.want_ticket = true;
    if (ok && !take(q, &ask, &x, r)) {
        if (x.ticket_id) {
            put_location(
                q, r, "tickets",
                arena_printf(q->arena, "%lld", (long long)x.ticket_id));
            ticket_reply(q, x.ticket_id, r);
            r->status = r->status == 200 && !x.is_repeat ? 201 : r->status;
        } else {
            r->status = 202;
            put_location(q, r, "requests", x.token);
            reply_result(q, &x, r);
        }
    }
    json_decref(body);
}

/* ---- what was said since
 * ------------------------------------------------------------ */

struct talk {
    const struct http_request *q;
    struct http_reply *r;
    struct str token, body;
    int64_t ticket;
    struct message *messages;
    size_t n_messages;
    struct attachment *files;
    size_t n_files;
    struct catalog *catalog;
};

static int read_talk(struct db_tx *tx, void *arg, struct err *e)
{
    struct talk *t = arg;
    size_t n = 0;
    int r = request_ticket(tx, t->token, &t->ticket, e);
    if (r == OTK_ECONFLICT)
        return OTK_OK; /* an answer: nothing was said since */
    if (!r)
        r = message_list(tx, t->ticket, true, t->q->arena, &t->messages,
                         &t->n_messages, e);
    if (!r)
        r = attachment_list(tx, t->ticket, t->q->arena, &t->files, &n, e);
    for (size_t i = 0; !r && i < n; i++) {
        bool seen;
        r = request_may_see(tx, &t->files[i], t->ticket, &seen, e);
        if (!r && seen)
            t->files[t->n_files++] = t->files[i];
    }
    return r;
}

static void put_talk(struct buf *b, const struct talk *t)
{
    put_key(b, "messages");
    messages_put(b, t->messages, t->n_messages);
    put_key(b, "attachments");
    attachments_put(b, t->files, t->n_files);
}

void request_get(const struct http_request *q, struct http_reply *r)
{
    struct intake_result x;
    struct talk t = {.q = q, .token = q->params[0]};
    struct err e = {0};
    int code = intake_find(api_desk(q), t.token, q->arena, &x, &e);
    if (code)
        problem_of(r, code, &e);
    if (code || !api_read(q, r, read_talk, &t))
        return;
    reply_result(q, &x, r);
    if (r->status != 200)
        return;
    r->body.len -= 2; /* open the object again: more fields follow */
    put_text(&r->body, "text", x.text);
    put_key(&r->body, "helpful");
    buf_puts(&r->body, !x.has_thumb ? "null" : x.helpful ? "true" : "false");
    put_talk(&r->body, &t);
    buf_puts(&r->body, "}\n");
}

static int add_message(struct db_tx *tx, void *arg, struct err *e)
{
    struct talk *t = arg;
    struct ticket ticket;
    int64_t id = 0;
    int r = request_ticket(tx, t->token, &t->ticket, e);
    if (!r)
        r = ticket_get(tx, t->ticket, t->q->arena, &ticket, e);
    if (r)
        return r;
    struct message_new m = {
        .ticket_id = t->ticket,
        .kind = "request",
        .body = t->body,
        .catalog = t->catalog,
    };
    if (ticket.person_id)
        m.by = (struct actor){ACTOR_PERSON, ticket.person_id};
    r = message_add(tx, api_worker(t->q)->stemmer, &m, api_now(t->q), &id, e);
    t->r->status = 201;
    buf_printf(api_json(t->r), "{\"id\":\"%lld\"}\n", (long long)id);
    return r;
}

void request_message_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"body", NULL};
    struct talk t = {.q = q, .r = r, .token = q->params[0]};
    const struct api_text text = {
        {"body", true, 1, MESSAGE_MAX}, &t.body, NULL};
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    if (api_texts(body, &text, 1, r)) {
        t.catalog = desk_catalog(api_desk(q));
        if (str_trim(t.body).n == 0)
            problem_reply(r, 422, "body", "is empty");
        else
            api_write(q, r, add_message, &t);
        catalog_unref(t.catalog);
    }
    json_decref(body);
}

/* ---- feedback
 * ------------------------------------------------------------------------ */

struct rating {
    const struct http_request *q;
    int64_t score;
    struct str comment;
};

static int rate(struct db_tx *tx, void *arg, struct err *e)
{
    const struct rating *x = arg;
    return request_rate(tx, x->q->params[0], x->score, x->comment,
                        api_now(x->q), e);
}

/* Either whether an answer helped, or how content he is with the ticket. */
void request_feedback(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"helpful", "score", "comment", NULL};
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    struct err e = {0};
    struct intake_result x;
    struct rating rating = {.q = q};
    bool helpful = false;
    struct json_want want_score = {"score", false, 1, 5};
    struct json_want want_helpful = {"helpful", true, 0, 0};
    const struct api_text text = {
        {"comment", false, 0, COMMENT_MAX}, &rating.comment, NULL};
    bool ok = api_texts(body, &text, 1, r);
    int code = json_whole(body, &want_score, &rating.score, &e);
    bool rates = !code;
    if (code == OTK_ENOENT)
        code = json_flag(body, &want_helpful, &helpful, &e);
    if (!code && ok && rates)
        code = db_write(desk_db(api_desk(q)), 0, rate, &rating, &e);
    if (!code && ok)
        code = rates
                   ? intake_find(api_desk(q), q->params[0], q->arena, &x, &e)
                   : intake_feedback(api_desk(q), api_worker(q), q->params[0],
                                     helpful, rating.comment, q->arena, &x, &e);
    if (ok && code)
        problem_of(r, code, &e);
    else if (ok)
        reply_result(q, &x, r);
    json_decref(body);
}
