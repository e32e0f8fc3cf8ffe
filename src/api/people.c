/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/people: those who ask, how they reach us, and forgetting them. */
#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/desk.h"
#include "desk/erase.h"
#include "desk/person.h"
#include "text/unicode.h"

enum { KIND_MAX = 20 };

struct keeping {
    const struct http_request *q;
    struct http_reply *r;
    int64_t id;
    struct person_change c;
    struct str name, language, organisation, note, external_id;
};

static void put_person(struct buf *b, const struct person *p)
{
    buf_putc(b, '{');
    put_key(b, "id");
    put_id(b, p->id);
    put_text(b, "name", p->name);
    put_text(b, "language", p->language);
    put_text(b, "organisation", p->organisation);
    put_text(b, "note", p->note);
    put_key(b, "external_id");
    if (p->external_id.n)
        json_put_text(b, p->external_id);
    else
        buf_puts(b, "null");
    put_key(b, "identities");
    buf_putc(b, '[');
    for (size_t i = 0; i < p->n_identities; i++) {
        buf_puts(b, i ? ",{" : "{");
        put_text(b, "kind", p->identities[i].kind);
        put_text(b, "value", p->identities[i].value);
        buf_putc(b, '}');
    }
    buf_printf(b, "],\"tickets\":%lld,\"is_staff\":%s", (long long)p->tickets,
               p->is_staff ? "true" : "false");
    put_key(b, "created_at");
    put_time(b, p->created_at);
    put_key(b, "updated_at");
    put_time(b, p->updated_at);
    put_key(b, "erased_at");
    put_time(b, p->erased_at);
    buf_putc(b, '}');
}

/* ---- reading
 * ---------------------------------------------------------------------- */

struct listing {
    const struct http_request *q;
    struct str words;
    int64_t after;
    size_t limit;
    struct person *items;
    size_t n;
};

static int read_list(struct db_tx *tx, void *arg, struct err *e)
{
    struct listing *l = arg;
    return person_list(tx, l->words, l->after, l->limit + 1, l->q->arena,
                       &l->items, &l->n, e);
}

void people_list_get(const struct http_request *q, struct http_reply *r)
{
    struct listing l = {.q = q, .words = str_from(http_query(q, "q"))};
    struct err e = {0};
    int code = text_check(l.words, "q", 0, PERSON_NAME_MAX, &e);
    if (code) {
        problem_of(r, code, &e);
        return;
    }
    if (!api_page(q, &l.limit, &l.after, r) || !api_read(q, r, read_list, &l))
        return;
    size_t shown = l.n > l.limit ? l.limit : l.n;
    struct buf *b = api_json(r);
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < shown; i++) {
        buf_puts(b, i ? "," : "");
        put_person(b, &l.items[i]);
    }
    put_list_end(b, l.n > shown ? l.items[shown - 1].id : 0);
}

static int reply_person(struct db_tx *tx, struct keeping *k, struct err *e)
{
    struct person p;
    int r = person_get(tx, k->id, k->q->arena, &p, e);
    if (r)
        return r;
    put_person(api_json(k->r), &p);
    buf_putc(&k->r->body, '\n');
    return OTK_OK;
}

static int read_one(struct db_tx *tx, void *arg, struct err *e)
{
    return reply_person(tx, arg, e);
}

void person_one_get(const struct http_request *q, struct http_reply *r)
{
    struct keeping k = {.q = q, .r = r};
    if (api_id(q->params[0], &k.id, r))
        (void)api_read(q, r, read_one, &k);
}

/* ---- changing
 * --------------------------------------------------------------------- */

static int read_identity(const json_t *o, struct identity *ret, struct err *e)
{
    struct json_want kind = {"kind", true, 1, KIND_MAX};
    struct json_want value = {"value", true, 1, IDENTITY_MAX};
    if (!json_is_object(o))
        return err_field(e, OTK_EFORMAT, "identities",
                         "is a list of {\"kind\", \"value\"}");
    int r = json_text(o, &kind, &ret->kind, e);
    return r ? r : json_text(o, &value, &ret->value, e);
}

static int read_identities(json_t *body, struct keeping *k, struct err *e)
{
    json_t *list = json_object_get(body, "identities");
    if (!list)
        return OTK_OK;
    if (!json_is_array(list) || json_array_size(list) > IDENTITIES_MAX)
        return err_field(e, OTK_EFORMAT, "identities",
                         "is a list of at most %d", IDENTITIES_MAX);
    size_t n = json_array_size(list);
    struct identity *all = ARENA_ARRAY(k->q->arena, struct identity, n + 1);
    int r = OTK_OK;
    for (size_t i = 0; !r && i < n; i++)
        r = read_identity(json_array_get(list, i), &all[i], e);
    k->c.identities = all;
    k->c.n_identities = n;
    k->c.sets_identities = true;
    return r;
}

static bool read_fields(json_t *body, struct keeping *k, struct http_reply *r)
{
    struct err e = {0};
    bool there[5];
    const struct api_text texts[] = {
        {{"name", false, 0, PERSON_NAME_MAX}, &k->name, &there[0]},
        {{"language", false, 0, 10}, &k->language, &there[1]},
        {{"organisation", false, 0, PERSON_NAME_MAX},
         &k->organisation,
         &there[2]},
        {{"note", false, 0, PERSON_NOTE_MAX}, &k->note, &there[3]},
        {{"external_id", false, 0, PERSON_NAME_MAX},
         &k->external_id,
         &there[4]},
    };
    const struct str **const at[] = {&k->c.name, &k->c.language,
                                     &k->c.organisation, &k->c.note,
                                     &k->c.external_id};
    if (!api_texts(body, texts, 5, r))
        return false;
    for (int i = 0; i < 5; i++)
        *at[i] = there[i] ? texts[i].at : NULL;
    int code = read_identities(body, k, &e);
    if (!code)
        code = person_change_check(&k->c, k->q->arena, &e);
    if (code)
        problem_of(r, code, &e);
    return !code;
}

/* How a member of staff is called and reached is for admins to say. */
static int may_change(struct db_tx *tx, const struct keeping *k, int64_t id,
                      struct err *e)
{
    struct person p;
    if (api_principal(k->q)->scopes & SCOPE_ADMIN)
        return OTK_OK;
    int r = person_get(tx, id, k->q->arena, &p, e);
    if (r || !p.is_staff)
        return r;
    return err_set(e, OTK_EDENIED, "only admins change members of staff");
}

/* By external_id it is changed where it is there already. */
static int write_person(struct db_tx *tx, void *arg, struct err *e)
{
    struct keeping *k = arg;
    struct actor by = api_principal(k->q)->actor;
    int64_t now = api_now(k->q);
    int64_t id = k->id;
    int r = id ? OTK_OK : OTK_ENOENT;
    if (!id && k->external_id.n)
        r = person_external(tx, k->external_id, &id, e);
    if (r && r != OTK_ENOENT)
        return r;
    k->r->status = id ? 200 : 201;
    r = id ? may_change(tx, k, id, e) : OTK_OK;
    if (!r)
        r = id ? person_update(tx, id, &k->c, by, now, e)
               : person_add(tx, &k->c, by, now, &id, e);
    if (r)
        return r;
    struct keeping reply = *k;
    reply.id = id;
    return reply_person(tx, &reply, e);
}

static const char *const fields[] = {"name", "language",    "organisation",
                                     "note", "external_id", "identities",
                                     NULL};

static void write_body(struct keeping *k)
{
    json_t *body = api_body(k->q, fields, k->r);
    if (!body)
        return;
    if (read_fields(body, k, k->r))
        api_write(k->q, k->r, write_person, k);
    json_decref(body);
}

void person_post(const struct http_request *q, struct http_reply *r)
{
    struct keeping k = {.q = q, .r = r};
    write_body(&k);
}

void person_patch(const struct http_request *q, struct http_reply *r)
{
    struct keeping k = {.q = q, .r = r};
    if (api_id(q->params[0], &k.id, r))
        write_body(&k);
}

/* ---- forgetting
 * ---------------------------------------------------------------------- */

static void put_erasure(struct http_reply *r, const struct erasure *x,
                        bool holds, const char *why)
{
    struct buf *b = api_json(r);
    buf_putc(b, '{');
    put_key(b, "person");
    put_id(b, x->person_id);
    put_key(b, "erased_at");
    put_time(b, x->created_at);
    put_key(b, "counts");
    buf_put_str(b, x->counts);
    put_key(b, "audit");
    put_id(b, x->audit_id);
    put_text(b, "proof", str_from(x->proof));
    buf_printf(b, ",\"holds\":%s", holds ? "true" : "false");
    put_text(b, "why", str_from(why));
    buf_puts(b, "}\n");
}

void person_delete(const struct http_request *q, struct http_reply *r)
{
    int64_t id;
    struct err e = {0};
    struct erasure x = {0};
    if (!api_id(q->params[0], &id, r))
        return;
    int code = erase_person(api_desk(q), id, api_principal(q)->actor, q->arena,
                            &x, &e);
    if (code)
        problem_of(r, code, &e);
    else
        put_erasure(r, &x, true, "");
}

struct proving {
    const struct http_request *q;
    int64_t id;
    struct erasure x;
    bool holds;
    const char *why;
};

static int check_erasure(struct db_tx *tx, void *arg, struct err *e)
{
    struct proving *p = arg;
    int r = erase_find(tx, p->id, p->q->arena, &p->x, e);
    return r ? r : erase_verify(tx, &p->x, &p->holds, &p->why, e);
}

void erasure_get(const struct http_request *q, struct http_reply *r)
{
    struct proving p = {.q = q};
    if (api_id(q->params[0], &p.id, r) && api_read(q, r, check_erasure, &p))
        put_erasure(r, &p.x, p.holds, p.why);
}
