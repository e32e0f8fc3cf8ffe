/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/tickets/{id}: one ticket with all that staff wants to see. */
#include "api/problem.h"
#include "api/ticket_json.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/attachment.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/link.h"
#include "desk/loads.h"
#include "desk/message.h"
#include "desk/routing.h"
#include "desk/tag.h"
#include "desk/ticket.h"
#include "knowledge/knowledge.h"
#include "triage/triage.h"

enum { EXPLAINED = 8 };

struct prediction {
    struct str task, label, mode, model, correction;
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
    struct attachment *files;
    size_t n_files;
    struct link *links;
    size_t n_links;
    struct str *tags;
    size_t n_tags;
};

static int read_predictions(struct db_tx *tx, struct one *o, struct err *e)
{
    struct db_rows *rows;
    struct arena *a = o->q->arena;
    int r = db_query(tx, &rows, e,
                     "SELECT task, label, mode, confidence, model, "
                     "COALESCE(correction, '') FROM predictions WHERE "
                     "ticket_id = ?1 ORDER BY id",
                     "i", o->id);
    if (r)
        return r;
    while (o->n_predictions < EXPLAINED && (r = db_next(rows, e)) > 0)
        o->predictions[o->n_predictions++] = (struct prediction){
            .task = arena_str(a, db_text(rows, 0)),
            .label = arena_str(a, db_text(rows, 1)),
            .mode = arena_str(a, db_text(rows, 2)),
            .confidence = db_real(rows, 3),
            .model = arena_str(a, db_text(rows, 4)),
            .correction = arena_str(a, db_text(rows, 5)),
        };
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int read_one(struct db_tx *tx, void *arg, struct err *e)
{
    struct one *o = arg;
    int r = ticket_get(tx, o->id, o->q->arena, &o->ticket, e);
    struct arena *a = o->q->arena;
    if (!r)
        r = message_list(tx, o->id, false, a, &o->messages, &o->n_messages, e);
    if (!r)
        r = attachment_list(tx, o->id, a, &o->files, &o->n_files, e);
    if (!r)
        r = link_list(tx, o->id, a, &o->links, &o->n_links, e);
    if (!r)
        r = tags_of(tx, o->id, a, &o->tags, &o->n_tags, e);
    return r ? r : read_predictions(tx, o, e);
}

static void put_links(struct buf *b, const struct one *o)
{
    put_key(b, "links");
    buf_putc(b, '[');
    for (size_t i = 0; i < o->n_links; i++) {
        const struct link *l = &o->links[i];
        buf_puts(b, i ? ",{" : "{");
        put_key(b, "ticket");
        put_id(b, l->other_id);
        put_text(b, "kind", l->kind);
        put_text(b, "subject", l->subject);
        put_text(b, "state", l->state);
        buf_printf(b, ",\"outward\":%s}", l->outward ? "true" : "false");
    }
    buf_putc(b, ']');
}

static void put_tags(struct buf *b, const struct one *o)
{
    put_key(b, "tags");
    buf_putc(b, '[');
    for (size_t i = 0; i < o->n_tags; i++) {
        buf_puts(b, i ? "," : "");
        json_put_text(b, o->tags[i]);
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
        put_text(b, "mode", p->mode);
        put_text(b, "model", p->model);
        put_key(b, "correction");
        if (p->correction.n)
            json_put_text(b, p->correction);
        else
            buf_puts(b, "null");
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
    double from = desk_settings(d).knowledge.suggest_threshold;
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

void ticket_reply(const struct http_request *q, int64_t id,
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
    buf_reset(&r->body);
    r->type = "application/json";
    http_reply_header(
        r, "ETag",
        arena_printf(q->arena, "\"%lld\"", (long long)o.ticket.version));
    ticket_put(&r->body, c, &o.ticket, api_language(q));
    r->body.len--; /* open the object again: more fields follow */
    put_key(&r->body, "messages");
    messages_put(&r->body, o.messages, o.n_messages);
    put_key(&r->body, "attachments");
    attachments_put(&r->body, o.files, o.n_files);
    put_tags(&r->body, &o);
    put_links(&r->body, &o);
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
        ticket_reply(q, id, r);
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
