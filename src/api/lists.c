/* SPDX-License-Identifier: Apache-2.0 */
/* Staff, topics and knowledge: what pages show beside tickets. */
#include "api/api.h"
#include "api/problem.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "knowledge/knowledge.h"
#include "knowledge/unanswered.h"
#include "text/unicode.h"

void staff_get(const struct http_request *q, struct http_reply *r)
{
    struct catalog *c = desk_catalog(api_desk(q));
    struct buf *b = &r->body;
    bool first = true;
    r->type = "application/json";
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < c->n_staff; i++) {
        const struct catalog_staff *s = &c->staff[i];
        if (!s->is_active || !s->takes_tickets)
            continue;
        buf_printf(b, "%s{\"id\":\"%lld\",\"name\":", first ? "" : ",",
                   (long long)s->id);
        first = false;
        json_put_text(b, s->name);
        put_key(b, "team");
        json_put_text(b, s->team ? s->team->key : STR(""));
        put_key(b, "languages");
        json_put_text(b, s->languages);
        buf_printf(b, ",\"max_open\":%d,\"skills\":{", s->max_open);
        for (size_t k = 0; k < c->n_skills; k++) {
            if (!s->levels[k])
                continue;
            buf_puts(b, b->ptr[b->len - 1] == '{' ? "" : ",");
            json_put_text(b, c->skills[k].key);
            buf_printf(b, ":%d", s->levels[k]);
        }
        buf_puts(b, "}}");
    }
    put_list_end(b, 0);
    catalog_unref(c);
}

void topics_get(const struct http_request *q, struct http_reply *r)
{
    struct catalog *c = desk_catalog(api_desk(q));
    struct buf *b = &r->body;
    r->type = "application/json";
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < c->n_topics; i++) {
        const struct catalog_topic *t = &c->topics[i];
        const struct catalog_topic *up = catalog_topic_id(c, t->parent_id);
        buf_puts(b, i ? ",{\"key\":" : "{\"key\":");
        json_put_text(b, t->key);
        put_key(b, "name");
        json_put_text(b, catalog_name(t->name, t->names, api_language(q)));
        put_key(b, "parent");
        if (up)
            json_put_text(b, up->key);
        else
            buf_puts(b, "null");
        buf_putc(b, '}');
    }
    put_list_end(b, 0);
    catalog_unref(c);
}

void priorities_get(const struct http_request *q, struct http_reply *r)
{
    struct catalog *c = desk_catalog(api_desk(q));
    struct buf *b = api_json(r);
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < c->n_priorities; i++) {
        const struct catalog_priority *p = &c->priorities[i];
        buf_puts(b, i ? ",{" : "{");
        put_text(b, "key", p->key);
        put_text(b, "name", catalog_name(p->name, p->names, api_language(q)));
        buf_printf(b, ",\"rank\":%d}", p->rank);
    }
    put_list_end(b, 0);
    catalog_unref(c);
}

void knowledge_search_get(const struct http_request *q, struct http_reply *r)
{
    enum { HITS = 20 };
    struct knowledge_hit hits[HITS];
    struct err e = {0};
    struct knowledge_query query = {
        .text = str_from(http_query(q, "q")),
        .language = str_from(http_query(q, "language")),
        .with_staff = api_principal(q)->is_staff,
    };
    int code = text_check(query.text, "q", 1, API_WORDS_MAX, &e);
    if (code) {
        problem_of(r, code, &e);
        return;
    }
    struct knowledge_index *x = desk_knowledge(api_desk(q));
    size_t n =
        x ? knowledge_search(x, api_worker(q)->knowledge, &query, hits, HITS)
          : 0;
    struct buf *b = &r->body;
    double from = desk_settings(api_desk(q)).knowledge.answer_threshold;
    r->type = "application/json";
    buf_printf(b, "{\"answered\":%s,\"items\":[",
               n && hits[0].confidence >= from ? "true" : "false");
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s{\"id\":\"%lld\",\"key\":", i ? "," : "",
                   (long long)hits[i].article->id);
        json_put_text(b, hits[i].article->key);
        put_key(b, "title");
        json_put_text(b, hits[i].article->title);
        put_key(b, "passage");
        json_put_text(b, knowledge_passage(x, api_worker(q)->knowledge,
                                           hits[i].article, query.text));
        put_key(b, "answer");
        json_put_text(b, hits[i].article->answer);
        put_key(b, "confidence");
        json_put_real(b, hits[i].confidence);
        buf_putc(b, '}');
    }
    buf_puts(b, "]}\n");
    knowledge_index_unref(x);
}

struct board {
    const struct http_request *q;
    struct unanswered *items;
    size_t n;
};

static int read_board(struct db_tx *tx, void *arg, struct err *e)
{
    enum { SHOWN = 200 };
    struct board *x = arg;
    return unanswered_list(tx, SHOWN, x->q->arena, &x->items, &x->n, e);
}

void unanswered_get(const struct http_request *q, struct http_reply *r)
{
    struct board x = {.q = q};
    struct err e = {0};
    int code = db_read(desk_db(api_desk(q)), 0, read_board, &x, &e);
    if (code) {
        problem_of(r, code, &e);
        return;
    }
    struct buf *b = &r->body;
    r->type = "application/json";
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < x.n; i++) {
        buf_printf(b, "%s{\"id\":\"%lld\",\"text\":", i ? "," : "",
                   (long long)x.items[i].id);
        json_put_text(b, x.items[i].text);
        put_key(b, "language");
        json_put_text(b, x.items[i].language);
        put_key(b, "topic");
        json_put_text(b, x.items[i].topic);
        buf_printf(b, ",\"times\":%lld", (long long)x.items[i].times);
        put_key(b, "last_at");
        put_time(b, x.items[i].last_at);
        buf_putc(b, '}');
    }
    put_list_end(b, 0);
}
