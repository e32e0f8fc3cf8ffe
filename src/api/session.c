/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/session: signing in and out. */
#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/desk.h"

static void put_session(const struct session *s, struct http_reply *r)
{
    r->type = "application/json";
    buf_printf(&r->body, "{\"person\":{\"id\":\"%lld\",\"name\":",
               (long long)s->person_id);
    json_put_text(&r->body, s->name);
    buf_puts(&r->body, "},\"role\":");
    json_put_text(&r->body, s->role);
    put_key(&r->body, "csrf");
    json_put_text(&r->body, s->csrf);
    buf_puts(&r->body, "}\n");
}

void session_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"login", "password", NULL};
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    struct err e = {0};
    struct str login, password;
    struct json_want wants[] = {{"login", true, 1, 100},
                                {"password", true, 1, PASSWORD_MAX}};
    const struct settings set = desk_settings(api_desk(q));
    struct session s;
    char token[SECRET_BYTES];
    int code = json_text(body, &wants[0], &login, &e);
    if (!code)
        code = json_text(body, &wants[1], &password, &e);
    if (!code && !api_may_sign_in(q, r)) {
        json_decref(body);
        return;
    }
    if (!code)
        code = session_open(desk_db(api_desk(q)), login, password, api_now(q),
                            set.access.session_hours, q->arena, token, &s, &e);
    if (code == OTK_EDENIED) {
        problem_reply(r, 401, NULL, e.msg);
    } else if (code) {
        problem_of(r, code, &e);
    } else {
        http_reply_header(
            r, "Set-Cookie",
            arena_printf(q->arena,
                         "otklik=%s; Path=/; HttpOnly; SameSite=Strict; "
                         "Max-Age=%lld%s",
                         token, (long long)set.access.session_hours * 3600,
                         set.http.behind_proxy ? "; Secure" : ""));
        put_session(&s, r);
    }
    json_decref(body);
}

void session_get(const struct http_request *q, struct http_reply *r)
{
    const struct principal *p = api_principal(q);
    if (!p->is_staff)
        problem_reply(r, 401, NULL, "a key has no session");
    else
        put_session(&p->session, r);
}

static int end(struct db_tx *tx, void *arg, struct err *e)
{
    return session_end(tx, str_from(arg), e);
}

void session_delete(const struct http_request *q, struct http_reply *r)
{
    struct err e = {0};
    const char *cookie = http_cookie(q, "otklik");
    char *token = arena_copy(q->arena, str_from(cookie));
    int code = db_write(desk_db(api_desk(q)), 0, end, token, &e);
    if (code) {
        problem_of(r, code, &e);
        return;
    }
    r->status = 204;
    http_reply_header(r, "Set-Cookie",
                      "otklik=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
}
