/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The active model over HTTP: our own /api/v1/triage, and the endpoints of two
 * services whose clients may switch to us, with exactly their JSON.
 */
#include <string.h>

#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rand.h"
#include "db/db.h"
#include "desk/desk.h"
#include "text/unicode.h"
#include "triage/triage.h"

/* The `text` of the body; NULL: replied already. */
static json_t *read_text(const struct http_request *q, struct str *ret,
                         struct http_reply *r)
{
    static const char *const fields[] = {"text", NULL};
    struct err e = {0};
    struct json_want want = {"text", true, 1, 1 << 24};
    json_t *body = api_body(q, fields, r);
    if (!body)
        return NULL;
    size_t max = (size_t)desk_settings(api_desk(q)).triage.text_max;
    if (json_text(body, &want, ret, &e) ||
        text_check(*ret, "text", 1, max, &e)) {
        problem_reply(r, 422, e.field, e.msg);
        json_decref(body);
        return NULL;
    }
    return body;
}

/* The model with a prediction of the body's text; NULL: replied already, or
 * this thread is not the one to compute it. */
static struct triage_model *predict(const struct http_request *q,
                                    struct triage_prediction *p,
                                    struct http_reply *r)
{
    struct str text;
    if (!q->on_network && http_gone(q)) { /* while it waited for a worker */
        problem_reply(r, 503, NULL, "the client has gone");
        return NULL;
    }
    struct triage_model *m = desk_model(api_desk(q));
    if (!m) {
        problem_reply(r, 503, NULL, "no model is trained yet");
        return NULL;
    }
    json_t *body = read_text(q, &text, r);
    if (!body) {
        triage_unref(m);
        return NULL;
    }
    r->later = q->on_network && !triage_at_once(m, text);
    if (r->later) {
        triage_unref(m);
        m = NULL;
    } else {
        triage_predict(m, api_worker(q)->triage, text, p);
    }
    json_decref(body);
    return m;
}

/* {"topic": …, "priority": …, "topic_scores": {…}, "priority_scores": {…}} */
void predict_post(const struct http_request *q, struct http_reply *r)
{
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    struct triage_model *m = predict(q, p, r);
    if (!m)
        return;
    const struct triage_info *info = triage_info(m);
    struct buf *b = &r->body;
    r->type = "application/json";
    buf_putc(b, '{');
    for (size_t t = 0; t < info->n_tasks; t++) {
        put_key(b, info->tasks[t].name);
        json_put_text(b, str_from(triage_label(&info->tasks[t], &p[t])));
    }
    for (size_t t = 0; t < info->n_tasks; t++) {
        buf_printf(b, ",\"%s_scores\":", info->tasks[t].name);
        triage_put_scores(&info->tasks[t], &p[t], b);
    }
    buf_puts(b, "}\n");
    triage_unref(m);
}

/* With confidence, mode and the model's version. */
void triage_post(const struct http_request *q, struct http_reply *r)
{
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    struct triage_model *m = predict(q, p, r);
    if (!m)
        return;
    const struct triage_info *info = triage_info(m);
    struct buf *b = &r->body;
    r->type = "application/json";
    buf_puts(b, "{\"model\":");
    json_put_text(b, str_from(info->version));
    put_key(b, "tasks");
    buf_putc(b, '{');
    for (size_t t = 0; t < info->n_tasks; t++) {
        put_key(b, info->tasks[t].name);
        buf_puts(b, "{\"label\":");
        json_put_text(b, str_from(triage_label(&info->tasks[t], &p[t])));
        put_key(b, "confidence");
        json_put_real(b, p[t].confidence);
        buf_printf(b,
                   ",\"mode\":\"%s\",\"scores\":", triage_mode_name(p[t].mode));
        triage_put_scores(&info->tasks[t], &p[t], b);
        buf_putc(b, '}');
    }
    buf_puts(b, "}}\n");
    triage_unref(m);
}

void health_get(const struct http_request *q, struct http_reply *r)
{
    (void)q;
    r->type = "application/json";
    buf_puts(&r->body, "{\"status\":\"ok\"}\n");
}

void ready_get(const struct http_request *q, struct http_reply *r)
{
    struct triage_model *m = desk_model(api_desk(q));
    r->type = "application/json";
    r->status = m ? 200 : 503;
    buf_puts(&r->body, m ? "{\"status\":\"ready\"}\n"
                         : "{\"status\":\"model not loaded\"}\n");
    triage_unref(m);
}

/* ---- the prioritisation service
 * ----------------------------------------------------- */

static bool priority_of(const struct http_request *q, struct str *ret_label,
                        double *ret_score, struct str *ret_version,
                        struct http_reply *r)
{
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    struct triage_model *m = predict(q, p, r);
    if (!m)
        return false;
    int t = triage_task_find(m, "priority");
    const struct triage_info *info = triage_info(m);
    if (t < 0) {
        problem_reply(r, 503, NULL, "the active model has no priorities");
    } else {
        *ret_label =
            arena_str(q->arena, str_from(triage_label(&info->tasks[t], &p[t])));
        *ret_score = p[t].confidence;
        *ret_version = arena_str(q->arena, str_from(info->version));
    }
    triage_unref(m);
    return t >= 0;
}

static void put_priority(struct buf *b, struct str label, double score)
{
    buf_puts(b, "{\"task_priority\":");
    json_put_text(b, label);
    buf_puts(b, ",\"priority_score\":");
    json_put_real(b, score);
    buf_putc(b, '}');
}

void bert_post(const struct http_request *q, struct http_reply *r)
{
    struct str label, version;
    double score;
    if (!priority_of(q, &label, &score, &version, r))
        return;
    r->type = "application/json";
    put_priority(&r->body, label, score);
}

enum { TASK_BYTES = 33 };

struct task {
    const struct http_request *q;
    struct http_reply *r;
    struct str label, version;
    double score;
    char token[TASK_BYTES];
};

static int store_task(struct db_tx *tx, void *arg, struct err *e)
{
    struct task *t = arg;
    /* the field's name is that service's own */
    buf_printf(api_json(t->r),
               "{\"task_id\":\"%s\",\"priorstatusity_score\":\"submitted\"}",
               t->token);
    return db_exec(tx, e,
                   "INSERT INTO predictions (task, model, label, confidence, "
                   "mode, token, created_at) VALUES ('priority', ?1, ?2, ?3, "
                   "'suggest', ?4, ?5)",
                   "ssrti", t->version, t->label, t->score, t->token,
                   api_now(t->q));
}

void bert_async_post(const struct http_request *q, struct http_reply *r)
{
    struct task t = {.q = q, .r = r};
    if (!priority_of(q, &t.label, &t.score, &t.version, r))
        return;
    rand_token(t.token, (TASK_BYTES - 1) / 2);
    api_write(q, r, store_task, &t);
}

static int load_task(struct db_tx *tx, void *arg, struct err *e)
{
    struct task *t = arg;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT label, confidence FROM predictions WHERE token = "
                     "?1 AND task = 'priority'",
                     "s", t->q->params[0]);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        t->label = arena_str(t->q->arena, db_text(rows, 0));
        t->score = db_real(rows, 1);
    }
    db_rows_free(rows);
    return r > 0 ? OTK_OK : r < 0 ? r : err_set(e, OTK_ENOENT, "no such task");
}

void result_get(const struct http_request *q, struct http_reply *r)
{
    struct task t = {.q = q};
    struct err e = {0};
    int code = db_read(desk_db(api_desk(q)), 0, load_task, &t, &e);
    if (code) {
        problem_of(r, code, &e);
        return;
    }
    r->type = "application/json";
    buf_printf(&r->body,
               "{\"task_id\":\"" STR_FMT "\",\"status\":\"SUCCESS\","
               "\"result\":",
               STR_ARG(q->params[0]));
    put_priority(&r->body, t.label, t.score);
    buf_puts(&r->body, "}\n");
}

void status_get(const struct http_request *q, struct http_reply *r)
{
    struct triage_model *m = desk_model(api_desk(q));
    r->type = "application/json";
    buf_printf(&r->body,
               "{\"status\":\"%s\",\"components\":{\"model\":\"%s\","
               "\"database\":\"%s\"}}\n",
               m ? "ok" : "degraded",
               m ? triage_info(m)->version : "not loaded",
               db_driver(desk_db(api_desk(q))));
    triage_unref(m);
}
