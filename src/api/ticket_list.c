/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/tickets: filters, words, saved views; views and tags. */
#include <string.h>

#include "api/problem.h"
#include "api/ticket_json.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/tag.h"
#include "desk/ticket.h"
#include "desk/view.h"
#include "text/stem.h"
#include "text/unicode.h"

enum {
    WORDS_MAX = 12,
    BATCH = 500,       /* messages whose tickets are read at once */
    LOOKED_MAX = 5000, /* messages in all, when filters let few through */
    FILTER_MAX = 4000,
};

static const char *const filter_names[] = {
    "state", "assignee", "topic",         "priority", "team", "tag",
    "q",     "person",   "updated_since", "late",     NULL};

struct list {
    const struct http_request *q;
    const struct catalog *catalog;
    json_t *view; /* its filter; NULL: none */
    struct ticket_filter filter;
    struct str words[WORDS_MAX]; /* stems to search for */
    size_t n_words;
    bool last_is_prefix;
    size_t limit;
    struct ticket *items;
    size_t n;
    bool has_more;
    int64_t next;
};

/* ---- words
 * ---------------------------------------------------------------------------
 */

/* Tickets in the order in which their messages were found. */
struct batch {
    int64_t messages[BATCH]; /* by which each was found first */
    int64_t ids[BATCH];
    size_t n;
};

static int add_ticket(struct db_tx *tx, struct list *l, int64_t message,
                      struct batch *b, struct err *e)
{
    int64_t id = 0;
    int r =
        db_int_of(tx, &id, e, "SELECT ticket_id FROM messages WHERE id = ?1",
                  "i", message);
    if (r)
        return r == OTK_ENOENT ? OTK_OK : r;
    for (size_t i = 0; i < b->n; i++) {
        if (b->ids[i] == id)
            return OTK_OK;
    }
    for (size_t i = 0; i < l->n; i++) {
        if (l->items[i].id == id)
            return OTK_OK;
    }
    b->messages[b->n] = message;
    b->ids[b->n++] = id;
    return OTK_OK;
}

/* Those that the filter lets through, in their order; true in *ret_full: the
 * page ended at the message *before. */
static int take_tickets(struct db_tx *tx, struct list *l, const struct batch *b,
                        int64_t *before, bool *ret_full, struct err *e)
{
    struct ticket *found;
    size_t n_found;
    struct ticket_filter f = l->filter;
    f.before_id = 0;
    f.ids = b->ids;
    f.n_ids = b->n;
    f.limit = b->n;
    *ret_full = false;
    int r =
        b->n ? ticket_list(tx, &f, l->q->arena, &found, &n_found, e) : OTK_OK;
    for (size_t i = 0; !r && i < b->n && l->n < l->limit; i++) {
        for (size_t k = 0; k < n_found; k++) {
            if (found[k].id == b->ids[i])
                l->items[l->n++] = found[k];
        }
        *before = b->messages[i];
        *ret_full = l->n == l->limit;
    }
    return r;
}

/* The tickets of n messages; *before moves on as far as they were looked at. */
static int take_messages(struct db_tx *tx, struct list *l,
                         const int64_t *messages, size_t n, int64_t *before,
                         bool *ret_full, struct err *e)
{
    struct batch b = {.n = 0};
    int r = OTK_OK;
    for (size_t i = 0; !r && i < n; i++)
        r = add_ticket(tx, l, messages[i], &b, e);
    if (!r)
        r = take_tickets(tx, l, &b, before, ret_full, e);
    if (!r && !*ret_full)
        *before = messages[n - 1];
    return r;
}

/* As many as `take` messages; *ret_more: there may be others after *before. */
static int search_some(struct db_tx *tx, struct list *l, size_t take,
                       int64_t *before, bool *ret_more, struct err *e)
{
    int64_t messages[LOOKED_MAX];
    size_t n = 0;
    bool full = false;
    struct db_text_query t = {
        .all = l->words,
        .n_all = l->n_words,
        .last_is_prefix = l->last_is_prefix,
        .before_id = *before,
        .limit = take,
    };
    int r = db_text_find(tx, "messages_text", &t, messages, &n, e);
    for (size_t i = 0; !r && !full && i < n; i += BATCH)
        r = take_messages(tx, l, messages + i, n - i < BATCH ? n - i : BATCH,
                          before, &full, e);
    *ret_more = n == take || (full && *before > messages[n - 1]);
    return r;
}

/* A page of what has all the words; `after` is a message here. */
static int search(struct db_tx *tx, struct list *l, struct err *e)
{
    int64_t before = l->filter.before_id;
    bool more = true;
    int r = OTK_OK;
    l->items = ARENA_ARRAY(l->q->arena, struct ticket, l->limit + 1);
    l->n = 0;
    /* Most searches end with the first messages. Where a filter lets few of
     * them through, all others are found at once: the start of a frequent word
     * costs the index much each time it is asked. */
    size_t take = 2 * l->limit < BATCH ? 2 * l->limit : BATCH;
    for (size_t looked = 0;
         !r && more && l->n < l->limit && looked < LOOKED_MAX;
         looked += take, take = LOOKED_MAX - looked)
        r = search_some(tx, l, take, &before, &more, e);
    l->has_more = more;
    l->next = before;
    return r;
}

/* ---- reading
 * ----------------------------------------------------------------------------
 */

static int read_list(struct db_tx *tx, void *arg, struct err *e)
{
    struct list *l = arg;
    if (l->n_words)
        return search(tx, l, e);
    l->filter.limit = l->limit + 1;
    int r = ticket_list(tx, &l->filter, l->q->arena, &l->items, &l->n, e);
    l->has_more = l->n > l->limit;
    if (l->has_more)
        l->n = l->limit;
    l->next = l->has_more ? l->items[l->n - 1].id : 0;
    return r;
}

/* Of the query, else of the view. */
static struct str wish(const struct list *l, const char *name)
{
    const char *own = http_query(l->q, name);
    if (!own && l->view)
        own = json_string_value(json_object_get(l->view, name));
    return str_from(own);
}

static bool read_assignee(struct list *l, struct http_reply *r)
{
    struct str who = wish(l, "assignee");
    int64_t *ret = &l->filter.assignee_id;
    if (who.n == 0)
        return true;
    if (str_is(who, "none"))
        *ret = -1;
    else if (str_is(who, "me"))
        *ret = actor_person(api_principal(l->q)->actor);
    else if (str_to_int(who, ret) || *ret < 1) {
        problem_reply(r, 422, "assignee", "is an id, me or none");
        return false;
    }
    return true;
}

static bool read_labels(struct list *l, struct http_reply *r)
{
    struct ticket_filter *f = &l->filter;
    struct str topic = wish(l, "topic");
    struct str priority = wish(l, "priority");
    struct str team = wish(l, "team");
    const char *wrong = NULL;
    if (topic.n) {
        const struct catalog_topic *t = catalog_topic(l->catalog, topic);
        f->topic_id = t ? t->id : 0;
        wrong = t ? wrong : "topic";
    }
    if (priority.n) {
        const struct catalog_priority *p =
            catalog_priority(l->catalog, priority);
        f->priority_id = p ? p->id : 0;
        wrong = p ? wrong : "priority";
    }
    if (team.n) {
        const struct catalog_team *t = catalog_team(l->catalog, team);
        f->team_id = t ? t->id : 0;
        wrong = t ? wrong : "team";
    }
    if (wrong)
        problem_reply(r, 422, wrong, "there is no such key");
    return !wrong;
}

static bool read_rest(struct list *l, struct http_reply *r)
{
    struct err e = {0};
    struct ticket_filter *f = &l->filter;
    struct str since = wish(l, "updated_since");
    struct str person = wish(l, "person");
    struct str tag = wish(l, "tag");
    struct str late = wish(l, "late");
    if (since.n && time_parse(since, &f->updated_since))
        problem_reply(r, 422, "updated_since", "is not an RFC 3339 time");
    else if (person.n &&
             (str_to_int(person, &f->person_id) || f->person_id < 1))
        problem_reply(r, 422, "person", "is an id");
    else if (tag.n && tag_normalize(tag, l->q->arena, &f->tag, &e))
        problem_of(r, e.code, &e);
    else if (late.n && !str_is(late, "true") && !str_is(late, "false"))
        problem_reply(r, 422, "late", "is true or false");
    else {
        f->states = wish(l, "state");
        f->late_at = str_is(late, "true") ? api_now(l->q) : 0;
        return true;
    }
    return false;
}

/* The last word is taken as the beginning of one, unless a space ends it. */
static bool read_words(struct list *l, struct http_reply *r)
{
    struct err e = {0};
    struct str text = wish(l, "q");
    if (str_trim(text).n == 0)
        return true;
    int code = text_check(text, "q", 1, API_WORDS_MAX, &e);
    if (code) {
        problem_of(r, code, &e);
        return false;
    }
    struct str rest = stems_of(l->q->arena, api_worker(l->q)->stemmer, text);
    struct str one;
    while (l->n_words < WORDS_MAX && str_next(&rest, ' ', &one)) {
        if (one.n)
            l->words[l->n_words++] = one;
    }
    l->last_is_prefix = text.p[text.n - 1] != ' ';
    if (l->n_words == 0)
        problem_reply(r, 422, "q", "has no word in it");
    return l->n_words > 0;
}

/* ---- saved views
 * ------------------------------------------------------------------------- */

struct viewing {
    const struct http_request *q;
    struct http_reply *r;
    int64_t id;
    struct view view, *all;
    size_t n;
};

static int read_view(struct db_tx *tx, void *arg, struct err *e)
{
    struct viewing *v = arg;
    return view_get(tx, v->id, actor_person(api_principal(v->q)->actor),
                    v->q->arena, &v->view, e);
}

static bool take_view(struct list *l, struct http_reply *r)
{
    const char *id = http_query(l->q, "view");
    struct viewing v = {.q = l->q};
    if (!id)
        return true;
    if (str_to_int(str_from(id), &v.id)) {
        problem_reply(r, 422, "view", "is an id");
        return false;
    }
    return api_read(l->q, r, read_view, &v) &&
           json_read(v.view.filter, FILTER_MAX, &l->view, NULL) == 0;
}

void ticket_list_get(const struct http_request *q, struct http_reply *r)
{
    struct catalog *c = desk_catalog(api_desk(q));
    struct list l = {.q = q, .catalog = c};
    bool ok = api_page(q, &l.limit, &l.filter.before_id, r) &&
              take_view(&l, r) && read_assignee(&l, r) && read_labels(&l, r) &&
              read_rest(&l, r) && read_words(&l, r) &&
              api_read(q, r, read_list, &l);
    if (ok) {
        struct buf *b = api_json(r);
        buf_puts(b, "{\"items\":[");
        for (size_t i = 0; i < l.n; i++) {
            buf_puts(b, i ? "," : "");
            ticket_put(b, c, &l.items[i], api_language(q));
        }
        put_list_end(b, l.has_more ? l.next : 0);
    }
    json_decref(l.view);
    catalog_unref(c);
}

static int read_views(struct db_tx *tx, void *arg, struct err *e)
{
    struct viewing *v = arg;
    return view_list(tx, actor_person(api_principal(v->q)->actor), v->q->arena,
                     &v->all, &v->n, e);
}

static void put_view(struct buf *b, const struct view *v)
{
    buf_putc(b, '{');
    put_key(b, "id");
    put_id(b, v->id);
    put_text(b, "name", v->name);
    buf_printf(b, ",\"shared\":%s", v->owner_id ? "false" : "true");
    put_key(b, "filter");
    buf_put_str(b, v->filter);
    buf_putc(b, '}');
}

void view_list_get(const struct http_request *q, struct http_reply *r)
{
    struct viewing v = {.q = q};
    if (!api_read(q, r, read_views, &v))
        return;
    struct buf *b = api_json(r);
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < v.n; i++) {
        buf_puts(b, i ? "," : "");
        put_view(b, &v.all[i]);
    }
    put_list_end(b, 0);
}

static int add_view(struct db_tx *tx, void *arg, struct err *e)
{
    struct viewing *v = arg;
    int r = view_add(tx, &v->view, api_now(v->q), &v->view.id, e);
    v->r->status = 201;
    put_view(api_json(v->r), &v->view);
    buf_putc(&v->r->body, '\n');
    return r;
}

/* Texts under known names; anything else is a slip. */
static bool check_filter(json_t *filter, struct http_reply *r)
{
    struct err e = {0};
    const char *name;
    json_t *value;
    if (!json_is_object(filter)) {
        problem_reply(r, 422, "filter", "must be an object");
        return false;
    }
    if (json_known(filter, filter_names, &e)) {
        problem_reply(r, 422, e.field, e.msg);
        return false;
    }
    json_object_foreach(filter, name, value)
    {
        if (!json_is_string(value)) {
            problem_reply(r, 422, name, "must be text");
            return false;
        }
    }
    return true;
}

void view_post(const struct http_request *q, struct http_reply *r)
{
    static const char *const fields[] = {"name", "filter", "shared", NULL};
    struct viewing v = {.q = q, .r = r};
    struct err e = {0};
    bool shared = false;
    struct json_want want_shared = {"shared", false, 0, 0};
    struct api_text name = {
        {"name", true, 1, VIEW_NAME_MAX}, &v.view.name, NULL};
    json_t *body = api_body(q, fields, r);
    if (!body)
        return;
    struct buf filter = BUF_INIT(FILTER_MAX);
    int code = json_flag(body, &want_shared, &shared, &e);
    if (code && code != OTK_ENOENT) {
        problem_of(r, code, &e);
    } else if (api_texts(body, &name, 1, r) &&
               check_filter(json_object_get(body, "filter"), r)) {
        json_put(&filter, json_object_get(body, "filter"), true);
        v.view.filter = buf_str(&filter);
        v.view.owner_id = shared ? 0 : actor_person(api_principal(q)->actor);
        if (buf_check(&filter))
            problem_reply(r, 422, "filter", "is too long");
        else
            api_write(q, r, add_view, &v);
    }
    buf_free(&filter);
    json_decref(body);
}

/* One's own; everybody's only by admins. */
static int drop_view(struct db_tx *tx, void *arg, struct err *e)
{
    struct viewing *v = arg;
    int r = read_view(tx, v, e);
    if (!r && !v->view.owner_id && api_principal(v->q)->is_staff &&
        !api_principal(v->q)->is_admin)
        return err_set(e, OTK_EDENIED, "only admins remove shared views");
    v->r->status = 204;
    return r ? r : view_drop(tx, v->id, e);
}

void view_delete(const struct http_request *q, struct http_reply *r)
{
    struct viewing v = {.q = q, .r = r};
    if (api_id(q->params[0], &v.id, r))
        api_write(q, r, drop_view, &v);
}

/* ---- tags
 * --------------------------------------------------------------------------------
 */

struct tagging {
    const struct http_request *q;
    struct tag_count *items;
    size_t n;
};

static int read_tags(struct db_tx *tx, void *arg, struct err *e)
{
    enum { SHOWN = 500 };
    struct tagging *t = arg;
    return tags_count(tx, SHOWN, t->q->arena, &t->items, &t->n, e);
}

void tag_list_get(const struct http_request *q, struct http_reply *r)
{
    struct tagging t = {.q = q};
    if (!api_read(q, r, read_tags, &t))
        return;
    struct buf *b = api_json(r);
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < t.n; i++) {
        buf_puts(b, i ? ",{" : "{");
        put_text(b, "tag", t.items[i].tag);
        buf_printf(b, ",\"tickets\":%lld}", (long long)t.items[i].tickets);
    }
    put_list_end(b, 0);
}
