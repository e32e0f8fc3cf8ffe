/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/canned: canned replies, as they are or filled in for a ticket. */
#include "desk/canned.h"

#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/desk.h"
#include "desk/ticket.h"

struct listing {
    const struct http_request *q;
    struct str language;
    int64_t ticket_id; /* 0: bodies as they are written */
    struct ticket ticket;
    struct canned *items;
    size_t n;
};

static int read_list(struct db_tx *tx, void *arg, struct err *e)
{
    struct listing *l = arg;
    int r = l->ticket_id
                ? ticket_get(tx, l->ticket_id, l->q->arena, &l->ticket, e)
                : OTK_OK;
    return r ? r
             : canned_list(tx, l->language, l->q->arena, &l->items, &l->n, e);
}

static struct str body_of(const struct listing *l, const struct canned *c)
{
    if (!l->ticket_id)
        return c->body;
    const struct canned_values v = {
        .person = l->ticket.person_name,
        .staff = api_principal(l->q)->session.name,
        .number = str_from(
            arena_printf(l->q->arena, "%lld", (long long)l->ticket_id)),
        .subject = l->ticket.subject,
        .desk = str_from(desk_settings(api_desk(l->q)).desk.name),
    };
    return canned_render(l->q->arena, c->body, &v);
}

static void put_canned(struct buf *b, const struct canned *c, struct str body)
{
    buf_putc(b, '{');
    put_key(b, "id");
    put_id(b, c->id);
    put_text(b, "key", c->key);
    put_text(b, "language", c->language);
    put_text(b, "title", c->title);
    put_text(b, "body", body);
    buf_putc(b, '}');
}

void canned_list_get(const struct http_request *q, struct http_reply *r)
{
    struct listing l = {.q = q};
    const char *ticket = http_query(q, "ticket");
    if (ticket && !api_id(str_from(ticket), &l.ticket_id, r))
        return;
    if (!api_one_of(q, "in", "ru en", &l.language, r) ||
        !api_read(q, r, read_list, &l))
        return;
    struct buf *b = api_json(r);
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < l.n; i++) {
        buf_puts(b, i ? "," : "");
        put_canned(b, &l.items[i], body_of(&l, &l.items[i]));
    }
    put_list_end(b, 0);
}

struct editing {
    const struct http_request *q;
    struct http_reply *r;
    struct canned c;
};

static int write_canned(struct db_tx *tx, void *arg, struct err *e)
{
    struct editing *x = arg;
    int r = canned_put(tx, &x->c, api_now(x->q), &x->c.id, e);
    put_canned(api_json(x->r), &x->c, x->c.body);
    buf_putc(&x->r->body, '\n');
    return r;
}

void canned_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"key", "language", "title", "body",
                                         NULL};
    struct editing x = {.q = q, .r = r};
    struct err e = {0};
    const struct api_text texts[] = {
        {{"key", true, 1, CANNED_KEY_MAX}, &x.c.key, NULL},
        {{"language", true, 2, 2}, &x.c.language, NULL},
        {{"title", true, 1, CANNED_TITLE_MAX}, &x.c.title, NULL},
        {{"body", true, 1, CANNED_BODY_MAX}, &x.c.body, NULL},
    };
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    if (api_texts(body, texts, 4, r)) {
        int code = canned_check(&x.c, &e);
        if (code)
            problem_of(r, code, &e);
        else
            api_write(q, r, write_canned, &x);
    }
    json_decref(body);
}

static int drop(struct db_tx *tx, void *arg, struct err *e)
{
    const struct editing *x = arg;
    x->r->status = 204;
    return canned_drop(tx, x->c.id, e);
}

void canned_delete(const struct http_request *q, struct http_reply *r)
{
    struct editing x = {.q = q, .r = r};
    if (api_id(q->params[0], &x.c.id, r))
        api_write(q, r, drop, &x);
}
