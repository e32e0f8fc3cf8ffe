/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tickets: for staff by ticket, for a person by his request. */
#include "api/problem.h"
#include "api/ticket_json.h"
#include "api/upload.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/call.h"
#include "desk/desk.h"
#include "desk/intake.h"
#include "desk/ticket.h"

struct adding {
    const struct http_request *q;
    struct http_reply *r;
    struct attachment x;
    struct str token; /* of the request; empty: by ticket */
    int64_t id;
};

static int add(struct db_tx *tx, void *arg, struct err *e)
{
    struct adding *a = arg;
    int r = OTK_OK;
    if (a->token.n)
        r = request_ticket(tx, a->token, &a->x.ticket_id, e);
    if (!r)
        r = attachment_add(tx, &a->x, api_principal(a->q)->actor, api_now(a->q),
                           &a->x.id, e);
    if (!r)
        r = call_hear_file(tx, api_desk(a->q), &a->x, api_now(a->q), e);
    a->x.created_at = api_now(a->q);
    a->r->status = 201;
    struct buf *b = api_json(a->r);
    attachments_put(b, &a->x, 1);
    /* one object, not a list of one */
    b->ptr[0] = ' ';
    b->ptr[b->len - 1] = '\n';
    return r;
}

/* What makes a repeat the same upload. */
static struct str identity_of(const struct adding *a)
{
    return str_from(
        arena_printf(a->q->arena, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n%lld",
                     STR_ARG(a->x.hash), STR_ARG(a->x.name),
                     STR_ARG(a->x.media_type), (long long)a->x.message_id));
}

static void take_upload(struct adding *a)
{
    const char *message = http_query(a->q, "message");
    if (message && (str_to_int(str_from(message), &a->x.message_id) ||
                    a->x.message_id < 1))
        problem_reply(a->r, 422, "message", "is an id");
    else if (upload_finish(a->q, &a->x, a->r))
        api_write_body(a->q, a->r, identity_of(a), add, a);
    desk_pushed(api_desk(a->q)); /* perhaps a job to hear it */
}

void ticket_attachment_post(const struct http_request *q, struct http_reply *r)
{
    struct adding a = {.q = q, .r = r};
    if (api_id(q->params[0], &a.x.ticket_id, r))
        take_upload(&a);
}

void request_attachment_post(const struct http_request *q, struct http_reply *r)
{
    struct adding a = {.q = q, .r = r, .token = q->params[0]};
    take_upload(&a);
}

static int find(struct db_tx *tx, void *arg, struct err *e)
{
    struct adding *a = arg;
    int64_t ticket = 0;
    bool seen = true;
    int r = attachment_get(tx, a->id, a->q->arena, &a->x, e);
    if (!r && a->token.n)
        r = request_ticket(tx, a->token, &ticket, e);
    if (!r && a->token.n)
        r = request_may_see(tx, &a->x, ticket, &seen, e);
    return !r && !seen ? err_set(e, OTK_ENOENT, "no such attachment") : r;
}

void attachment_file_get(const struct http_request *q, struct http_reply *r)
{
    struct adding a = {.q = q, .r = r};
    if (api_id(q->params[0], &a.id, r) && api_read(q, r, find, &a))
        upload_send(q, &a.x, r);
}

void request_attachment_get(const struct http_request *q, struct http_reply *r)
{
    struct adding a = {.q = q, .r = r, .token = q->params[0]};
    if (api_id(q->params[1], &a.id, r) && api_read(q, r, find, &a))
        upload_send(q, &a.x, r);
}

static int drop(struct db_tx *tx, void *arg, struct err *e)
{
    struct adding *a = arg;
    a->r->status = 204;
    return attachment_drop(tx, a->id, api_principal(a->q)->actor, api_now(a->q),
                           e);
}

void attachment_file_delete(const struct http_request *q, struct http_reply *r)
{
    struct adding a = {.q = q, .r = r};
    if (api_id(q->params[0], &a.id, r))
        api_write(q, r, drop, &a);
}
