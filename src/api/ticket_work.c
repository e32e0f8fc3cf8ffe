/* SPDX-License-Identifier: Apache-2.0 */
/* Changing tickets: labels, people, messages, links, merge and split. */
#include <string.h>

#include "api/problem.h"
#include "api/ticket_json.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/audit.h"
#include "desk/catalog.h"
#include "desk/corpus.h"
#include "desk/desk.h"
#include "desk/link.h"
#include "desk/merge.h"
#include "desk/message.h"
#include "desk/tag.h"
#include "desk/ticket.h"
#include "text/unicode.h"

enum { KEY_MAX = 200 };

/* ---- PATCH
 * -------------------------------------------------------------------------- */

struct change {
    const struct http_request *q;
    int64_t id;
    struct ticket_change c;
    struct str state, subject, topic, priority, team;
    bool has_topic, has_priority, has_team;
    int64_t assignee_id, topic_id, priority_id, team_id;
    struct catalog *catalog;
    struct str *tags;
    size_t n_tags;
    bool has_tags;
};

static int write_change(struct db_tx *tx, void *arg, struct err *e)
{
    struct change *c = arg;
    struct actor by = api_principal(c->q)->actor;
    int64_t now = api_now(c->q);
    int r = ticket_change(tx, c->id, &c->c, by, now, e);
    if (!r && c->has_tags)
        r = tags_set(tx, c->id, c->tags, c->n_tags, by, now, e);
    if (!r && c->has_topic)
        r = correction_put(tx, c->id, "topic", c->topic, by, now, e);
    if (!r && c->has_priority)
        r = correction_put(tx, c->id, "priority", c->priority, by, now, e);
    return r;
}

/* "assignee": "7", or null for nobody. */
static int read_assignee(json_t *body, struct change *c, struct err *e)
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

static int read_tags(json_t *body, struct change *c, struct err *e)
{
    json_t *list = json_object_get(body, "tags");
    if (!list)
        return OTK_OK;
    if (!json_is_array(list))
        return err_field(e, OTK_EFORMAT, "tags", "must be a list of texts");
    c->has_tags = true;
    c->n_tags = json_array_size(list);
    c->tags = ARENA_ARRAY(c->q->arena, struct str, c->n_tags + 1);
    int r = OTK_OK;
    for (size_t i = 0; !r && i < c->n_tags; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_string(v))
            return err_field(e, OTK_EFORMAT, "tags", "must be a list of texts");
        struct str tag = {json_string_value(v), json_string_length(v)};
        r = tag_normalize(tag, c->q->arena, &c->tags[i], e);
    }
    return r;
}

/* Keys of topic, priority and team into ids. */
static int read_labels(struct change *c, struct err *e)
{
    const struct catalog_topic *t = catalog_topic(c->catalog, c->topic);
    const struct catalog_priority *p =
        catalog_priority(c->catalog, c->priority);
    const struct catalog_team *m = catalog_team(c->catalog, c->team);
    if (c->has_topic && !t)
        return err_field(e, OTK_EFORMAT, "topic", "no such topic");
    if (c->has_priority && !p)
        return err_field(e, OTK_EFORMAT, "priority", "no such priority");
    if (c->has_team && !m)
        return err_field(e, OTK_EFORMAT, "team", "no such team");
    if (c->has_topic) {
        c->topic_id = t->id;
        c->c.topic_id = &c->topic_id;
    }
    if (c->has_priority) {
        c->priority_id = p->id;
        c->c.priority_id = &c->priority_id;
    }
    if (c->has_team) {
        c->team_id = m->id;
        c->c.team_id = &c->team_id;
    }
    return OTK_OK;
}

/* If-Match: "3" */
static int read_version(const struct http_request *q, struct change *c,
                        struct err *e)
{
    struct str tag = str_from(http_header(q, "If-Match"));
    if (tag.n == 0 || str_is(tag, "*"))
        return OTK_OK;
    if (tag.n < 3 || tag.p[0] != '"' ||
        str_to_int(str_sub(tag, 1, tag.n - 2), &c->c.if_version) ||
        c->c.if_version < 1)
        return err_field(e, OTK_EFORMAT, "If-Match",
                         "must be the ETag of the ticket");
    return OTK_OK;
}

static bool read_change(json_t *body, struct change *c, struct http_reply *r)
{
    struct err e = {0};
    bool has_state = false;
    bool has_subject = false;
    const struct api_text texts[] = {
        {{"state", false, 1, 20}, &c->state, &has_state},
        {{"subject", false, 1, SUBJECT_MAX}, &c->subject, &has_subject},
        {{"topic", false, 1, KEY_MAX}, &c->topic, &c->has_topic},
        {{"priority", false, 1, KEY_MAX}, &c->priority, &c->has_priority},
        {{"team", false, 1, KEY_MAX}, &c->team, &c->has_team},
    };
    if (!api_texts(body, texts, sizeof(texts) / sizeof(texts[0]), r))
        return false;
    if (has_state)
        c->c.state = &c->state;
    if (has_subject)
        c->c.subject = &c->subject;
    int code = read_labels(c, &e);
    if (!code)
        code = read_assignee(body, c, &e);
    if (!code)
        code = read_tags(body, c, &e);
    if (!code)
        code = read_version(c->q, c, &e);
    if (code)
        problem_of(r, code, &e);
    return !code;
}

void ticket_patch(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"state",    "subject", "topic",
                                         "priority", "team",    "assignee",
                                         "tags",     NULL};
    struct change c = {.q = q};
    struct err e = {0};
    if (!api_id(q->params[0], &c.id, r))
        return;
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    c.catalog = desk_catalog(api_desk(q));
    c.c.catalog = c.catalog;
    if (read_change(body, &c, r)) {
        int code = db_write(desk_db(api_desk(q)), 0, write_change, &c, &e);
        if (code == OTK_ECONFLICT && strcmp(e.field, "version") == 0)
            problem_reply(r, 412, "If-Match", e.msg);
        else if (code)
            problem_of(r, code, &e);
        else
            ticket_reply(q, c.id, r);
    }
    catalog_unref(c.catalog);
    json_decref(body);
}

/* ---- messages
 * ----------------------------------------------------------------------- */

struct writing {
    const struct http_request *q;
    struct http_reply *r;
    struct catalog *catalog;
    int64_t ticket_id;
    struct str kind, body;
};

static int write_message(struct db_tx *tx, void *arg, struct err *e)
{
    struct writing *w = arg;
    int64_t id = 0;
    const struct settings s = desk_settings(api_desk(w->q));
    struct message_new m = {
        .ticket_id = w->ticket_id,
        .kind = str_is(w->kind, "note") ? "note" : "reply",
        .body = w->body,
        .by = api_principal(w->q)->actor,
        .catalog = w->catalog,
    };
    if (s.outbox.command[0])
        m.channels = str_from(s.outbox.channels);
    int r =
        message_add(tx, api_worker(w->q)->stemmer, &m, api_now(w->q), &id, e);
    if (r == OTK_ECONFLICT)
        return err_set(e, OTK_ENOENT, "no ticket %lld",
                       (long long)w->ticket_id);
    w->r->status = 201;
    buf_printf(api_json(w->r), "{\"id\":\"%lld\"}\n", (long long)id);
    return r;
}

void ticket_message_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"kind", "body", NULL};
    struct writing w = {.q = q, .r = r};
    const struct api_text texts[] = {
        {{"kind", true, 1, 10}, &w.kind, NULL},
        {{"body", true, 1, MESSAGE_MAX}, &w.body, NULL},
    };
    if (!api_id(q->params[0], &w.ticket_id, r))
        return;
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    if (api_texts(body, texts, 2, r)) {
        w.catalog = desk_catalog(api_desk(q));
        if (!str_is(w.kind, "reply") && !str_is(w.kind, "note"))
            problem_reply(r, 422, "kind", "is reply or note");
        else if (str_trim(w.body).n == 0)
            problem_reply(r, 422, "body", "is empty");
        else
            api_write(q, r, write_message, &w);
        catalog_unref(w.catalog);
    }
    json_decref(body);
}

/* ---- links
 * ---------------------------------------------------------------------------
 */

struct linking {
    const struct http_request *q;
    struct http_reply *r;
    int64_t id, other;
    struct str kind;
};

static int write_link(struct db_tx *tx, void *arg, struct err *e)
{
    struct linking *l = arg;
    int r = link_add(tx, l->id, l->other, l->kind, api_principal(l->q)->actor,
                     api_now(l->q), e);
    l->r->status = 201;
    buf_printf(api_json(l->r),
               "{\"ticket\":\"%lld\",\"kind\":\"" STR_FMT "\"}\n",
               (long long)l->other, STR_ARG(l->kind));
    return r;
}

void ticket_link_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"ticket", "kind", NULL};
    struct linking l = {.q = q, .r = r};
    struct str other = {0};
    const struct api_text texts[] = {
        {{"ticket", true, 1, 20}, &other, NULL},
        {{"kind", true, 1, 20}, &l.kind, NULL},
    };
    if (!api_id(q->params[0], &l.id, r))
        return;
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    if (api_texts(body, texts, 2, r)) {
        if (str_to_int(other, &l.other) || l.other < 1)
            problem_reply(r, 422, "ticket", "is an id");
        else
            api_write(q, r, write_link, &l);
    }
    json_decref(body);
}

static int drop_link(struct db_tx *tx, void *arg, struct err *e)
{
    struct linking *l = arg;
    l->r->status = 204;
    return link_drop(tx, l->id, l->other, api_principal(l->q)->actor,
                     api_now(l->q), e);
}

void ticket_link_delete(const struct http_request *q, struct http_reply *r)
{
    struct linking l = {.q = q, .r = r};
    if (api_id(q->params[0], &l.id, r) && api_id(q->params[1], &l.other, r))
        api_write(q, r, drop_link, &l);
}

/* ---- merge and split
 * --------------------------------------------------------------------- */

struct joining {
    const struct http_request *q;
    struct http_reply *r;
    struct merging m;
    int64_t id, into, *messages;
    size_t n;
    struct str subject;
};

static void prepare(struct joining *j, struct catalog *c)
{
    const struct settings s = desk_settings(api_desk(j->q));
    j->m = (struct merging){
        .stemmer = api_worker(j->q)->stemmer,
        .catalog = c,
        .language = settings_language(&s),
        .by = api_principal(j->q)->actor,
        .now = api_now(j->q),
    };
}

static int write_merge(struct db_tx *tx, void *arg, struct err *e)
{
    struct joining *j = arg;
    int r = merge(tx, &j->m, j->id, j->into, e);
    buf_printf(api_json(j->r), "{\"merged\":\"%lld\",\"into\":\"%lld\"}\n",
               (long long)j->id, (long long)j->into);
    return r;
}

void ticket_merge(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"into", NULL};
    struct joining j = {.q = q, .r = r};
    struct str into = {0};
    const struct api_text text = {{"into", true, 1, 20}, &into, NULL};
    if (!api_id(q->params[0], &j.id, r))
        return;
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    if (api_texts(body, &text, 1, r)) {
        struct catalog *c = desk_catalog(api_desk(q));
        prepare(&j, c);
        if (str_to_int(into, &j.into) || j.into < 1)
            problem_reply(r, 422, "into", "is an id");
        else
            api_write(q, r, write_merge, &j);
        catalog_unref(c);
    }
    json_decref(body);
}

static int write_split(struct db_tx *tx, void *arg, struct err *e)
{
    struct joining *j = arg;
    int64_t id = 0;
    int r = split(tx, &j->m, j->id, j->messages, j->n, j->subject, &id, e);
    j->r->status = 201;
    buf_printf(api_json(j->r), "{\"id\":\"%lld\"}\n", (long long)id);
    return r;
}

static bool read_messages(json_t *body, struct joining *j, struct http_reply *r)
{
    const json_t *list = json_object_get(body, "messages");
    j->n = json_array_size(list); /* 0 when it is none */
    j->messages = ARENA_ARRAY(j->q->arena, int64_t, j->n + 1);
    for (size_t i = 0; i < j->n; i++) {
        const char *id = json_string_value(json_array_get(list, i));
        if (!id || str_to_int(str_from(id), &j->messages[i])) {
            problem_reply(r, 422, "messages", "is a list of ids");
            return false;
        }
    }
    if (!j->n)
        problem_reply(r, 422, "messages", "is a list of ids");
    return j->n > 0;
}

void ticket_split(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"messages", "subject", NULL};
    struct joining j = {.q = q, .r = r};
    const struct api_text text = {
        {"subject", false, 0, SUBJECT_MAX}, &j.subject, NULL};
    if (!api_id(q->params[0], &j.id, r))
        return;
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    if (api_texts(body, &text, 1, r) && read_messages(body, &j, r)) {
        struct catalog *c = desk_catalog(api_desk(q));
        prepare(&j, c);
        api_write(q, r, write_split, &j);
        catalog_unref(c);
    }
    json_decref(body);
}

/* ---- history
 * --------------------------------------------------------------------------------
 */

struct history {
    const struct http_request *q;
    int64_t id;
    struct audit_row *rows;
    size_t n;
};

static int read_history(struct db_tx *tx, void *arg, struct err *e)
{
    enum { SHOWN = 500 };
    struct history *h = arg;
    struct ticket t;
    int r = ticket_get(tx, h->id, h->q->arena, &t, e);
    return r ? r
             : audit_list(
                   tx,
                   arena_printf(h->q->arena, "ticket:%lld", (long long)h->id),
                   SHOWN, h->q->arena, &h->rows, &h->n, e);
}

void ticket_history_get(const struct http_request *q, struct http_reply *r)
{
    struct history h = {.q = q};
    if (!api_id(q->params[0], &h.id, r) || !api_read(q, r, read_history, &h))
        return;
    struct buf *b = api_json(r);
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < h.n; i++) {
        const struct audit_row *x = &h.rows[i];
        buf_puts(b, i ? ",{" : "{");
        put_key(b, "at");
        put_time(b, x->at);
        put_text(b, "actor", x->actor);
        put_text(b, "action", x->action);
        put_key(b, "detail");
        buf_put_str(b, x->detail);
        buf_putc(b, '}');
    }
    put_list_end(b, 0);
}
