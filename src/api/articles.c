/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/knowledge/articles: reading and writing what Otklik answers with. */
#include "knowledge/articles.h"
#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/desk.h"
#include "knowledge/unanswered.h"

enum { SHORT_MAX = 100 };

static void put_article(struct buf *b, const struct knowledge_article *x,
                        struct str state)
{
    buf_putc(b, '{');
    put_key(b, "id");
    put_id(b, x->id);
    put_text(b, "key", x->key);
    put_text(b, "state", state);
    put_text(b, "language", x->language);
    put_text(b, "topic", x->topic);
    put_text(b, "audience",
             x->audience == AUDIENCE_STAFF ? STR("staff") : STR("public"));
    put_text(b, "title", x->title);
    put_text(b, "questions", x->questions);
    put_text(b, "answer", x->answer);
    buf_printf(b, ",\"version\":%lld}", (long long)x->version);
}

/* ---- reading
 * ---------------------------------------------------------------------- */

struct listing {
    const struct http_request *q;
    struct http_reply *r;
    int64_t after, id;
    size_t limit;
};

static int read_list(struct db_tx *tx, void *arg, struct err *e)
{
    struct listing *l = arg;
    struct knowledge_article *items;
    size_t n;
    int r = article_list(tx, l->after, l->limit + 1, true, l->q->arena, &items,
                         &n, e);
    if (r)
        return r;
    size_t shown = n > l->limit ? l->limit : n;
    struct buf *b = api_json(l->r);
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; !r && i < shown; i++) {
        struct knowledge_article whole;
        struct str state;
        r = article_get(tx, items[i].id, l->q->arena, &whole, &state, e);
        buf_puts(b, i ? "," : "");
        if (!r)
            put_article(b, &whole, state);
    }
    put_list_end(b, n > shown ? items[shown - 1].id : 0);
    return r;
}

void article_list_get(const struct http_request *q, struct http_reply *r)
{
    struct listing l = {.q = q, .r = r};
    if (api_page(q, &l.limit, &l.after, r))
        (void)api_read(q, r, read_list, &l);
}

static int read_one(struct db_tx *tx, void *arg, struct err *e)
{
    struct listing *l = arg;
    struct knowledge_article x;
    struct str state;
    int r = article_get(tx, l->id, l->q->arena, &x, &state, e);
    if (r)
        return r;
    put_article(api_json(l->r), &x, state);
    buf_putc(&l->r->body, '\n');
    return OTK_OK;
}

void article_one_get(const struct http_request *q, struct http_reply *r)
{
    struct listing l = {.q = q, .r = r};
    if (api_id(q->params[0], &l.id, r))
        (void)api_read(q, r, read_one, &l);
}

/* ---- writing
 * -------------------------------------------------------------------------- */

struct editing {
    const struct http_request *q;
    struct http_reply *r;
    int64_t id; /* 0: by key */
    struct knowledge_article said;
    struct str audience, state;
    bool has[8];
};

enum {
    HAS_KEY,
    HAS_LANGUAGE,
    HAS_TOPIC,
    HAS_AUDIENCE,
    HAS_TITLE,
    HAS_QUESTIONS,
    HAS_ANSWER,
    HAS_STATE
};

static bool read_body(json_t *body, struct editing *x, struct http_reply *r)
{
    struct knowledge_article *a = &x->said;
    bool *has = x->has;
    const struct api_text texts[] = {
        {{"key", false, 1, ARTICLE_KEY_MAX}, &a->key, &has[HAS_KEY]},
        {{"language", false, 0, 10}, &a->language, &has[HAS_LANGUAGE]},
        {{"topic", false, 0, SHORT_MAX}, &a->topic, &has[HAS_TOPIC]},
        {{"audience", false, 1, 10}, &x->audience, &has[HAS_AUDIENCE]},
        {{"title", false, 1, ARTICLE_TITLE_MAX}, &a->title, &has[HAS_TITLE]},
        {{"questions", false, 0, ARTICLE_QUESTIONS_MAX},
         &a->questions,
         &has[HAS_QUESTIONS]},
        {{"answer", false, 1, ARTICLE_ANSWER_MAX},
         &a->answer,
         &has[HAS_ANSWER]},
        {{"state", false, 1, 20}, &x->state, &has[HAS_STATE]},
    };
    if (!api_texts(body, texts, sizeof(texts) / sizeof(texts[0]), r))
        return false;
    if (has[HAS_AUDIENCE] && !str_is(x->audience, "public") &&
        !str_is(x->audience, "staff"))
        problem_reply(r, 422, "audience", "is public or staff");
    else if (has[HAS_STATE] && !str_is(x->state, "published") &&
             !str_is(x->state, "draft") && !str_is(x->state, "archived"))
        problem_reply(r, 422, "state", "is published, draft or archived");
    else
        return true;
    return false;
}

/* What was said over what is there. */
static void overlay(const struct editing *x, struct knowledge_article *a)
{
    const struct {
        int has;
        struct str *to;
        const struct str *from;
    } parts[] = {
        {HAS_KEY, &a->key, &x->said.key},
        {HAS_LANGUAGE, &a->language, &x->said.language},
        {HAS_TOPIC, &a->topic, &x->said.topic},
        {HAS_TITLE, &a->title, &x->said.title},
        {HAS_QUESTIONS, &a->questions, &x->said.questions},
        {HAS_ANSWER, &a->answer, &x->said.answer},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (x->has[parts[i].has])
            *parts[i].to = *parts[i].from;
    }
    if (x->has[HAS_AUDIENCE])
        a->audience =
            str_is(x->audience, "staff") ? AUDIENCE_STAFF : AUDIENCE_PUBLIC;
}

static int write_article(struct db_tx *tx, void *arg, struct err *e)
{
    struct editing *x = arg;
    struct arena *a = x->q->arena;
    struct knowledge_article whole = {0};
    struct str state = STR("published");
    enum article_change change = ARTICLE_SAME;
    int64_t id = x->id;
    int64_t now = api_now(x->q);
    int r = id ? article_get(tx, id, a, &whole, &state, e) : OTK_OK;
    if (r)
        return r;
    overlay(x, &whole);
    r = article_check(&whole, e);
    if (!r)
        r = article_put(tx, &whole, actor_person(api_principal(x->q)->actor),
                        now, &change, &id, e);
    if (!r && x->has[HAS_STATE])
        r = article_set_state(tx, id, arena_copy(a, x->state), now, e);
    if (!r)
        r = article_get(tx, id, a, &whole, &state, e);
    if (r)
        return r;
    x->r->status = change == ARTICLE_NEW ? 201 : 200;
    put_article(api_json(x->r), &whole, state);
    buf_putc(&x->r->body, '\n');
    return OTK_OK;
}

static void write_body(struct editing *x)
{
    static const char *const fields[] = {"key",      "language", "topic",
                                         "audience", "title",    "questions",
                                         "answer",   "state",    NULL};
    struct err e = {0};
    json_t *body = api_body(x->q, fields, x->r);
    if (!body)
        return;
    if (read_body(body, x, x->r)) {
        if (x->id && x->has[HAS_KEY])
            problem_reply(x->r, 422, "key", "stays as it is");
        else
            api_write(x->q, x->r, write_article, x);
        if (x->r->status < 300)
            (void)desk_refresh(api_desk(x->q), &e); /* else a moment later */
    }
    json_decref(body);
}

void article_post(const struct http_request *q, struct http_reply *r)
{
    struct editing x = {.q = q, .r = r};
    write_body(&x);
}

void article_patch(const struct http_request *q, struct http_reply *r)
{
    struct editing x = {.q = q, .r = r};
    if (api_id(q->params[0], &x.id, r))
        write_body(&x);
}

/* ---- questions without an answer
 * ------------------------------------------------------ */

struct closing {
    struct http_reply *r;
    int64_t id, article;
};

static int close_question(struct db_tx *tx, void *arg, struct err *e)
{
    const struct closing *c = arg;
    c->r->status = 204;
    return unanswered_close(tx, c->id, c->article, e);
}

/* {"article": "7"}: answered by it; {"article": null}: not worth one. */
void unanswered_patch(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"article", NULL};
    struct closing c = {.r = r};
    if (!api_id(q->params[0], &c.id, r))
        return;
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    json_t *v = json_object_get(body, "article");
    const char *id = json_string_value(v);
    if (!v || (!json_is_null(v) &&
               (!id || str_to_int(str_from(id), &c.article) || c.article < 1)))
        problem_reply(r, 422, "article", "is an id, or null");
    else
        api_write(q, r, close_question, &c);
    json_decref(body);
}
