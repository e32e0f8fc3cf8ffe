/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on libmicrohttpd. A connection is owned by its network thread
 * until it is suspended, then by the worker that has it, and by the network
 * thread again once resumed: there is never more than one owner, so nothing
 * in struct http_conn needs a lock.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/http.h"
#include "api/http_head.h"
#include "api/http_pool.h"
#include "api/http_stream.h"
#include "api/http_watch.h"
#include "api/router.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    NETWORK_THREADS = 2,
    WORKERS = 16,
    QUEUE_MAX = 1024,
    BODY_MAX = 1 << 20,
    DRAIN_MAX = 64 << 20, /* of a body that is refused */
    CONNECTIONS_MAX = 4000,
    IDLE_S = 60,
    REQUEST_S = 15,
    CONNECTION_MEMORY = 32 * 1024, /* head of a request; above it 431 */
    ARENAS_KEPT = 64,
};

struct http_server {
    struct http_options o;
    struct MHD_Daemon *daemon;
    struct http_pool *pool;
    _Atomic bool stopping;
    struct http_watch *watch;
    struct http_streams *streams;
    int port;
    pthread_key_t worker_key; /* the worker memory of network threads */
    pthread_mutex_t arenas_lock;
    struct arena *arenas[ARENAS_KEPT]; /* used ones, kept warm */
    size_t n_arenas;
};

enum stage { STAGE_BODY, STAGE_WORK, STAGE_REPLY };

struct http_conn {
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct http_request request;
    struct http_reply reply;
    struct buf body;
    enum stage stage;
    bool has_sink;
    bool admitted;  /* `before` had its say */
    bool refused;   /* the reply stands already, the rest is thrown away */
    size_t drained; /* so many bytes of it */
    int64_t start_us;
    char address[INET6_ADDRSTRLEN];
};

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- arenas, kept from request to request -----------------------------------
 */

static struct arena *arena_take(struct http_server *s)
{
    struct arena *a = NULL;
    pthread_mutex_lock(&s->arenas_lock);
    if (s->n_arenas)
        a = s->arenas[--s->n_arenas];
    pthread_mutex_unlock(&s->arenas_lock);
    return a ? a : arena_new();
}

static void arena_give(struct http_server *s, struct arena *a)
{
    arena_reset(a);
    pthread_mutex_lock(&s->arenas_lock);
    if (s->n_arenas < ARENAS_KEPT) {
        s->arenas[s->n_arenas++] = a;
        a = NULL;
    }
    pthread_mutex_unlock(&s->arenas_lock);
    arena_free(a);
}

/* ---- what a handler asks
 * ----------------------------------------------------- */

const char *http_header(const struct http_request *q, const char *name)
{
    return MHD_lookup_connection_value(q->conn->mhd, MHD_HEADER_KIND, name);
}

const char *http_query(const struct http_request *q, const char *name)
{
    const char *raw =
        MHD_lookup_connection_value(q->conn->mhd, MHD_GET_ARGUMENT_KIND, name);
    struct str text;
    if (!raw || !percent_decode(q->arena, str_from(raw), true, &text))
        return NULL;
    return text.p;
}

const char *http_query_unknown(const struct http_request *q, const char *known)
{
    return query_unknown(q->conn->mhd, known);
}

const char *http_cookie(const struct http_request *q, const char *name)
{
    return MHD_lookup_connection_value(q->conn->mhd, MHD_COOKIE_KIND, name);
}

bool http_gone(const struct http_request *q)
{
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(
        q->conn->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd p = {.fd = i ? i->connect_fd : -1, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0 &&
           (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void http_reply_header(struct http_reply *r, const char *name,
                       const char *value)
{
    if (r->n_headers == HTTP_HEADERS_MAX)
        bug("too many reply headers, %s is one too many", name);
    r->headers[r->n_headers++] = (struct http_header){name, value};
}

/* ---- sending the reply
 * ---------------------------------------------------------- */

static struct MHD_Response *response_of(struct http_conn *c)
{
    struct http_reply *r = &c->reply;
    if (r->stream.read)
        return http_streams_open(c->server->streams, c->mhd, &r->stream);
    if (r->file >= 0) {
        struct MHD_Response *m = MHD_create_response_from_fd_at_offset64(
            r->file_size, r->file, r->file_from);
        if (m)
            r->file = -1; /* it closes the file */
        return m;
    }
    if (r->fixed.p) {
        struct MHD_IoVec part = {.iov_base = r->fixed.p, .iov_len = r->fixed.n};
        return MHD_create_response_from_iovec(&part, 1, NULL, NULL);
    }
    size_t n;
    char *p = buf_take(&r->body, &n);
    return MHD_create_response_from_buffer(n, p, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_reply(struct http_conn *c)
{
    struct http_reply *r = &c->reply;
    if (buf_check(&r->body)) {
        buf_reset(&r->body);
        c->server->o.problem(r, 500, "the reply is too large");
    }
    unsigned status = (unsigned)r->status;
    if (c->server->o.after)
        c->server->o.after(&c->request, r, now_us() - c->start_us);
    struct MHD_Response *m = response_of(c);
    if (!m)
        return MHD_NO;
    if (r->type)
        (void)MHD_add_response_header(m, "Content-Type", r->type);
    for (size_t i = 0; i < r->n_headers; i++)
        (void)MHD_add_response_header(m, r->headers[i].name,
                                      r->headers[i].value);
    enum MHD_Result ok = MHD_queue_response(c->mhd, status, m);
    MHD_destroy_response(m);
    return ok;
}

/* ---- running the handler
 * ----------------------------------------------------------- */

static void run_handler(struct http_conn *c, void *worker)
{
    const struct http_options *o = &c->server->o;
    c->request.worker = worker;
    c->request.body = buf_str(&c->body);
    c->admitted =
        c->admitted || !o->before || o->before(&c->request, &c->reply);
    if (c->admitted)
        c->request.route->run(&c->request, &c->reply);
    c->stage = STAGE_REPLY;
}

static void run_on_worker(void *item, void *worker)
{
    struct http_conn *c = item;
    struct MHD_Connection *mhd = c->mhd;
    run_handler(c, worker);
    MHD_resume_connection(mhd); /* from here on `c` is not ours */
}

/* The worker memory of a network thread, for inline routes. */
static void *inline_worker(struct http_server *s)
{
    void *w = pthread_getspecific(s->worker_key);
    if (!w && s->o.worker_new) {
        w = s->o.worker_new(s->o.ctx);
        (void)pthread_setspecific(s->worker_key, w);
    }
    return w;
}

static enum MHD_Result complete(struct http_conn *c, struct watched *x)
{
    if (x)
        watch_rest(x);
    if (c->request.route->flags & HTTP_INLINE) {
        c->request.on_network = true;
        run_handler(c, inline_worker(c->server));
        if (!c->reply.later)
            return send_reply(c);
        c->request.on_network = c->reply.later = false;
    }
    c->stage = STAGE_WORK;
    MHD_suspend_connection(c->mhd);
    if (!http_pool_put(c->server->pool, c)) {
        c->server->o.problem(&c->reply, 503,
                             "too many requests are waiting, or the desk ends");
        http_reply_header(&c->reply, "Retry-After", "1");
        c->refused = true;
        c->stage = STAGE_REPLY;
        MHD_resume_connection(c->mhd);
    }
    return MHD_YES;
}

/* ---- reading the request
 * -------------------------------------------------------------- */

/*
 * The reply stands before the body was read. Many clients look for no reply
 * until they have sent everything, so a body of bearable length is read and
 * thrown away first; one that waits to be asked for it (Expect) is not asked.
 */
static enum MHD_Result send_refusal(struct http_conn *c)
{
    const struct http_request *q = &c->request;
    int64_t n = 0;
    struct str length = str_from(http_header(q, "Content-Length"));
    bool has_body = http_header(q, "Transfer-Encoding") ||
                    (length.n && !str_to_int(length, &n) && n > 0);
    c->refused = true;
    if (!has_body || n > DRAIN_MAX || http_header(q, "Expect"))
        return send_reply(c);
    return MHD_YES;
}

static enum MHD_Result refuse(struct http_conn *c, int status,
                              const char *detail)
{
    c->server->o.problem(&c->reply, status, detail);
    return send_refusal(c);
}

static bool decode_params(struct http_conn *c, struct route_match *m)
{
    for (size_t i = 0; i < HTTP_PARAMS_MAX; i++) {
        if (m->params[i].p && !percent_decode(c->request.arena, m->params[i],
                                              false, &c->request.params[i]))
            return false;
    }
    return true;
}

static size_t body_limit(const struct http_conn *c)
{
    size_t own = c->request.route->body_max;
    return own ? own : c->server->o.body_max;
}

/* The head is there: find the route, refuse early what must be refused. */
static enum MHD_Result begin(struct http_conn *c, const char *version)
{
    struct route_match m;
    const char *wrong = head_wrong(c->mhd, version);
    if (wrong) { /* and what follows it is not read */
        http_reply_header(&c->reply, "Connection", "close");
        c->server->o.problem(&c->reply, 400, wrong);
        return send_reply(c);
    }
    router_match(c->server->o.routes, c->request.method, c->request.path, &m);
    c->request.route = m.route;
    if (!m.route && m.allow[0]) {
        http_reply_header(&c->reply, "Allow",
                          arena_copy(c->request.arena, str_from(m.allow)));
        return refuse(c, 405, m.allow);
    }
    if (!m.route)
        return refuse(c, 404, "nothing lives at this path");
    if (!decode_params(c, &m))
        return refuse(c, 400, "the path is not percent-encoded UTF-8");
    wrong = query_wrong(c->mhd, c->request.arena);
    if (wrong)
        return refuse(c, 400, wrong);
    c->body.max = body_limit(c);
    const char *length = http_header(&c->request, "Content-Length");
    int64_t n = 0;
    if (length && (str_to_int(str_from(length), &n) || n < 0))
        return refuse(c, 400, "Content-Length is not a number");
    if ((uint64_t)n > c->body.max)
        return refuse(c, 413, "the body is too large");
    const struct http_sink *sink = m.route->sink;
    if (!sink)
        return MHD_YES;
    /* an upload is let in before its first byte */
    if (c->server->o.before && !c->server->o.before(&c->request, &c->reply))
        return send_refusal(c);
    c->admitted = true;
    if (sink->open(&c->request, &c->request.upload, &c->reply))
        return send_refusal(c);
    c->has_sink = true;
    return MHD_YES;
}

static enum MHD_Result take_body(struct http_conn *c, const char *p, size_t *n)
{
    struct str bytes = {.p = p, .n = *n};
    *n = 0;
    if (c->refused) {
        c->drained += bytes.n;
        return c->drained > DRAIN_MAX ? MHD_NO : MHD_YES;
    }
    if (c->has_sink) {
        if (c->request.route->sink->write(c->request.upload, bytes, &c->reply))
            c->refused = true;
        return MHD_YES;
    }
    buf_put_str(&c->body, bytes);
    if (buf_check(&c->body)) {
        c->server->o.problem(&c->reply, 413, "the body is too large");
        c->refused = true;
    }
    return MHD_YES;
}

/* The last address is the one that our own proxy saw; those before it are
 * what the client says of himself. */
static void take_forwarded(struct http_conn *c)
{
    unsigned char at[sizeof(struct in6_addr)];
    struct str all = str_from(MHD_lookup_connection_value(
        c->mhd, MHD_HEADER_KIND, "X-Forwarded-For"));
    struct str last = {0};
    while (str_next(&all, ',', &last))
        continue;
    last = str_trim(last);
    char text[INET6_ADDRSTRLEN];
    if (last.n == 0 || last.n >= sizeof(text))
        return;
    memcpy(text, last.p, last.n);
    text[last.n] = '\0';
    if (inet_pton(AF_INET, text, at) == 1 || inet_pton(AF_INET6, text, at) == 1)
        memcpy(c->address, text, last.n + 1);
}

static void put_address(struct http_conn *c)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = i ? i->client_addr : NULL;
    const void *at = NULL;
    if (a && a->sa_family == AF_INET)
        at = &((const struct sockaddr_in *)(const void *)a)->sin_addr;
    else if (a && a->sa_family == AF_INET6)
        at = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
    if (!at || !inet_ntop(a->sa_family, at, c->address, sizeof(c->address)))
        c->address[0] = '\0';
    if (c->server->o.behind_proxy)
        take_forwarded(c);
}

static struct http_conn *conn_new(struct http_server *s,
                                  struct MHD_Connection *mhd,
                                  const char *method, const char *path)
{
    struct http_conn *c = MEM_NEW(struct http_conn);
    c->server = s;
    c->mhd = mhd;
    c->start_us = now_us();
    c->body = (struct buf)BUF_INIT(s->o.body_max);
    c->reply = (struct http_reply){
        .status = 200,
        .body = BUF_INIT(HTTP_REPLY_MAX),
        .file = -1,
    };
    put_address(c);
    struct arena *a = arena_take(s);
    c->request = (struct http_request){
        .method = arena_copy(a, str_from(method)),
        .path = arena_copy(a, str_from(path)),
        .address = c->address,
        .arena = a,
        .ctx = s->o.ctx,
        .conn = c,
    };
    return c;
}

static struct watched *watched_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return i ? i->socket_context : NULL;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd,
                                  const char *url, const char *method,
                                  const char *version, const char *upload,
                                  size_t *upload_n, void **state)
{
    struct http_conn *c = *state;
    struct watched *x = watched_of(mhd);
    if (!c) {
        *state = c = conn_new(cls, mhd, method, url);
        if (x)
            watch_body(x, 0);
        return begin(c, version);
    }
    if (c->stage == STAGE_REPLY)
        return send_reply(c);
    if (*upload_n) {
        if (x)
            watch_body(x, *upload_n);
        return take_body(c, upload, upload_n);
    }
    return c->refused ? send_reply(c) : complete(c, x);
}

static void on_done(void *cls, struct MHD_Connection *mhd, void **state,
                    enum MHD_RequestTerminationCode how)
{
    (void)how; /* whether the reply arrived is the client's to know */
    struct http_server *s = cls;
    struct http_conn *c = *state;
    struct watched *x = watched_of(mhd);
    if (x)
        watch_again(x);
    if (!c)
        return;
    if (c->has_sink) {
        bool whole = c->stage == STAGE_REPLY && !c->refused;
        c->request.route->sink->close(c->request.upload, whole);
    }
    buf_free(&c->body);
    buf_free(&c->reply.body);
    if (c->reply.file >= 0)
        (void)close(c->reply.file);
    arena_give(s, c->request.arena);
    free(c);
    *state = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = cls;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        watch_close(s->watch, *socket);
        return;
    }
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket = watch_open(s->watch, i->connect_fd);
}

/* Paths and queries stay encoded: the router decodes them, strictly. */
static size_t leave_encoded(void *cls, struct MHD_Connection *mhd, char *s)
{
    (void)cls;
    (void)mhd;
    return strlen(s);
}

__attribute__((format(printf, 2, 0))) static void
on_log(void *cls, const char *fmt, va_list ap)
{
    (void)cls;
    char line[256];
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    log_debug("http", "%s", line);
}

/* ---- start and stop
 * ----------------------------------------------------------------------- */

static void set_defaults(struct http_options *o)
{
    o->network_threads =
        o->network_threads ? o->network_threads : NETWORK_THREADS;
    o->workers = o->workers ? o->workers : WORKERS;
    o->queue_max = o->queue_max ? o->queue_max : QUEUE_MAX;
    o->body_max = o->body_max ? o->body_max : BODY_MAX;
    o->connections_max =
        o->connections_max ? o->connections_max : CONNECTIONS_MAX;
    o->idle_s = o->idle_s ? o->idle_s : IDLE_S;
    o->request_s = o->request_s ? o->request_s : REQUEST_S;
}

static int socket_listen(const struct http_options *o, int *ret_port,
                         struct err *e)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a = {0};
    socklen_t n = sizeof(a.v4);
    if (inet_pton(AF_INET, o->address, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port = htons((uint16_t)o->port);
    } else if (inet_pton(AF_INET6, o->address, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_port = htons((uint16_t)o->port);
        n = sizeof(a.v6);
    } else {
        return err_field(e, OTK_EFORMAT, "http.address",
                         "'%s' is not an IP address", o->address);
    }
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    enum { BACKLOG = 1024 };
    if (fd < 0 || bind(fd, &a.any, n) || listen(fd, BACKLOG) ||
        getsockname(fd, &a.any, &n)) {
        int r =
            err_errno(e, OTK_EIO, "listen on %s port %d", o->address, o->port);
        if (fd >= 0)
            (void)close(fd);
        return r;
    }
    *ret_port =
        ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
    return fd;
}

static enum MHD_Result may_connect(void *cls, const struct sockaddr *from,
                                   socklen_t n)
{
    const struct http_server *s = cls;
    (void)from;
    (void)n;
    return s->stopping ? MHD_NO : MHD_YES;
}

static struct MHD_Daemon *daemon_start(struct http_server *s, int fd)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG;
    /* clang-format off */
    return MHD_start_daemon(flags, 0, may_connect, s, on_request, s,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)s->o.network_threads,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->o.connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)s->o.idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_NOTIFY_COMPLETED, on_done, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
        MHD_OPTION_END);
    /* clang-format on */
}

int http_start(const struct http_options *o, struct http_server **ret,
               struct err *e)
{
    struct http_server *s = MEM_NEW(struct http_server);
    s->o = *o;
    set_defaults(&s->o);
    int fd = socket_listen(&s->o, &s->port, e);
    if (fd < 0) {
        free(s);
        return fd;
    }
    (void)pthread_mutex_init(&s->arenas_lock, NULL);
    (void)pthread_key_create(&s->worker_key, s->o.worker_free);
    s->watch = http_watch_new(s->o.request_s, s->o.idle_s);
    s->streams = http_streams_new();
    s->pool = http_pool_new(&(struct http_pool_options){
        .threads = s->o.workers,
        .queue_max = s->o.queue_max,
        .run = run_on_worker,
        .worker_new = s->o.worker_new,
        .worker_free = s->o.worker_free,
        .ctx = s->o.ctx,
    });
    s->daemon = daemon_start(s, fd);
    if (!s->daemon) {
        (void)close(fd);
        http_stop(s);
        return err_set(e, OTK_EIO, "the HTTP server did not start");
    }
    *ret = s;
    return OTK_OK;
}

int http_port(const struct http_server *s)
{
    return s->port;
}

void http_wake(struct http_server *s)
{
    http_streams_wake(s->streams);
}

/*
 * In this order: no new connections, workers finish (each resumes its
 * connection), streams resume and end; only then may the daemon stop, which
 * aborts when a connection is still suspended. Those that are open may still
 * ask: the pool refuses until the daemon is gone. Not MHD_quiesce_daemon():
 * it and a network thread may both take the listening socket out of epoll,
 * and the second one ends the program.
 */
void http_stop(struct http_server *s)
{
    s->stopping = true;
    http_pool_end(s->pool);
    http_streams_end(s->streams);
    if (s->daemon)
        MHD_stop_daemon(s->daemon); /* closes the listening socket, too */
    http_pool_free(s->pool);
    http_streams_free(s->streams);
    http_watch_free(s->watch);
    for (size_t i = 0; i < s->n_arenas; i++)
        arena_free(s->arenas[i]);
    (void)pthread_key_delete(s->worker_key);
    (void)pthread_mutex_destroy(&s->arenas_lock);
    free(s);
}
