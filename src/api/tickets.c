/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/tickets: the work of staff. */
#include <stdio.h>
#include <string.h>

#include "api/problem.h"
#include "api/ticket_json.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/loads.h"
#include "desk/routing.h"
#include "desk/ticket.h"
#include "knowledge/knowledge.h"
#include "text/stem.h"
#include "text/unicode.h"
#include "triage/triage.h"

enum { WORDS_MAX = 12, FOUND_MAX = 1000, STATES_MAX = 100, EXPLAINED = 8 };

/* ---- the list
 * ---------------------------------------------------------------------- */

struct list {
    const struct http_request *q;
    struct ticket_filter filter;
    struct str words; /* stems to search for */
    struct ticket *items;
    size_t n;
};

/* Ids of tickets whose messages have all the words, newest first. */
static int search(struct db_tx *tx, struct list *l, struct err *e)
{
    struct str all[WORDS_MAX];
    struct str rest = l->words;
    struct db_text_query q = {.all = all, .limit = FOUND_MAX};
    while (q.n_all < WORDS_MAX && str_next(&rest, ' ', &all[q.n_all]))
        q.n_all += all[q.n_all].n > 0;
    int64_t *found = ARENA_ARRAY(l->q->arena, int64_t, FOUND_MAX);
    size_t n;
    int r = db_text_find(tx, "messages_text", &q, found, &n, e);
    int64_t *tickets = ARENA_ARRAY(l->q->arena, int64_t, FOUND_MAX);
    size_t distinct = 0;
    for (size_t i = 0; !r && i < n; i++) {
        int64_t id = 0;
        r = db_int_of(tx, &id, e,
                      "SELECT ticket_id FROM messages WHERE id = ?1", "i",
                      found[i]);
        if (r == OTK_ENOENT)
            r = OTK_OK;
        else if (!r && (distinct == 0 || tickets[distinct - 1] != id))
            tickets[distinct++] = id;
    }
    l->filter.ids = tickets;
    l->filter.n_ids = distinct;
    return r;
}

static int read_list(struct db_tx *tx, void *arg, struct err *e)
{
    struct list *l = arg;
    int r = l->words.n ? search(tx, l, e) : OTK_OK;
    return r ? r
             : ticket_list(tx, &l->filter, l->q->arena, &l->items, &l->n, e);
}

static bool read_assignee(const struct http_request *q, int64_t *ret,
                          struct http_reply *r)
{
    const char *who = http_query(q, "assignee");
    if (!who)
        return true;
    if (strcmp(who, "none") == 0) {
        *ret = -1;
        return true;
    }
    if (strcmp(who, "me") == 0) {
        *ret = api_principal(q)->actor.id;
        return true;
    }
    return api_id(str_from(who), ret, r);
}

static bool read_filter(const struct http_request *q, struct list *l,
                        const struct catalog *c, struct http_reply *r)
{
    size_t limit;
    struct ticket_filter *f = &l->filter;
    const char *topic = http_query(q, "topic");
    const char *priority = http_query(q, "priority");
    const char *states = http_query(q, "state");
    const char *words = http_query(q, "q");
    if (!api_page(q, &limit, &f->before_id, r) ||
        !read_assignee(q, &f->assignee_id, r))
        return false;
    f->limit = limit + 1;
    f->states = str_from(states);
    if (topic) {
        const struct catalog_topic *t = catalog_topic(c, str_from(topic));
        f->topic_id = t ? t->id : INT64_MAX;
    }
    if (priority) {
        const struct catalog_priority *p =
            catalog_priority(c, str_from(priority));
        f->priority_id = p ? p->id : INT64_MAX;
    }
    if (words)
        l->words = stems_of(q->arena, api_worker(q)->stemmer, str_from(words));
    return true;
}

void ticket_list_get(const struct http_request *q, struct http_reply *r)
{
    struct list l = {.q = q};
    struct err e = {0};
    struct catalog *c = desk_catalog(api_desk(q));
    if (!read_filter(q, &l, c, r)) {
        catalog_unref(c);
        return;
    }
    int code = db_read(desk_db(api_desk(q)), 0, read_list, &l, &e);
    if (code) {
        problem_of(r, code, &e);
    } else {
        size_t shown = l.n < l.filter.limit ? l.n : l.filter.limit - 1;
        bool more = l.n > shown;
        r->type = "application/json";
        buf_puts(&r->body, "{\"items\":[");
        for (size_t i = 0; i < shown; i++) {
            buf_puts(&r->body, i ? "," : "");
            ticket_put(&r->body, c, &l.items[i], api_language(q));
        }
        buf_printf(&r->body,
                   "],\"has_more\":%s,\"next\":", more ? "true" : "false");
        put_id(&r->body, more ? l.items[shown - 1].id : 0);
        buf_puts(&r->body, "}\n");
    }
    catalog_unref(c);
}

/* ---- one ticket
 * ------------------------------------------------------------------------ */

struct prediction {
    struct str task, label, mode;
    double confidence;
};

struct one {
    const struct http_request *q;
    int64_t id;
    struct ticket ticket;
    struct message *messages;
    size_t n_messages;
    struct prediction predictions[EXPLAINED];
    size_t n_predictions;
};

static int read_predictions(struct db_tx *tx, struct one *o, struct err *e)
{
    struct db_rows *rows;
    struct arena *a = o->q->arena;
    int r = db_query(tx, &rows, e,
                     "SELECT task, label, mode, confidence FROM predictions "
                     "WHERE ticket_id = ?1 ORDER BY id",
                     "i", o->id);
    if (r)
        return r;
    while (o->n_predictions < EXPLAINED && (r = db_next(rows, e)) > 0)
        o->predictions[o->n_predictions++] = (struct prediction){
            .task = arena_str(a, db_text(rows, 0)),
            .label = arena_str(a, db_text(rows, 1)),
            .mode = arena_str(a, db_text(rows, 2)),
            .confidence = db_real(rows, 3),
        };
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int read_one(struct db_tx *tx, void *arg, struct err *e)
{
    struct one *o = arg;
    int r = ticket_get(tx, o->id, o->q->arena, &o->ticket, e);
    if (!r)
        r = message_list(tx, o->id, o->q->arena, &o->messages, &o->n_messages,
                         e);
    return r ? r : read_predictions(tx, o, e);
}

static void put_messages(struct buf *b, const struct one *o)
{
    put_key(b, "messages");
    buf_putc(b, '[');
    for (size_t i = 0; i < o->n_messages; i++) {
        const struct message *m = &o->messages[i];
        buf_printf(b, "%s{\"id\":\"%lld\",\"kind\":", i ? "," : "",
                   (long long)m->id);
        json_put_text(b, m->kind);
        put_key(b, "author");
        if (m->author_id) {
            buf_printf(b,
                       "{\"id\":\"%lld\",\"name\":", (long long)m->author_id);
            json_put_text(b, m->author);
            buf_putc(b, '}');
        } else {
            buf_puts(b, "null");
        }
        put_key(b, "body");
        json_put_text(b, m->body);
        put_key(b, "created_at");
        put_time(b, m->created_at);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static void put_reason(struct buf *b, const struct triage_reason *why)
{
    put_key(b, "words");
    buf_putc(b, '[');
    for (size_t i = 0; i < why->n_words; i++) {
        buf_puts(b, i ? ",{\"text\":" : "{\"text\":");
        json_put_text(b, str_from(why->words[i].text));
        put_key(b, "weight");
        json_put_real(b, why->words[i].weight);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
    put_key(b, "nearest");
    buf_putc(b, '[');
    for (size_t i = 0; i < why->n_nearest; i++) {
        buf_puts(b, i ? ",{\"text\":" : "{\"text\":");
        json_put_text(b, str_from(why->nearest[i].text));
        put_key(b, "label");
        json_put_text(b, str_from(why->nearest[i].label));
        put_key(b, "similarity");
        json_put_real(b, why->nearest[i].similarity);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

/* Why the active model would say this label today. */
static void explain(const struct one *o, const struct prediction *p,
                    struct triage_reason *ret)
{
    struct triage_model *m = desk_model(api_desk(o->q));
    *ret = (struct triage_reason){0};
    if (!m)
        return;
    int task = triage_task_find(m, arena_copy(o->q->arena, p->task));
    int label = -1;
    const struct triage_info *info = triage_info(m);
    for (size_t i = 0; task >= 0 && i < info->tasks[task].n_labels; i++) {
        if (str_is(p->label, info->tasks[task].labels[i]))
            label = (int)i;
    }
    if (label >= 0 && o->n_messages)
        (void)triage_explain(m, api_worker(o->q)->triage, task, label,
                             o->messages[0].body, 8, 3, o->q->arena, ret, NULL);
    triage_unref(m);
}

static void put_predictions(struct buf *b, const struct one *o,
                            const struct catalog *c)
{
    put_key(b, "predictions");
    buf_putc(b, '[');
    for (size_t i = 0; i < o->n_predictions; i++) {
        const struct prediction *p = &o->predictions[i];
        const struct catalog_topic *t = catalog_topic(c, p->label);
        const struct catalog_priority *u = catalog_priority(c, p->label);
        struct triage_reason why;
        buf_puts(b, i ? ",{\"task\":" : "{\"task\":");
        json_put_text(b, p->task);
        put_key(b, "label");
        json_put_text(b, p->label.n ? p->label : STR("none"));
        put_key(b, "name");
        json_put_text(b,
                      t   ? catalog_name(t->name, t->names, api_language(o->q))
                      : u ? catalog_name(u->name, u->names, api_language(o->q))
                          : STR(""));
        put_key(b, "confidence");
        json_put_real(b, p->confidence);
        put_key(b, "mode");
        json_put_text(b, p->mode);
        explain(o, p, &why);
        put_reason(b, &why);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static void put_suggestions(struct buf *b, const struct one *o)
{
    enum { SUGGESTED = 3 };
    struct knowledge_hit hits[SUGGESTED];
    struct desk *d = api_desk(o->q);
    struct knowledge_index *x = desk_knowledge(d);
    size_t n = 0;
    put_key(b, "suggestions");
    buf_putc(b, '[');
    if (x && o->n_messages) {
        struct knowledge_query query = {.text = o->messages[0].body,
                                        .language = o->ticket.language,
                                        .with_staff = true};
        n = knowledge_search(x, api_worker(o->q)->knowledge, &query, hits,
                             SUGGESTED);
    }
    double from = desk_settings(d)->knowledge.suggest_threshold;
    for (size_t i = 0; i < n && hits[i].confidence >= from; i++) {
        buf_printf(b, "%s{\"article\":\"%lld\",\"title\":", i ? "," : "",
                   (long long)hits[i].article->id);
        json_put_text(b, hits[i].article->title);
        put_key(b, "text");
        json_put_text(b, hits[i].article->answer);
        put_key(b, "confidence");
        json_put_real(b, hits[i].confidence);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
    knowledge_index_unref(x);
}

static void put_states(struct buf *b, struct str state)
{
    put_key(b, "states");
    buf_putc(b, '[');
    json_put_text(b, state);
    for (const char *const *s = ticket_states_after(state); *s; s++) {
        if (!str_is(state, *s))
            buf_printf(b, ",\"%s\"", *s);
    }
    buf_putc(b, ']');
}

static void reply_one(const struct http_request *q, int64_t id,
                      struct http_reply *r)
{
    struct one o = {.q = q, .id = id};
    struct err e = {0};
    int code = db_read(desk_db(api_desk(q)), 0, read_one, &o, &e);
    if (code) {
        problem_of(r, code, &e);
        return;
    }
    struct catalog *c = desk_catalog(api_desk(q));
    r->type = "application/json";
    http_reply_header(
        r, "ETag",
        arena_printf(q->arena, "\"%lld\"", (long long)o.ticket.version));
    ticket_put(&r->body, c, &o.ticket, api_language(q));
    r->body.len--; /* open the object again: more fields follow */
    put_messages(&r->body, &o);
    put_predictions(&r->body, &o, c);
    put_suggestions(&r->body, &o);
    put_states(&r->body, o.ticket.state);
    buf_puts(&r->body, "}\n");
    catalog_unref(c);
}

void ticket_one_get(const struct http_request *q, struct http_reply *r)
{
    int64_t id;
    if (api_id(q->params[0], &id, r))
        reply_one(q, id, r);
}

/* ---- changing
 * ----------------------------------------------------------------------------
 */

struct change {
    const struct http_request *q;
    int64_t id;
    struct ticket_change c;
    struct str state, topic, priority;
    int64_t assignee_id, topic_id, priority_id;
    struct catalog *catalog;
};

/* A corrected label teaches: it is kept beside what was predicted. */
static int correct(struct db_tx *tx, const struct change *c, const char *task,
                   struct str label, struct err *e)
{
    if (label.n == 0)
        return OTK_OK;
    int64_t by = actor_person(api_principal(c->q)->actor);
    return db_exec(tx, e,
                   "UPDATE predictions SET correction = ?3, corrected_by = ?4, "
                   "corrected_at = ?5 WHERE ticket_id = ?1 AND task = ?2 AND "
                   "label <> ?3",
                   "itsIi", c->id, task, label, by ? &by : NULL, api_now(c->q));
}

static int write_change(struct db_tx *tx, void *arg, struct err *e)
{
    struct change *c = arg;
    int r = ticket_change(tx, c->id, &c->c, api_principal(c->q)->actor,
                          api_now(c->q), e);
    if (!r)
        r = correct(tx, c, "topic", c->topic, e);
    return r ? r : correct(tx, c, "priority", c->priority, e);
}

/* "assignee": "7", or null for nobody. */
static int read_new_assignee(json_t *body, struct change *c, struct err *e)
{
    json_t *v = json_object_get(body, "assignee");
    if (!v)
        return OTK_OK;
    if (!json_is_null(v) &&
        (!json_is_string(v) ||
         str_to_int(str_from(json_string_value(v)), &c->assignee_id) ||
         c->assignee_id < 1))
        return err_field(e, OTK_EFORMAT, "assignee",
                         "must be an id of staff, or null");
    c->c.assignee_id = &c->assignee_id;
    return OTK_OK;
}

static int read_labels(json_t *body, struct change *c, struct err *e)
{
    struct json_want topic = {"topic", false, 1, 200};
    struct json_want priority = {"priority", false, 1, 200};
    struct json_want state = {"state", false, 1, 20};
    int r = json_text(body, &state, &c->state, e);
    if (!r)
        c->c.state = &c->state;
    if (r && r != OTK_ENOENT)
        return r;
    r = json_text(body, &topic, &c->topic, e);
    if (!r) {
        const struct catalog_topic *t = catalog_topic(c->catalog, c->topic);
        if (!t)
            return err_field(e, OTK_EFORMAT, "topic", "no such topic");
        c->topic_id = t->id;
        c->c.topic_id = &c->topic_id;
    } else if (r != OTK_ENOENT) {
        return r;
    }
    r = json_text(body, &priority, &c->priority, e);
    if (!r) {
        const struct catalog_priority *p =
            catalog_priority(c->catalog, c->priority);
        if (!p)
            return err_field(e, OTK_EFORMAT, "priority", "no such priority");
        c->priority_id = p->id;
        c->c.priority_id = &c->priority_id;
    } else if (r != OTK_ENOENT) {
        return r;
    }
    return OTK_OK;
}

/* If-Match: "3" */
static int read_version(const struct http_request *q, struct change *c,
                        struct err *e)
{
    struct str tag = str_from(http_header(q, "If-Match"));
    if (tag.n == 0)
        return OTK_OK;
    if (tag.n < 3 || tag.p[0] != '"' ||
        str_to_int(str_sub(tag, 1, tag.n - 2), &c->c.if_version))
        return err_field(e, OTK_EFORMAT, "If-Match",
                         "must be the ETag of the ticket");
    return OTK_OK;
}

void ticket_patch(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"state", "topic", "priority",
                                         "assignee", NULL};
    struct change c = {.q = q};
    if (!api_id(q->params[0], &c.id, r))
        return;
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    struct err e = {0};
    c.catalog = desk_catalog(api_desk(q));
    int code = read_labels(body, &c, &e);
    if (!code)
        code = read_new_assignee(body, &c, &e);
    if (!code)
        code = read_version(q, &c, &e);
    if (!code)
        code = db_write(desk_db(api_desk(q)), 0, write_change, &c, &e);
    if (code == OTK_ECONFLICT && c.c.if_version)
        problem_reply(r, 412, "If-Match", e.msg);
    else if (code)
        problem_of(r, code, &e);
    else
        reply_one(q, c.id, r);
    catalog_unref(c.catalog);
    json_decref(body);
}

/* ---- messages
 * ------------------------------------------------------------------------------
 */

struct writing {
    const struct http_request *q;
    int64_t ticket_id, message_id;
    struct str kind, body, key;
};

static int find_repeat(struct db_tx *tx, struct writing *w, struct err *e)
{
    if (w->key.n == 0)
        return OTK_ENOENT;
    return db_int_of(tx, &w->message_id, e,
                     "SELECT id FROM messages WHERE external_id = ?1", "s",
                     w->key);
}

static int write_message(struct db_tx *tx, void *arg, struct err *e)
{
    struct writing *w = arg;
    struct ticket t;
    int r = find_repeat(tx, w, e);
    if (r != OTK_ENOENT)
        return r;
    r = ticket_get(tx, w->ticket_id, w->q->arena, &t, e);
    if (!r)
        r = message_add(tx, api_worker(w->q)->stemmer, w->ticket_id,
                        arena_copy(w->q->arena, w->kind),
                        api_principal(w->q)->actor, w->body, api_now(w->q),
                        &w->message_id, e);
    if (!r && w->key.n)
        r = db_exec(tx, e, "UPDATE messages SET external_id = ?2 WHERE id = ?1",
                    "is", w->message_id, w->key);
    return r;
}

void ticket_message_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"kind", "body", NULL};
    struct writing w = {.q = q,
                        .key = str_from(http_header(q, "Idempotency-Key"))};
    if (!api_id(q->params[0], &w.ticket_id, r))
        return;
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    struct err e = {0};
    struct json_want kind = {"kind", true, 1, 10};
    struct json_want text = {"body", true, 1, MESSAGE_MAX};
    int code = json_text(body, &kind, &w.kind, &e);
    if (!code)
        code = json_text(body, &text, &w.body, &e);
    if (!code && !str_is(w.kind, "reply") && !str_is(w.kind, "note"))
        code = err_field(&e, OTK_EFORMAT, "kind", "is reply or note");
    if (!code)
        code = text_check(w.body, "body", 1, MESSAGE_MAX, &e);
    if (!code)
        code = db_write(desk_db(api_desk(q)), 0, write_message, &w, &e);
    if (code) {
        problem_of(r, code, &e);
    } else {
        r->status = 201;
        r->type = "application/json";
        buf_printf(&r->body, "{\"id\":\"%lld\"}\n", (long long)w.message_id);
    }
    json_decref(body);
}

/* ---- who would get it
 * ------------------------------------------------------------------------ */

struct routing {
    const struct http_request *q;
    int64_t id;
    struct ticket ticket;
    struct catalog *catalog;
    struct route_load *loads;
};

static int read_routing(struct db_tx *tx, void *arg, struct err *e)
{
    struct routing *x = arg;
    int r = ticket_get(tx, x->id, x->q->arena, &x->ticket, e);
    return r ? r : loads_read(tx, x->catalog, x->q->arena, &x->loads, e);
}

void ticket_route_get(const struct http_request *q, struct http_reply *r)
{
    struct routing x = {.q = q};
    struct err e = {0};
    if (!api_id(q->params[0], &x.id, r))
        return;
    x.catalog = desk_catalog(api_desk(q));
    int code = db_read(desk_db(api_desk(q)), 0, read_routing, &x, &e);
    if (code) {
        problem_of(r, code, &e);
        catalog_unref(x.catalog);
        return;
    }
    struct route_ask ask = {
        .topic = catalog_topic_id(x.catalog, x.ticket.topic_id),
        .priority = catalog_priority_id(x.catalog, x.ticket.priority_id),
        .language = api_language(q),
        .at = api_now(q),
    };
    struct route route;
    size_t n = x.catalog->n_staff;
    struct route_candidate *all =
        ARENA_ARRAY(q->arena, struct route_candidate, n + 1);
    route_choose(x.catalog, x.loads, &ask, q->arena, &route, all);
    r->type = "application/json";
    buf_puts(&r->body, "{\"reason\":");
    json_put_text(&r->body, str_from(route.reason));
    put_key(&r->body, "candidates");
    buf_putc(&r->body, '[');
    for (size_t i = 0; i < n; i++) {
        buf_printf(&r->body, "%s{\"id\":\"%lld\",\"name\":", i ? "," : "",
                   (long long)all[i].staff->id);
        json_put_text(&r->body, all[i].staff->name);
        buf_printf(&r->body,
                   ",\"level\":%d,\"open\":%d,\"verdict\":", all[i].level,
                   all[i].open);
        json_put_text(&r->body, str_from(route_verdict_text(all[i].verdict,
                                                            ask.language)));
        buf_putc(&r->body, '}');
    }
    buf_puts(&r->body, "]}\n");
    catalog_unref(x.catalog);
}
