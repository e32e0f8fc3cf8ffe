/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/limit.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/desk.h"
#include "text/unicode.h"

enum {
    CLIENTS_MAX = 65536,
    BODY_DEFAULT = 1 << 20,
    LIST_MAX = 500,
    LIST_DEFAULT = 50
};

struct api {
    struct api_options o;
    struct http_server *http;
    struct followers *followers;
    struct metrics *metrics;
    struct limit *anonymous, *keys, *sign_in;
};

/* ---- who asks
 * -------------------------------------------------------------------------- */

struct who {
    const struct http_request *q;
    struct principal *p;
    struct str key, cookie;
    bool found;
};

static int find_who(struct db_tx *tx, void *arg, struct err *e)
{
    struct who *w = arg;
    int64_t now = api_now(w->q);
    int64_t id;
    int r = OTK_ENOENT;
    if (w->key.n) {
        r = key_find(tx, w->key, now, &id, &w->p->scopes, e);
        if (!r)
            w->p->actor = (struct actor){ACTOR_KEY, id};
    } else if (w->cookie.n) {
        r = session_find(tx, w->cookie, now, w->q->arena, &w->p->session, e);
        if (!r) {
            w->p->actor = (struct actor){ACTOR_STAFF, w->p->session.person_id};
            w->p->is_staff = true;
            w->p->is_admin = str_is(w->p->session.role, "admin");
            w->p->scopes = w->p->is_admin ? SCOPES_ALL
                                          : SCOPES_ALL & ~(unsigned)SCOPE_ADMIN;
        }
    }
    w->found = r == OTK_OK;
    return r == OTK_ENOENT ? OTK_OK : r;
}

static struct str bearer(const struct http_request *q)
{
    static const char scheme[] = "Bearer ";
    const char *h = http_header(q, "Authorization");
    if (!h || strncasecmp(h, scheme, sizeof(scheme) - 1) != 0)
        return (struct str){0};
    return str_trim(str_from(h + sizeof(scheme) - 1));
}

/* A page of another site can send our cookie, but cannot read the token. */
static bool csrf_holds(const struct http_request *q, const struct principal *p)
{
    if (!p->is_staff || strcmp(q->method, "GET") == 0 ||
        strcmp(q->method, "HEAD") == 0)
        return true;
    const char *token = http_header(q, "X-CSRF-Token");
    return token && str_is(p->session.csrf, token);
}

static bool within_limit(struct api *a, const struct http_request *q,
                         const struct principal *p, struct http_reply *r)
{
    int wait = 1;
    char client[64];
    actor_print(p->actor, client);
    bool anonymous = p->actor.kind == ACTOR_OTKLIK;
    const struct settings s = desk_settings(a->o.desk);
    double per_minute = (double)(anonymous ? s.limits.anonymous_per_minute
                                           : s.limits.key_per_minute);
    struct limit_rate rate = {per_minute, per_minute / (anonymous ? 2 : 10)};
    if (p->is_staff ||
        limit_take(anonymous ? a->anonymous : a->keys, rate,
                   anonymous ? str_from(q->address) : str_from(client),
                   clock_mono(&clock_real), &wait))
        return true;
    problem_reply(r, 429, NULL, "slow down, please");
    http_reply_header(r, "Retry-After", arena_printf(q->arena, "%d", wait));
    return false;
}

bool api_may_sign_in(const struct http_request *q, struct http_reply *r)
{
    int wait = 1;
    double per_minute =
        (double)desk_settings(api_desk(q)).limits.sign_in_per_minute;
    if (limit_take(api_of(q)->sign_in,
                   (struct limit_rate){per_minute, per_minute},
                   str_from(q->address), clock_mono(&clock_real), &wait))
        return true;
    problem_reply(r, 429, NULL, "too many attempts to sign in");
    http_reply_header(r, "Retry-After", arena_printf(q->arena, "%d", wait));
    return false;
}

static bool allowed(const struct http_request *q, const struct principal *p,
                    const struct api_about *about, struct http_reply *r)
{
    bool known = p->actor.kind != ACTOR_OTKLIK;
    if (!known && about->anonymous)
        return true;
    if (!known) {
        problem_reply(r, 401, NULL,
                      "send a key (Authorization: Bearer) or sign in");
        http_reply_header(r, "WWW-Authenticate", "Bearer");
        return false;
    }
    if ((p->scopes & about->scope) != about->scope) {
        problem_reply(r, 403, NULL,
                      p->is_staff ? "this is for admins"
                                  : "the key lacks the scope");
        return false;
    }
    bool reads =
        strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;
    if (p->is_staff && str_is(p->session.role, "viewer") && !reads &&
        !about->for_viewers) {
        problem_reply(r, 403, NULL, "viewers look and do not change");
        return false;
    }
    if (!csrf_holds(q, p)) {
        problem_reply(r, 403, "X-CSRF-Token", "the token is missing or wrong");
        return false;
    }
    return true;
}

/* A misspelt filter would be a list of everything. */
static bool query_known(const struct http_request *q, struct http_reply *r)
{
    const char *own = q->route->query ? q->route->query : "";
    const char *known = arena_printf(q->arena, "%s language", own);
    const char *unknown = http_query_unknown(q, known);
    struct str language;
    if (!unknown)
        return api_one_of(q, "language", "ru en", &language, r);
    problem_reply(
        r, 422, unknown,
        arena_printf(q->arena, "no such parameter; there are: %s", known));
    return false;
}

static bool before(struct http_request *q, struct http_reply *r)
{
    struct api *a = q->ctx;
    const struct api_about *about = q->route->about;
    http_reply_header(r, "X-Content-Type-Options", "nosniff");
    if (!about)
        return true;
    if (!query_known(q, r))
        return false;
    struct principal *p = ARENA_NEW(q->arena, struct principal);
    struct who w = {.q = q,
                    .p = p,
                    .key = bearer(q),
                    .cookie = str_from(http_cookie(q, "otklik"))};
    struct err e = {0};
    q->principal = p;
    if (w.key.n || w.cookie.n) {
        int code = db_read(desk_db(a->o.desk), 0, find_who, &w, &e);
        if (code) {
            problem_of(r, code, &e);
            return false;
        }
        if (w.key.n && !w.found) {
            problem_reply(r, 401, NULL, "this key is unknown, revoked or over");
            http_reply_header(r, "WWW-Authenticate", "Bearer");
            return false;
        }
    }
    return allowed(q, p, about, r) && within_limit(a, q, p, r);
}

static void after(const struct http_request *q, const struct http_reply *r,
                  int64_t micros)
{
    struct api *a = q->ctx;
    metrics_count(a->metrics, q->route, r->status, micros);
}

/* ---- for endpoints
 * ----------------------------------------------------------------------- */

struct api *api_of(const struct http_request *q)
{
    return q->ctx;
}

struct desk *api_desk(const struct http_request *q)
{
    return api_of(q)->o.desk;
}

struct desk_worker *api_worker(const struct http_request *q)
{
    return q->worker;
}

const struct principal *api_principal(const struct http_request *q)
{
    return q->principal;
}

int64_t api_now(const struct http_request *q)
{
    return clock_wall(desk_clock(api_desk(q)));
}

struct followers *api_followers(struct api *a)
{
    return a->followers;
}

struct metrics *api_metrics(struct api *a)
{
    return a->metrics;
}

void api_more_metrics(const struct api *a, struct buf *b)
{
    if (a->o.more_metrics)
        a->o.more_metrics(a->o.more_metrics_arg, b);
}

const struct embed *api_pages(const struct api *a)
{
    return a->o.pages;
}

const char *api_demo(const struct api *a)
{
    return a->o.demo;
}

static bool is_word(struct str a, const char *b)
{
    return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

static struct str unquoted(struct str s)
{
    s = str_trim(s);
    bool quoted = s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"';
    return quoted ? str_sub(s, 1, s.n - 2) : s;
}

/* RFC 9110 8.3: names are of any case; a charset that is not UTF-8 would be
 * read wrongly. */
static bool is_json(const char *type)
{
    struct str rest = str_from(type);
    struct str part = {0};
    bool ok = str_next(&rest, ';', &part) &&
              is_word(str_trim(part), "application/json");
    while (ok && str_next(&rest, ';', &part)) {
        size_t eq = str_find(part, '=');
        if (is_word(str_trim(str_sub(part, 0, eq)), "charset"))
            ok = is_word(unquoted(str_sub(part, eq + 1, part.n)), "utf-8");
    }
    return ok;
}

json_t *api_body(const struct http_request *q, const char *const *fields,
                 struct http_reply *r)
{
    struct err e = {0};
    json_t *o = NULL;
    const char *type = http_header(q, "Content-Type");
    if (type && !is_json(type)) {
        problem_reply(r, 415, "Content-Type", "send application/json in UTF-8");
        return NULL;
    }
    if (json_read(q->body, q->body.n, &o, &e)) {
        problem_reply(r, 400, NULL, e.msg);
        return NULL;
    }
    if (!json_is_object(o)) {
        problem_reply(r, 422, NULL, "the body must be a JSON object");
    } else if (fields && json_known(o, fields, &e)) {
        problem_reply(r, 422, e.field, e.msg);
    } else {
        return o;
    }
    json_decref(o);
    return NULL;
}

bool api_texts(const json_t *o, const struct api_text *t, size_t n,
               struct http_reply *r)
{
    for (size_t i = 0; i < n; i++) {
        struct err e = {0};
        int code = json_text(o, &t[i].want, t[i].at, &e);
        if (!code)
            code = text_check(*t[i].at, t[i].want.name, 0,
                              (size_t)t[i].want.max, &e);
        if (code && code != OTK_ENOENT) {
            problem_of(r, code, &e);
            return false;
        }
        if (code == OTK_ENOENT && t[i].want.required) {
            problem_reply(r, 422, t[i].want.name, "is missing");
            return false;
        }
        if (t[i].there)
            *t[i].there = !code;
    }
    return true;
}

struct buf *api_json(struct http_reply *r)
{
    r->type = "application/json";
    return &r->body;
}

bool api_id(struct str text, int64_t *ret, struct http_reply *r)
{
    if (!str_to_int(text, ret) && *ret > 0)
        return true;
    problem_reply(r, 404, NULL, "no such id");
    return false;
}

bool api_page(const struct http_request *q, size_t *ret_limit,
              int64_t *ret_after, struct http_reply *r)
{
    const char *limit = http_query(q, "limit");
    const char *from = http_query(q, "after");
    int64_t n = LIST_DEFAULT;
    *ret_after = 0;
    if (limit && (str_to_int(str_from(limit), &n) || n < 1 || n > LIST_MAX)) {
        problem_reply(r, 422, "limit", "a whole number from 1 to 500");
        return false;
    }
    if (from && (str_to_int(str_from(from), ret_after) || *ret_after < 0)) {
        problem_reply(r, 422, "after", "take it from `next` of the last page");
        return false;
    }
    *ret_limit = (size_t)n;
    return true;
}

bool api_one_of(const struct http_request *q, const char *name,
                const char *choices, struct str *ret, struct http_reply *r)
{
    struct str rest = str_from(choices);
    struct str one;
    *ret = str_from(http_query(q, name));
    bool ok = ret->n == 0;
    while (!ok && str_next(&rest, ' ', &one))
        ok = str_eq(one, *ret);
    if (!ok)
        problem_reply(r, 422, name,
                      arena_printf(q->arena, "is one of: %s", choices));
    return ok;
}

const char *api_language(const struct http_request *q)
{
    const char *wish = http_query(q, "language");
    if (!wish)
        wish = http_header(q, "Accept-Language");
    if (wish && strncmp(wish, "en", 2) == 0)
        return "en";
    if (wish && strncmp(wish, "ru", 2) == 0)
        return "ru";
    const struct settings s = desk_settings(api_desk(q));
    return settings_language(&s);
}

void put_key(struct buf *b, const char *name)
{
    char last = b->len ? b->ptr[b->len - 1] : '{';
    buf_printf(b, last == '{' || last == '[' ? "\"%s\":" : ",\"%s\":", name);
}

void put_text(struct buf *b, const char *name, struct str text)
{
    put_key(b, name);
    json_put_text(b, text);
}

void put_time(struct buf *b, int64_t ms)
{
    char text[TIME_TEXT];
    if (ms == 0) {
        buf_puts(b, "null");
        return;
    }
    time_print(ms, text);
    buf_printf(b, "\"%s\"", text);
}

void put_id(struct buf *b, int64_t id)
{
    if (id)
        buf_printf(b, "\"%lld\"", (long long)id);
    else
        buf_puts(b, "null");
}

void put_list_end(struct buf *b, int64_t next)
{
    buf_printf(b, "],\"has_more\":%s,\"next\":", next ? "true" : "false");
    put_id(b, next);
    buf_puts(b, "}\n");
}

/* ---- start and stop
 * ------------------------------------------------------------------------ */

static void *worker_new(void *ctx)
{
    (void)ctx;
    return desk_worker_new();
}

static void worker_free(void *worker)
{
    desk_worker_free(worker);
}

int api_start(const struct api_options *o, struct api **ret, struct err *e)
{
    const struct settings s = desk_settings(o->desk);
    struct api *a = MEM_NEW(struct api);
    a->o = *o;
    a->metrics = metrics_new();
    a->followers = followers_new(o->desk);
    a->anonymous = limit_new(CLIENTS_MAX);
    a->keys = limit_new(CLIENTS_MAX);
    a->sign_in = limit_new(CLIENTS_MAX);
    struct http_options http = {
        .address = s.http.address,
        .behind_proxy = s.http.behind_proxy,
        .port = (int)s.http.port,
        .workers = (int)s.http.workers,
        .body_max = (size_t)s.http.body_max_kb * 1024,
        .routes = api_routes,
        .ctx = a,
        .before = before,
        .after = after,
        .problem = problem_protocol,
        .worker_new = worker_new,
        .worker_free = worker_free,
    };
    int r = http_start(&http, &a->http, e);
    if (r) {
        api_stop(a);
        return r;
    }
    followers_start(a->followers, a->http);
    *ret = a;
    return OTK_OK;
}

int api_port(const struct api *a)
{
    return http_port(a->http);
}

void api_stop(struct api *a)
{
    if (!a)
        return;
    followers_stop(a->followers);
    if (a->http)
        http_stop(a->http);
    followers_free(a->followers);
    metrics_free(a->metrics);
    limit_free(a->anonymous);
    limit_free(a->keys);
    limit_free(a->sign_in);
    free(a);
}
