/*
 * api/api.h - the API over HTTP: what its endpoints share
 *
 * Routes stand in routes.c, one table; handlers in endpoint files by subject.
 * A handler reads its input, works in one db_read() or db_write() closure, and
 * fills the reply; failures go through problem_of().
 */
#ifndef OTK_API_API_H
#define OTK_API_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/http.h"
#include "base/embed.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/access.h"
#include "desk/actor.h"

struct desk;
struct desk_worker;
struct api;

struct api_options {
    struct desk *desk;
    const struct embed *pages; /* of web/dist; NULL-named end */
    /* more lines for /metrics, from any thread; may be NULL */
    void (*more_metrics)(void *arg, struct buf *b);
    void *more_metrics_arg;
    const char *demo; /* shown on the sign-in page; NULL: no demo */
};

/* Listens when it returns. api_stop() finishes what is in hand. */
int api_start(const struct api_options *o, struct api **ret, struct err *e);
int api_port(const struct api *a);
void api_stop(struct api *a);

/* ---- for endpoint files
 * --------------------------------------------------------------- */

enum { API_WORDS_MAX = 4000 /* characters of what is searched for */ };

/* Who asks. Filled before the handler runs. */
struct principal {
    struct actor actor;
    unsigned scopes;
    bool is_staff, is_admin;
    struct session session; /* of staff */
};

/* What a route says about itself, besides how it is matched. */
struct api_about {
    unsigned scope;   /* that a key needs; 0: anybody */
    bool anonymous;   /* also without any; see access.anonymous */
    bool for_viewers; /* changes nothing that a viewer must not change */
};

struct desk *api_desk(const struct http_request *q);
struct desk_worker *api_worker(const struct http_request *q);
const struct principal *api_principal(const struct http_request *q);
int64_t api_now(const struct http_request *q);
struct api *api_of(const struct http_request *q);
void api_more_metrics(const struct api *a, struct buf *b);

/* The body as a JSON object with only these fields (NULL: any); NULL: replied
 * already. json_decref() it. */
json_t *api_body(const struct http_request *q, const char *const *fields,
                 struct http_reply *r);

/* An id out of a path or a query; false: replied already (404, 422). */
bool api_id(struct str text, int64_t *ret, struct http_reply *r);

/* `limit` and `after` of lists; false: replied already. */
bool api_page(const struct http_request *q, size_t *ret_limit,
              int64_t *ret_after, struct http_reply *r);

/* A parameter that is one of "a b c", empty when it was not sent; false:
 * replied already. */
bool api_one_of(const struct http_request *q, const char *name,
                const char *choices, struct str *ret, struct http_reply *r);

/* The client's wish for a language: "ru" or "en". */
const char *api_language(const struct http_request *q);

/*
 * db_write() of an endpoint. `fn` also fills the reply, which starts empty with
 * status 200; a POST with an Idempotency-Key (draft-ietf-httpapi-idempotency-
 * key-header) is done once: its reply is kept in the same transaction and is
 * the reply to every repeat. Failures become problems.
 */
void api_write(const struct http_request *q, struct http_reply *r, db_fn *fn,
               void *arg);
/* As api_write(), of a request whose body was read as a stream: `body` stands
 * for it when a repeat is compared with the first time. */
void api_write_body(const struct http_request *q, struct http_reply *r,
                    struct str body, db_fn *fn, void *arg);

/* Whose an Idempotency-Key is: "staff:3", "key:2", "address:192.0.2.1". */
struct str api_owner(const struct http_request *q);

/* db_read() of an endpoint; false: the reply is a problem. */
bool api_read(const struct http_request *q, struct http_reply *r, db_fn *fn,
              void *arg);

/* Fields of a JSON body that are texts; false: replied already. */
struct api_text {
    struct json_want want;
    struct str *at;
    bool *there; /* was it said? may be NULL */
};
bool api_texts(const json_t *o, const struct api_text *t, size_t n,
               struct http_reply *r);

/* "application/json", 200, and the start of a body. */
struct buf *api_json(struct http_reply *r);

/* Small pieces of JSON. */
void put_key(struct buf *b, const char *name); /* ,"name": or "name": */
void put_text(struct buf *b, const char *name, struct str text);
void put_time(struct buf *b, int64_t ms); /* null when 0 */
void put_id(struct buf *b, int64_t id);   /* "15", null when 0 */
/* What ends a list: ],"has_more":…,"next":…}; 0: there is no more. */
void put_list_end(struct buf *b, int64_t next);

/* Whether this address may try to sign in again; false: replied already. */
bool api_may_sign_in(const struct http_request *q, struct http_reply *r);

/* Followers: see events.c. */
struct followers;
struct followers *followers_new(struct desk *d);
void followers_start(struct followers *f, struct http_server *s);
void followers_stop(struct followers *f); /* before the store goes */
void followers_free(struct followers *f);
struct followers *api_followers(struct api *a);

/* Counters for /metrics: see metrics.c. */
struct metrics;
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);
void metrics_count(struct metrics *m, const struct http_route *route,
                   int status, int64_t micros);
struct metrics *api_metrics(struct api *a);

const struct embed *api_pages(const struct api *a);
const char *api_demo(const struct api *a);

extern const struct http_route api_routes[];

http_fn request_post, request_get, request_feedback, request_message_post;
http_fn request_attachment_post, request_attachment_get;
http_fn ticket_list_get, ticket_one_get, ticket_post, ticket_patch;
http_fn ticket_message_post, ticket_merge, ticket_split, ticket_route_get;
http_fn ticket_link_post, ticket_link_delete, ticket_history_get;
http_fn ticket_similar_get;
http_fn ticket_attachment_post, attachment_file_get, attachment_file_delete;
http_fn view_list_get, view_post, view_delete, tag_list_get;
http_fn canned_list_get, canned_post, canned_delete;
http_fn people_list_get, person_one_get, person_post, person_patch,
    person_delete, erasure_get;
http_fn session_post, session_get, session_delete;
http_fn staff_get, topics_get, priorities_get, catalog_get, catalog_patch;
http_fn knowledge_search_get, unanswered_get, unanswered_patch;
http_fn article_list_get, article_one_get, article_post, article_patch;
http_fn key_list_get, key_post, key_delete;
http_fn settings_get, settings_patch, audit_get, outbox_get, outbox_post,
    job_list_get, job_post;
http_fn triage_post, events_get;
http_fn predict_post, health_get, ready_get, bert_post, bert_async_post,
    result_get, status_get;
http_fn healthz_get, readyz_get, metrics_get, openapi_get;
http_fn page_index, page_desk, page_docs, page_file;

extern const struct http_sink api_upload; /* see upload.h */

#endif
