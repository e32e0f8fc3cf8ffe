/* SPDX-License-Identifier: Apache-2.0 */
/* Work of endpoints in the store, and replies that are given once. */
#include <sodium.h>
#include <string.h>

#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/desk.h"
#include "text/unicode.h"

enum { KEY_MAX = 200, HASH_RAW = 32, HASH_HEX = 2 * HASH_RAW + 1 };

bool api_read(const struct http_request *q, struct http_reply *r, db_fn *fn,
              void *arg)
{
    struct err e = {0};
    int code = db_read(desk_db(api_desk(q)), 0, fn, arg, &e);
    if (code)
        problem_of(r, code, &e);
    return !code;
}

struct once {
    const struct http_request *q;
    struct str body;
    struct http_reply *r;
    db_fn *fn;
    void *arg;
    struct str key;
    struct str owner;
    char hash[HASH_HEX];
};

/* What makes a repeat the same request. */
static void hash_request(struct once *o)
{
    unsigned char raw[HASH_RAW];
    crypto_generichash_state h;
    const struct http_request *q = o->q;
    (void)crypto_generichash_init(&h, NULL, 0, HASH_RAW);
    (void)crypto_generichash_update(&h, (const unsigned char *)q->path,
                                    strlen(q->path) + 1);
    (void)crypto_generichash_update(&h, (const unsigned char *)o->body.p,
                                    o->body.n);
    (void)crypto_generichash_final(&h, raw, sizeof(raw));
    (void)sodium_bin2hex(o->hash, sizeof(o->hash), raw, sizeof(raw));
}

/* 1: the reply of the first time is filled in; 0: there was none. */
static int find_reply(struct db_tx *tx, const struct once *o, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT request_hash, status, reply FROM idempotency_keys "
                     "WHERE owner = ?1 AND key = ?2",
                     "ss", o->owner, o->key);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0 && !str_is(db_text(rows, 0), o->hash)) {
        r = err_field(e, OTK_EFORMAT, "Idempotency-Key",
                      "was used for another request");
    } else if (r > 0) {
        o->r->status = (int)db_int(rows, 1);
        o->r->type = "application/json";
        buf_put_str(&o->r->body, db_text(rows, 2));
    }
    db_rows_free(rows);
    return r;
}

static int write_once(struct db_tx *tx, void *arg, struct err *e)
{
    struct once *o = arg;
    buf_reset(&o->r->body); /* the closure may be run again */
    o->r->status = 200;
    int r = o->key.n ? find_reply(tx, o, e) : 0;
    if (r)
        return r > 0 ? OTK_OK : r;
    r = o->fn(tx, o->arg, e);
    if (r || o->key.n == 0)
        return r;
    return db_exec(tx, e,
                   "INSERT INTO idempotency_keys (owner, key, request_hash, "
                   "status, reply, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                   "sstisi", o->owner, o->key, o->hash, (int64_t)o->r->status,
                   buf_str(&o->r->body), api_now(o->q));
}

struct str api_owner(const struct http_request *q)
{
    char actor[ACTOR_TEXT];
    const struct principal *p = api_principal(q);
    actor_print(p->actor, actor);
    return str_from(p->actor.kind == ACTOR_OTKLIK
                        ? arena_printf(q->arena, "address:%s", q->address)
                        : arena_copy(q->arena, str_from(actor)));
}

void api_write(const struct http_request *q, struct http_reply *r, db_fn *fn,
               void *arg)
{
    api_write_body(q, r, q->body, fn, arg);
}

void api_write_body(const struct http_request *q, struct http_reply *r,
                    struct str body, db_fn *fn, void *arg)
{
    struct err e = {0};
    struct once o = {.q = q,
                     .r = r,
                     .body = body,
                     .fn = fn,
                     .arg = arg,
                     .owner = api_owner(q)};
    if (strcmp(q->method, "POST") == 0)
        o.key = str_from(http_header(q, "Idempotency-Key"));
    int code = text_check(o.key, "Idempotency-Key", 0, KEY_MAX, &e);
    if (o.key.n)
        hash_request(&o);
    if (!code)
        code = db_write(desk_db(api_desk(q)), 0, write_once, &o, &e);
    if (code)
        problem_of(r, code, &e);
}
