/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ticket_json.h"

#include "api/problem.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/attachment.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/message.h"
#include "desk/ticket.h"

static void put_named(struct buf *b, const char *field, struct str key,
                      struct str name)
{
    put_key(b, field);
    if (key.n == 0) {
        buf_puts(b, "null");
        return;
    }
    buf_puts(b, "{\"key\":");
    json_put_text(b, key);
    buf_puts(b, ",\"name\":");
    json_put_text(b, name);
    buf_putc(b, '}');
}

static void put_person(struct buf *b, const char *field, int64_t id,
                       struct str name)
{
    put_key(b, field);
    if (id == 0) {
        buf_puts(b, "null");
        return;
    }
    buf_printf(b, "{\"id\":\"%lld\",\"name\":", (long long)id);
    json_put_text(b, name);
    buf_putc(b, '}');
}

void ticket_put(struct buf *b, const struct catalog *c, const struct ticket *t,
                const char *language)
{
    const struct catalog_topic *topic = catalog_topic_id(c, t->topic_id);
    const struct catalog_priority *priority =
        catalog_priority_id(c, t->priority_id);
    const struct catalog_team *team = catalog_team_id(c, t->team_id);
    const struct catalog_staff *staff = catalog_staff_id(c, t->assignee_id);
    const struct str none = {0};
    buf_printf(b, "{\"id\":\"%lld\",\"number\":%lld", (long long)t->id,
               (long long)t->id);
    put_text(b, "subject", t->subject);
    put_text(b, "state", t->state);
    put_named(b, "topic", topic ? topic->key : none,
              topic ? catalog_name(topic->name, topic->names, language) : none);
    put_named(b, "priority", priority ? priority->key : none,
              priority ? catalog_name(priority->name, priority->names, language)
                       : none);
    put_named(b, "team", team ? team->key : none,
              team ? catalog_name(team->name, team->names, language) : none);
    put_person(b, "assignee", t->assignee_id, staff ? staff->name : none);
    put_person(b, "person", t->person_id, t->person_name);
    put_text(b, "channel", t->channel);
    put_text(b, "language", t->language);
    put_text(b, "reason", t->reason);
    put_key(b, "external_id");
    if (t->external_id.n)
        json_put_text(b, t->external_id);
    else
        buf_puts(b, "null");
    const struct {
        const char *name;
        int64_t at;
    } times[] = {{"created_at", t->created_at},
                 {"updated_at", t->updated_at},
                 {"first_answer_at", t->first_answer_at},
                 {"solved_at", t->solved_at},
                 {"first_due", t->first_answer_at ? 0 : t->dues.first},
                 {"next_due", t->dues.next},
                 {"solution_due", t->dues.solution},
                 {"waiting_since", t->waiting_since}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        put_key(b, times[i].name);
        put_time(b, times[i].at);
    }
    put_key(b, "merged_into");
    put_id(b, t->merged_into);
    buf_printf(b, ",\"version\":%lld}", (long long)t->version);
}

void messages_put(struct buf *b, const struct message *m, size_t n)
{
    buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s{\"id\":\"%lld\"", i ? "," : "", (long long)m[i].id);
        put_text(b, "kind", m[i].kind);
        put_person(b, "author", m[i].author_id, m[i].author);
        put_text(b, "body", m[i].body);
        put_key(b, "created_at");
        put_time(b, m[i].created_at);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

void attachments_put(struct buf *b, const struct attachment *x, size_t n)
{
    buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s{\"id\":\"%lld\"", i ? "," : "", (long long)x[i].id);
        put_key(b, "message");
        put_id(b, x[i].message_id);
        put_text(b, "name", x[i].name);
        put_text(b, "type", x[i].media_type);
        buf_printf(b, ",\"size\":%llu", (unsigned long long)x[i].size);
        put_key(b, "created_at");
        put_time(b, x[i].created_at);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

struct one {
    const struct http_request *q;
    int64_t id;
    struct ticket ticket;
};

static int read_one(struct db_tx *tx, void *arg, struct err *e)
{
    struct one *o = arg;
    return ticket_get(tx, o->id, o->q->arena, &o->ticket, e);
}

void ticket_put_brief(const struct http_request *q, const struct ticket *t,
                      struct http_reply *r)
{
    struct catalog *c = desk_catalog(api_desk(q));
    ticket_put(&r->body, c, t, api_language(q));
    catalog_unref(c);
}

int ticket_read_brief(const struct http_request *q, int64_t id,
                      struct http_reply *r)
{
    struct one o = {.q = q, .id = id};
    struct err e = {0};
    int code = db_read(desk_db(api_desk(q)), 0, read_one, &o, &e);
    if (code) {
        problem_of(r, code, &e);
        return code;
    }
    ticket_put_brief(q, &o.ticket, r);
    return OTK_OK;
}
