/* SPDX-License-Identifier: Apache-2.0 */
/* For admins: keys, the catalog, the audit, what waits to go out. */
#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "db/jobs.h"
#include "desk/audit.h"
#include "desk/catalog_edit.h"
#include "desk/desk.h"
#include "desk/outbox.h"

enum { NAME_MAX_BYTES = 200 };

struct asking {
    const struct http_request *q;
    struct http_reply *r;
    size_t limit;
    int64_t after, id;
};

/* ---- the catalog
 * ------------------------------------------------------------------ */

static int print_catalog(struct db_tx *tx, void *arg, struct err *e)
{
    const struct asking *x = arg;
    int r = catalog_print(tx, api_json(x->r), e);
    buf_putc(&x->r->body, '\n');
    return r;
}

void catalog_get(const struct http_request *q, struct http_reply *r)
{
    struct asking x = {.q = q, .r = r};
    (void)api_read(q, r, print_catalog, &x);
}

struct editing {
    struct asking x;
    struct str document;
};

static int apply_catalog(struct db_tx *tx, void *arg, struct err *e)
{
    struct editing *c = arg;
    const struct asking *x = &c->x;
    int64_t now = api_now(x->q);
    int r = catalog_apply(tx, "body", c->document, now, e);
    if (!r)
        r = audit_add(tx, api_principal(x->q)->actor, "catalog.change",
                      "catalog", STR(""), now, e);
    return r ? r : print_catalog(tx, &c->x, e);
}

/* Read as JSON and written anew: YAML takes most of JSON, but not its escapes
 * of characters above U+FFFF, and much that is no JSON. */
void catalog_patch(const struct http_request *q, struct http_reply *r)
{
    static const char *const sections[] = {"schedules",  "teams", "skills",
                                           "priorities", "slas",  "topics",
                                           "staff",      NULL};
    struct err e = {0};
    json_t *body = api_body(q, sections, r);
    if (!body)
        return;
    struct buf document = BUF_INIT(HTTP_REPLY_MAX);
    json_put(&document, body, false);
    json_decref(body);
    struct editing c = {.x = {.q = q, .r = r}, .document = buf_str(&document)};
    api_write(q, r, apply_catalog, &c);
    buf_free(&document);
    if (r->status == 200)
        (void)desk_refresh(api_desk(q), &e); /* else a moment later */
}

/* ---- keys
 * -------------------------------------------------------------------------- */

static int read_keys(struct db_tx *tx, void *arg, struct err *e)
{
    const struct asking *x = arg;
    struct key *keys;
    size_t n;
    struct buf *b = api_json(x->r);
    int r = key_list(tx, x->q->arena, &keys, &n, e);
    if (r)
        return r;
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < n; i++) {
        const struct key *k = &keys[i];
        buf_puts(b, i ? ",{" : "{");
        put_key(b, "id");
        put_id(b, k->id);
        put_text(b, "name", k->name);
        put_text(b, "hint", k->hint);
        put_text(b, "scopes", k->scopes);
        put_key(b, "created_at");
        put_time(b, k->created_at);
        put_key(b, "expires_at");
        put_time(b, k->expires_at);
        put_key(b, "revoked_at");
        put_time(b, k->revoked_at);
        buf_putc(b, '}');
    }
    put_list_end(b, 0);
    return OTK_OK;
}

void key_list_get(const struct http_request *q, struct http_reply *r)
{
    struct asking x = {.q = q, .r = r};
    (void)api_read(q, r, read_keys, &x);
}

struct keying {
    const struct http_request *q;
    struct http_reply *r;
    struct str name, scopes;
    int64_t days, id;
    char key[SECRET_BYTES];
};

static void put_new_key(struct buf *b, const struct keying *k, struct str key)
{
    buf_putc(b, '{');
    put_key(b, "id");
    put_id(b, k->id);
    put_key(b, "key");
    if (key.n)
        json_put_text(b, key);
    else
        buf_puts(b, "null");
    buf_puts(b, "}\n");
}

/* What is kept for a repeat has no key in it: a key is shown once and kept
 * nowhere. */
static int add_key(struct db_tx *tx, void *arg, struct err *e)
{
    struct keying *k = arg;
    int64_t now = api_now(k->q);
    int r =
        key_add(tx, k->name, k->scopes, k->days ? now + k->days * MS_DAY : 0,
                now, k->key, &k->id, e);
    if (!r)
        r = audit_add(tx, api_principal(k->q)->actor, "key.create",
                      arena_printf(k->q->arena, "key:%lld", (long long)k->id),
                      STR(""), now, e);
    if (r)
        return r;
    k->r->status = 201;
    put_new_key(api_json(k->r), k, STR(""));
    return OTK_OK;
}

void key_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"name", "scopes", "days", NULL};
    struct keying k = {.q = q, .r = r};
    struct err e = {0};
    struct json_want days = {"days", false, 1, 36500};
    const struct api_text texts[] = {
        {{"name", true, 1, NAME_MAX_BYTES}, &k.name, NULL},
        {{"scopes", true, 1, NAME_MAX_BYTES}, &k.scopes, NULL},
    };
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    if (api_texts(body, texts, 2, r)) {
        int code = json_whole(body, &days, &k.days, &e);
        if (code && code != OTK_ENOENT)
            problem_of(r, code, &e);
        else
            api_write(q, r, add_key, &k);
    }
    if (r->status == 201 && k.key[0]) { /* made now, not shown again */
        buf_reset(&r->body);
        put_new_key(&r->body, &k, str_from(k.key));
    }
    json_decref(body);
}

static int revoke_key(struct db_tx *tx, void *arg, struct err *e)
{
    const struct asking *x = arg;
    x->r->status = 204;
    int r = key_revoke(tx, x->id, api_now(x->q), e);
    return r ? r
             : audit_add(
                   tx, api_principal(x->q)->actor, "key.revoke",
                   arena_printf(x->q->arena, "key:%lld", (long long)x->id),
                   STR(""), api_now(x->q), e);
}

void key_delete(const struct http_request *q, struct http_reply *r)
{
    struct asking x = {.q = q, .r = r};
    if (api_id(q->params[0], &x.id, r))
        api_write(q, r, revoke_key, &x);
}

/* ---- the audit
 * --------------------------------------------------------------------- */

static int read_audit(struct db_tx *tx, void *arg, struct err *e)
{
    const struct asking *x = arg;
    struct db_rows *rows;
    struct buf *b = api_json(x->r);
    int64_t last = 0;
    size_t n = 0;
    int more;
    int r = db_query(tx, &rows, e,
                     "SELECT id, at, actor, action, object, detail_json, hash "
                     "FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2",
                     "ii", x->after, (int64_t)x->limit + 1);
    if (r)
        return r;
    buf_puts(b, "{\"items\":[");
    while ((more = db_next(rows, e)) > 0 && n < x->limit) {
        last = db_int(rows, 0);
        buf_puts(b, n++ ? ",{" : "{");
        put_key(b, "id");
        put_id(b, last);
        put_key(b, "at");
        put_time(b, db_int(rows, 1));
        put_text(b, "actor", db_text(rows, 2));
        put_text(b, "action", db_text(rows, 3));
        put_text(b, "object", db_text(rows, 4));
        put_key(b, "detail");
        buf_put_str(b, db_text(rows, 5));
        put_text(b, "hash", db_text(rows, 6));
        buf_putc(b, '}');
    }
    db_rows_free(rows);
    put_list_end(b, more > 0 ? last : 0);
    return more < 0 ? more : OTK_OK;
}

void audit_get(const struct http_request *q, struct http_reply *r)
{
    struct asking x = {.q = q, .r = r};
    if (api_page(q, &x.limit, &x.after, r))
        (void)api_read(q, r, read_audit, &x);
}

/* ---- what goes out
 * ----------------------------------------------------------------- */

struct outgoing {
    const struct http_request *q;
    struct http_reply *r;
    struct str state, action;
    int64_t before, id;
    size_t limit;
};

static int read_outbox(struct db_tx *tx, void *arg, struct err *e)
{
    const struct outgoing *x = arg;
    struct outbox_item *items;
    size_t n;
    int r = outbox_list(tx, x->state, x->before, x->limit + 1, x->q->arena,
                        &items, &n, e);
    if (r)
        return r;
    struct buf *b = api_json(x->r);
    size_t shown = n > x->limit ? x->limit : n;
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < shown; i++) {
        const struct outbox_item *m = &items[i];
        buf_puts(b, i ? ",{" : "{");
        put_key(b, "id");
        put_id(b, m->id);
        put_text(b, "state", m->state);
        put_text(b, "channel", m->channel);
        put_text(b, "recipient", m->recipient);
        put_key(b, "ticket");
        put_id(b, m->ticket_id);
        buf_printf(b, ",\"attempts\":%d", m->attempts);
        put_text(b, "last_error", m->last_error);
        put_key(b, "created_at");
        put_time(b, m->created_at);
        put_key(b, "sent_at");
        put_time(b, m->sent_at);
        buf_putc(b, '}');
    }
    put_list_end(b, n > shown ? items[shown - 1].id : 0);
    return OTK_OK;
}

void outbox_get(const struct http_request *q, struct http_reply *r)
{
    struct outgoing x = {.q = q, .r = r};
    if (api_one_of(q, "state", "waiting sending sent failed unsure", &x.state,
                   r) &&
        api_page(q, &x.limit, &x.before, r))
        (void)api_read(q, r, read_outbox, &x);
}

static int decide_outbox(struct db_tx *tx, void *arg, struct err *e)
{
    const struct outgoing *x = arg;
    struct actor by = api_principal(x->q)->actor;
    buf_puts(api_json(x->r), "{}\n");
    return str_is(x->action, "retry")
               ? outbox_retry(tx, x->id, by, api_now(x->q), e)
               : outbox_settle(tx, x->id, by, api_now(x->q), e);
}

/* {"action": "retry"}: send it again; "settle": it did arrive. */
void outbox_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"action", NULL};
    struct outgoing x = {.q = q, .r = r};
    const struct api_text text = {{"action", true, 1, 10}, &x.action, NULL};
    if (!api_id(q->params[0], &x.id, r))
        return;
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    if (api_texts(body, &text, 1, r)) {
        if (!str_is(x.action, "retry") && !str_is(x.action, "settle"))
            problem_reply(r, 422, "action", "is retry or settle");
        else
            api_write(q, r, decide_outbox, &x);
    }
    json_decref(body);
}

/* ---- jobs
 * ------------------------------------------------------------------------------
 */

static int read_jobs(struct db_tx *tx, void *arg, struct err *e)
{
    const struct outgoing *x = arg;
    struct db_rows *rows;
    struct buf *b = api_json(x->r);
    int64_t last = 0;
    size_t n = 0;
    int more;
    int r = db_query(tx, &rows, e,
                     "SELECT id, kind, state, attempts, run_at, "
                     "COALESCE(last_error, ''), created_at FROM jobs WHERE id "
                     "> ?1 AND (?2 = '' OR state = ?2) ORDER BY id LIMIT ?3",
                     "isi", x->before, x->state, (int64_t)x->limit + 1);
    if (r)
        return r;
    buf_puts(b, "{\"items\":[");
    while ((more = db_next(rows, e)) > 0 && n < x->limit) {
        last = db_int(rows, 0);
        buf_puts(b, n++ ? ",{" : "{");
        put_key(b, "id");
        put_id(b, last);
        put_text(b, "kind", db_text(rows, 1));
        put_text(b, "state", db_text(rows, 2));
        buf_printf(b, ",\"attempts\":%lld", (long long)db_int(rows, 3));
        put_key(b, "run_at");
        put_time(b, db_int(rows, 4));
        put_text(b, "last_error", db_text(rows, 5));
        put_key(b, "created_at");
        put_time(b, db_int(rows, 6));
        buf_putc(b, '}');
    }
    db_rows_free(rows);
    put_list_end(b, more > 0 ? last : 0);
    return more < 0 ? more : OTK_OK;
}

void job_list_get(const struct http_request *q, struct http_reply *r)
{
    struct outgoing x = {.q = q, .r = r};
    if (api_one_of(q, "state", "waiting running dead", &x.state, r) &&
        api_page(q, &x.limit, &x.before, r))
        (void)api_read(q, r, read_jobs, &x);
}

static int requeue(struct db_tx *tx, void *arg, struct err *e)
{
    const struct outgoing *x = arg;
    buf_puts(api_json(x->r), "{}\n");
    return job_requeue(tx, x->id, api_now(x->q), e);
}

/* A dead letter is tried again from the start. */
void job_post(const struct http_request *q, struct http_reply *r)
{
    struct outgoing x = {.q = q, .r = r};
    if (api_id(q->params[0], &x.id, r))
        api_write(q, r, requeue, &x);
    if (r->status == 200)
        desk_pushed(api_desk(q));
}
