/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/intake.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/loads.h"
#include "desk/routing.h"
#include "knowledge/knowledge.h"
#include "knowledge/unanswered.h"
#include "text/language.h"
#include "text/unicode.h"
#include "triage/triage.h"

enum { SUBJECT_BYTES = 120, JSON_BYTES = 256 * 1024, HITS = 3 };

/* Everything about one request on its way. */
struct intake {
    struct desk *d;
    struct desk_worker *w;
    struct intake_ask *ask;
    struct arena *arena;
    struct intake_result *result;
    struct catalog *catalog;
    int64_t now;
    const char *model; /* version */
    const struct catalog_topic *topic;
    const struct catalog_priority *priority;
    bool nothing_found; /* knowledge had no answer */
    int64_t person_id, inbox_id;
};

/* ---- understanding, outside the transaction
 * ---------------------------------------- */

static double threshold(double own, double set)
{
    return set >= 0 ? set : own;
}

static const char *mode_of(const struct intake *in, const struct triage_task *t,
                           double confidence)
{
    const struct settings *s = desk_settings(in->d);
    if (confidence >= threshold(t->auto_threshold, s->triage.auto_threshold))
        return triage_mode_name(TRIAGE_AUTO);
    bool suggests = confidence >= threshold(t->suggest_threshold,
                                            s->triage.suggest_threshold);
    return triage_mode_name(suggests ? TRIAGE_SUGGEST : TRIAGE_ASK);
}

static void take_prediction(struct intake *in, const struct triage_task *t,
                            const struct triage_prediction *p,
                            struct intake_decision *ret)
{
    *ret = (struct intake_decision){
        .confidence = p->confidence,
        .mode = mode_of(in, t, p->confidence),
    };
    if (p->label >= 0)
        ret->label =
            str_from(arena_copy(in->arena, str_from(t->labels[p->label])));
}

static void triage(struct intake *in)
{
    struct triage_model *m = desk_model(in->d);
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    if (!m)
        return;
    const struct triage_info *info = triage_info(m);
    struct intake_result *r = in->result;
    triage_predict(m, in->w->triage, in->ask->text, p);
    in->model = arena_copy(in->arena, str_from(info->version));
    int topic = triage_task_find(m, "topic");
    int priority = triage_task_find(m, "priority");
    if (topic >= 0) {
        r->has_topic = true;
        take_prediction(in, &info->tasks[topic], &p[topic], &r->topic);
        in->topic = catalog_topic(in->catalog, r->topic.label);
    }
    if (priority >= 0) {
        r->has_priority = true;
        take_prediction(in, &info->tasks[priority], &p[priority], &r->priority);
        in->priority = catalog_priority(in->catalog, r->priority.label);
    }
    if (in->topic)
        r->topic.name =
            catalog_name(in->topic->name, in->topic->names, r->language);
    if (in->priority)
        r->priority.name =
            catalog_name(in->priority->name, in->priority->names, r->language);
    r->topic.name = arena_str(in->arena, r->topic.name);
    r->priority.name = arena_str(in->arena, r->priority.name);
    triage_unref(m);
}

static void answer(struct intake *in)
{
    struct intake_result *r = in->result;
    struct knowledge_hit hits[HITS];
    struct knowledge_index *x = desk_knowledge(in->d);
    if (!x || in->ask->want_ticket || r->outcome == INTAKE_IGNORED) {
        knowledge_index_unref(x);
        return;
    }
    struct knowledge_query q = {
        .text = in->ask->text,
        .language = str_from(r->language),
        .topic = r->topic.label,
    };
    const struct settings *s = desk_settings(in->d);
    size_t n = knowledge_search(x, in->w->knowledge, &q, hits, HITS);
    double sure = n ? hits[0].confidence : 0;
    in->nothing_found = sure < s->knowledge.answer_threshold;
    if (!in->nothing_found && s->knowledge.answer_first) {
        r->outcome = INTAKE_ANSWERED;
        r->answer = (struct intake_answer){
            .article = hits[0].article->id,
            .title = arena_str(in->arena, hits[0].article->title),
            .text = arena_str(in->arena, hits[0].article->answer),
            .passage = arena_str(in->arena, hits[0].passage),
            .confidence = sure,
        };
    }
    knowledge_index_unref(x);
}

static const char *language_of(const struct intake *in)
{
    struct language_guess g = language_detect(in->ask->text);
    if (g.language == LANGUAGE_RU || g.language == LANGUAGE_EN)
        return language_code(g.language);
    const char *own = desk_settings(in->d)->desk.language;
    return strcmp(own, "en") == 0 ? "en" : "ru";
}

/* Greetings and nonsense of which the model is sure are no ticket. */
static bool says_nothing(const struct intake_result *r,
                         const struct intake_ask *ask)
{
    return r->has_topic && r->topic.label.n == 0 && !ask->want_ticket &&
           strcmp(r->topic.mode, triage_mode_name(TRIAGE_AUTO)) == 0;
}

static void understand(struct intake *in)
{
    struct intake_result *r = in->result;
    r->outcome = INTAKE_TICKET;
    r->language = language_of(in);
    triage(in);
    if (says_nothing(r, in->ask))
        r->outcome = INTAKE_IGNORED;
    answer(in);
}

/* ---- storing, inside it
 * -------------------------------------------------------------- */

static struct str answer_json(const struct intake *in)
{
    const struct intake_answer *x = &in->result->answer;
    struct buf b = BUF_INIT(JSON_BYTES);
    buf_printf(&b, "{\"article\":%lld,\"title\":", (long long)x->article);
    json_put_text(&b, x->title);
    buf_puts(&b, ",\"text\":");
    json_put_text(&b, x->text);
    buf_puts(&b, ",\"passage\":");
    json_put_text(&b, x->passage);
    buf_puts(&b, ",\"confidence\":");
    json_put_real(&b, x->confidence);
    buf_putc(&b, '}');
    struct str kept = arena_str(in->arena, buf_str(&b));
    buf_free(&b);
    return kept;
}

static int put_inbox(struct db_tx *tx, struct intake *in, struct err *e)
{
    static const char *const stages[] = {"answered", "ticket", "ignored"};
    const struct intake_ask *ask = in->ask;
    const char *answer = in->result->outcome == INTAKE_ANSWERED
                             ? arena_copy(in->arena, answer_json(in))
                             : NULL;
    return db_int_of(
        tx, &in->inbox_id, e,
        "INSERT INTO inbox (channel, dedup, person_id, text, stage, token, "
        "answer_json, received_at, done_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
        "?7, ?8, ?8) RETURNING id",
        "ttIsttti", ask->channel,
        ask->dedup.n ? arena_copy(in->arena, ask->dedup) : NULL,
        in->person_id ? &in->person_id : NULL, ask->text,
        stages[in->result->outcome], in->result->token, answer, in->now);
}

static int put_prediction(struct db_tx *tx, const struct intake *in,
                          const char *task, const struct intake_decision *p,
                          struct err *e)
{
    int64_t ticket = in->result->ticket_id;
    return db_exec(tx, e,
                   "INSERT INTO predictions (inbox_id, ticket_id, task, model, "
                   "label, confidence, mode, created_at) VALUES (?1, ?2, ?3, "
                   "?4, ?5, ?6, ?7, ?8)",
                   "iIttsrti", in->inbox_id, ticket ? &ticket : NULL, task,
                   in->model, p->label, p->confidence, p->mode, in->now);
}

/* The first line, cut where a word ends. */
static struct str subject_of(struct str text)
{
    text = str_trim(text);
    struct str line = str_trim(str_sub(text, 0, str_find(text, '\n')));
    if (line.n <= SUBJECT_BYTES)
        return line;
    struct str cut = utf8_cut(line, SUBJECT_BYTES);
    size_t space = cut.n;
    while (space > cut.n / 2 && cut.p[space - 1] != ' ')
        space--;
    return str_trim(space > cut.n / 2 ? str_sub(cut, 0, space) : cut);
}

/* A decision that is only a guess is shown to a person, not acted on. */
static bool acts(const struct intake_decision *p)
{
    return p->label.n && strcmp(p->mode, triage_mode_name(TRIAGE_ASK)) != 0;
}

static int put_ticket(struct db_tx *tx, struct intake *in, struct err *e)
{
    struct intake_result *r = in->result;
    struct route route;
    struct route_ask ask = {
        .topic = acts(&r->topic) ? in->topic : NULL,
        .priority = acts(&r->priority)
                        ? in->priority
                        : catalog_priority(in->catalog, STR("normal")),
        .language = r->language,
        .at = in->now,
    };
    struct route_load *loads;
    int err = loads_read(tx, in->catalog, in->arena, &loads, e);
    if (err)
        return err;
    route_choose(in->catalog, loads, &ask, in->arena, &route, NULL);
    struct ticket_new t = {
        .subject = subject_of(in->ask->text),
        .language = str_from(r->language),
        .reason = str_from(route.reason),
        .channel = in->ask->channel,
        .topic_id = ask.topic ? ask.topic->id : 0,
        .priority_id = ask.priority ? ask.priority->id : 0,
        .team_id = route.team ? route.team->id : 0,
        .assignee_id = route.staff ? route.staff->id : 0,
        .person_id = in->person_id,
        .external_id = in->ask->external_id,
        .dues = sla_dues(in->catalog, ask.topic, ask.priority, in->now),
    };
    struct actor by = in->person_id
                          ? (struct actor){ACTOR_PERSON, in->person_id}
                          : in->ask->by;
    err = ticket_insert(tx, &t, by, in->now, &r->ticket_id, e);
    if (!err)
        err = message_add(tx, in->w->stemmer, r->ticket_id, "request", by,
                          in->ask->text, in->now, NULL, e);
    if (!err)
        err = db_exec(tx, e,
                      "UPDATE inbox SET ticket_id = ?2, stage = 'ticket' WHERE "
                      "id = ?1",
                      "ii", in->inbox_id, r->ticket_id);
    return err;
}

static int find_repeat(struct db_tx *tx, struct intake *in, struct err *e)
{
    int64_t id = 0;
    if (in->ask->dedup.n == 0)
        return OTK_ENOENT;
    int r = db_int_of(tx, &id, e,
                      "SELECT id FROM inbox WHERE channel = ?1 AND dedup = ?2",
                      "ts", in->ask->channel, in->ask->dedup);
    if (!r)
        in->inbox_id = id;
    return r;
}

static int store(struct db_tx *tx, void *arg, struct err *e)
{
    struct intake *in = arg;
    struct intake_result *r = in->result;
    int err = find_repeat(tx, in, e);
    if (err != OTK_ENOENT) {
        r->is_repeat = !err;
        return err;
    }
    err = person_get_or_make(tx, &in->ask->person, in->now, &in->person_id, e);
    if (!err)
        err = put_inbox(tx, in, e);
    if (!err && r->outcome == INTAKE_TICKET)
        err = put_ticket(tx, in, e);
    if (!err && r->has_topic)
        err = put_prediction(tx, in, "topic", &r->topic, e);
    if (!err && r->has_priority)
        err = put_prediction(tx, in, "priority", &r->priority, e);
    if (!err && in->nothing_found && r->outcome == INTAKE_TICKET)
        err = unanswered_add(tx, in->ask->text, r->language, r->topic.label,
                             in->now, e);
    return err;
}

static int check(struct intake *in, struct err *e)
{
    struct intake_ask *ask = in->ask;
    size_t max = (size_t)desk_settings(in->d)->triage.text_max;
    int r = text_check(ask->text, "text", 1, max, e);
    if (!r)
        r = text_check(ask->external_id, "external_id", 0, DEDUP_MAX, e);
    if (!r)
        r = text_check(ask->dedup, "Idempotency-Key", 0, DEDUP_MAX, e);
    return r ? r : person_check(&ask->person, in->arena, e);
}

/* ---- reading a request back
 * ------------------------------------------------------------ */

struct lookup {
    struct arena *arena;
    struct catalog *catalog;
    struct str token; /* or … */
    int64_t inbox_id; /* … this, when not 0 */
    struct intake_result *ret;
    struct str text; /* of the request, for what follows */
    int64_t person_id;
    struct str channel;
};

static void read_answer(struct str json, struct lookup *l)
{
    json_t *o = NULL;
    if (json.n == 0 || json_read(json, JSON_BYTES, &o, NULL))
        return;
    struct intake_answer *x = &l->ret->answer;
    struct arena *a = l->arena;
    x->article = json_integer_value(json_object_get(o, "article"));
    x->title = str_from(arena_copy(
        a, str_from(json_string_value(json_object_get(o, "title")))));
    x->text = str_from(
        arena_copy(a, str_from(json_string_value(json_object_get(o, "text")))));
    x->passage = str_from(arena_copy(
        a, str_from(json_string_value(json_object_get(o, "passage")))));
    x->confidence = json_number_value(json_object_get(o, "confidence"));
    json_decref(o);
}

static int read_predictions(struct db_tx *tx, struct lookup *l, int64_t inbox,
                            struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT task, label, confidence, mode FROM predictions "
                     "WHERE inbox_id = ?1",
                     "i", inbox);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        bool topic = str_is(db_text(rows, 0), "topic");
        struct intake_decision *p = topic ? &l->ret->topic : &l->ret->priority;
        *p = (struct intake_decision){
            .label = arena_str(l->arena, db_text(rows, 1)),
            .confidence = db_real(rows, 2),
            .mode = arena_copy(l->arena, db_text(rows, 3)),
        };
        if (topic)
            l->ret->has_topic = true;
        else
            l->ret->has_priority = true;
        const struct catalog_topic *t = catalog_topic(l->catalog, p->label);
        const struct catalog_priority *u =
            catalog_priority(l->catalog, p->label);
        if (topic && t)
            p->name = arena_str(l->arena, t->name);
        else if (!topic && u)
            p->name = arena_str(l->arena, u->name);
    }
    db_rows_free(rows);
    return r;
}

static int look_up(struct db_tx *tx, void *arg, struct err *e)
{
    struct lookup *l = arg;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT id, token, stage, ticket_id, answer_json, text, "
                     "person_id, channel FROM inbox WHERE token = ?1 OR id = "
                     "?2",
                     "si", l->token, l->inbox_id);
    if (r)
        return r;
    r = db_next(rows, e);
    int64_t id = 0;
    if (r > 0) {
        struct str stage = db_text(rows, 2);
        id = db_int(rows, 0);
        (void)snprintf(l->ret->token, TOKEN_BYTES, STR_FMT,
                       STR_ARG(db_text(rows, 1)));
        l->ret->outcome = str_is(stage, "answered")  ? INTAKE_ANSWERED
                          : str_is(stage, "ignored") ? INTAKE_IGNORED
                                                     : INTAKE_TICKET;
        l->ret->ticket_id = db_int(rows, 3);
        read_answer(db_text(rows, 4), l);
        l->text = arena_str(l->arena, db_text(rows, 5));
        l->person_id = db_int(rows, 6);
        l->channel = arena_str(l->arena, db_text(rows, 7));
        l->inbox_id = id;
    }
    db_rows_free(rows);
    if (r == 0)
        return err_set(e, OTK_ENOENT, "no such request");
    return r < 0 ? r : read_predictions(tx, l, id, e);
}

static int read_back(struct desk *d, struct lookup *l, struct err *e)
{
    *l->ret = (struct intake_result){.language = ""};
    l->catalog = desk_catalog(d);
    int r = db_read(desk_db(d), 0, look_up, l, e);
    catalog_unref(l->catalog);
    return r;
}

int intake_find(struct desk *d, struct str token, struct arena *a,
                struct intake_result *ret, struct err *e)
{
    struct lookup l = {.arena = a, .token = token, .ret = ret};
    return read_back(d, &l, e);
}

int intake_submit(struct desk *d, struct desk_worker *w, struct intake_ask *ask,
                  struct arena *a, struct intake_result *ret, struct err *e)
{
    *ret = (struct intake_result){0};
    struct intake in = {
        .d = d,
        .w = w,
        .ask = ask,
        .arena = a,
        .result = ret,
        .now = clock_wall(desk_clock(d)),
        .model = "",
    };
    int r = check(&in, e);
    if (r)
        return r;
    rand_token(ret->token, (TOKEN_BYTES - 1) / 2);
    in.catalog = desk_catalog(d);
    understand(&in);
    r = db_write(desk_db(d), 0, store, &in, e);
    catalog_unref(in.catalog);
    if (!r && ret->is_repeat) {
        struct lookup l = {.arena = a, .inbox_id = in.inbox_id, .ret = ret};
        r = read_back(d, &l, e);
        ret->is_repeat = true;
    }
    return r;
}

/* ---- did it help?
 * ------------------------------------------------------------------------ */

struct feedback {
    struct intake in;
    bool helpful;
    struct str comment;
};

static int store_feedback(struct db_tx *tx, void *arg, struct err *e)
{
    struct feedback *f = arg;
    struct intake *in = &f->in;
    int64_t ticket = 0;
    int64_t article = in->result->answer.article;
    int r = db_int_of(tx, &ticket, e,
                      "SELECT COALESCE(ticket_id, 0) FROM inbox WHERE id = ?1",
                      "i", in->inbox_id);
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO feedback (inbox_id, article_id, kind, value, "
                    "comment, created_at) VALUES (?1, (SELECT id FROM articles "
                    "WHERE id = ?2), 'thumb', ?3, ?4, ?5)",
                    "iiisi", in->inbox_id, article, (int64_t)f->helpful,
                    f->comment, in->now);
    in->result->ticket_id = ticket;
    if (!r && !f->helpful && !ticket)
        r = put_ticket(tx, in, e);
    if (!r && !f->helpful)
        r = unanswered_add(tx, in->ask->text, in->result->language,
                           in->result->topic.label, in->now, e);
    return r;
}

int intake_feedback(struct desk *d, struct desk_worker *w, struct str token,
                    bool helpful, struct str comment, struct arena *a,
                    struct intake_result *ret, struct err *e)
{
    enum { COMMENT_MAX = 2000 };
    struct lookup l = {.arena = a, .token = token, .ret = ret};
    int r = text_check(comment, "comment", 0, COMMENT_MAX, e);
    if (!r)
        r = read_back(d, &l, e);
    if (r)
        return r;
    struct intake_ask ask = {
        .channel = arena_copy(a, l.channel),
        .text = l.text,
        .want_ticket = true,
    };
    struct feedback f = {
        .in = {.d = d,
               .w = w,
               .ask = &ask,
               .arena = a,
               .result = ret,
               .now = clock_wall(desk_clock(d)),
               .model = "",
               .person_id = l.person_id,
               .inbox_id = l.inbox_id},
        .helpful = helpful,
        .comment = comment,
    };
    f.in.catalog = desk_catalog(d);
    ret->language = language_of(&f.in);
    f.in.topic = catalog_topic(f.in.catalog, ret->topic.label);
    f.in.priority = catalog_priority(f.in.catalog, ret->priority.label);
    r = db_write(desk_db(d), 0, store_feedback, &f, e);
    catalog_unref(f.in.catalog);
    if (!r && ret->ticket_id)
        ret->outcome = INTAKE_TICKET;
    return r;
}
