/*
 * api/http.h - the HTTP/1.1 server under the API (RFC 9110, 9112)
 *
 * A route is a method, a path pattern and a function. The function gets a
 * complete request and fills a reply; it may block on the store, because it
 * runs on one of the worker threads while the connection sleeps. Routes
 * marked HTTP_INLINE run on the network thread itself, where all connections
 * wait for them: one that finds out that it would take long says so
 * (http_reply.later), and is run again by a worker.
 * libmicrohttpd does the protocol; slow clients are cut off by a watchdog of
 * ours (it has none), and work that waits is bounded: above the bound the
 * reply is 503 with Retry-After.
 */
#ifndef OTK_API_HTTP_H
#define OTK_API_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct arena;
struct err;
struct http_conn;

enum {
    HTTP_PARAMS_MAX = 4,
    HTTP_HEADERS_MAX = 8,
    HTTP_REPLY_MAX = 64 << 20, /* bytes of one reply body */
};

enum http_flags {
    HTTP_INLINE = 1 << 0, /* quick as a rule; begins on the network thread */
};

struct http_request {
    const struct http_route *route;
    const char *method;
    const char *path;                   /* as sent, before the '?' */
    const char *address;                /* of the client, as text */
    struct str params[HTTP_PARAMS_MAX]; /* of the pattern, decoded, in order */
    struct str body;
    void *upload;        /* what the route's sink opened */
    struct arena *arena; /* lives as long as the request */
    void *ctx;           /* of the server */
    void *worker;        /* of this thread, see http_options.worker_new */
    void *principal;     /* who asks; set by the server's `before` */
    bool on_network;     /* this is the network thread */
    struct http_conn *conn;
};

/* NULL when absent. The query is decoded; one with invalid escapes or with a
 * name twice was refused before. */
const char *http_header(const struct http_request *q, const char *name);
const char *http_query(const struct http_request *q, const char *name);
const char *http_cookie(const struct http_request *q, const char *name);
/* A parameter of the query that is none of `known`, names between spaces;
 * NULL: there is none. */
const char *http_query_unknown(const struct http_request *q, const char *known);

/* The client has closed the connection and hears no reply: what only he would
 * have had of the request need not be computed. */
bool http_gone(const struct http_request *q);

struct http_header {
    const char *name;
    const char *value; /* in the request's arena, or a literal */
};

/* A reply that never ends: server-sent events. */
struct http_stream {
    /* Up to `max` bytes; 0: nothing now, sleep until http_wake(). */
    size_t (*read)(void *state, char *p, size_t max);
    void (*close)(void *state);
    void *state;
};

struct http_reply {
    int status;
    const char *type; /* media type */
    struct buf body;
    int file; /* or the body is this file (owned), -1: none … */
    uint64_t file_from, file_size; /* this much of it, from there on */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t n_headers;
    struct str fixed; /* or these bytes, which outlive the server … */
    struct http_stream stream; /* or this stream, when read != NULL */
    bool later; /* on the network thread only: run me again on a worker */
};

/* `value` must live in the request's arena or for ever. */
void http_reply_header(struct http_reply *r, const char *name,
                       const char *value);

typedef void http_fn(const struct http_request *q, struct http_reply *r);

/*
 * Where an upload goes while it arrives; all on the network thread. open()
 * and write() fail with a filled reply; close() is called once after an
 * open() that succeeded, with `whole` false when the upload broke off before
 * the handler ran; after a whole one the handler has the state in
 * q->upload and close() comes after it.
 */
struct http_sink {
    int (*open)(const struct http_request *q, void **ret, struct http_reply *r);
    int (*write)(void *state, struct str bytes, struct http_reply *r);
    void (*close)(void *state, bool whole);
};

struct http_route {
    const char *method;
    const char
        *pattern; /* "/api/v1/tickets/{id}"; a final {*} takes the rest */
    http_fn *run;
    unsigned flags;
    size_t body_max;              /* 0: the server's default */
    const struct http_sink *sink; /* NULL: the body is collected */
    const void *about;            /* for the server's user: scopes, docs */
    const char *query; /* names of parameters, for the server's user, too */
};

struct http_options {
    const char *address; /* "127.0.0.1" or "::1" */
    int port;            /* 0: any free one */
    int network_threads; /* 0: 2 */
    int workers;         /* 0: 16 */
    size_t queue_max;    /* requests waiting for a worker; 0: 1024 */
    size_t body_max;     /* 0: 1 MiB */
    int connections_max; /* 0: 4000 */
    int idle_s;          /* keep-alive and send time-out; 0: 60 */
    int request_s;       /* for the head, and at least 1 kB/s after; 0: 15 */
    bool behind_proxy;   /* the last of X-Forwarded-For is the client */
    const struct http_route *routes; /* ends with method == NULL */
    void *ctx;

    /* Before the handler, on its thread; false: the reply is filled. */
    bool (*before)(struct http_request *q, struct http_reply *r);
    /* After the reply is chosen: count, log. May be NULL. */
    void (*after)(const struct http_request *q, const struct http_reply *r,
                  int64_t micros);
    /* Errors of the protocol itself: 404, 405, 413, 503. */
    void (*problem)(struct http_reply *r, int status, const char *detail);
    /* Memory that each thread keeps for itself; may be NULL. */
    void *(*worker_new)(void *ctx);
    void (*worker_free)(void *worker);
};

struct http_server;

int http_start(const struct http_options *o, struct http_server **ret,
               struct err *e);
int http_port(const struct http_server *s);
/* Streams look again for something to send. Any thread; cheap. */
void http_wake(struct http_server *s);
/* Stop taking requests, finish those in hand, close streams. */
void http_stop(struct http_server *s);

#endif
