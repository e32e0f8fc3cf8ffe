/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "api/problem.h"
#include "base/err.h"
#include "client.h"

static _Atomic int running;
static _Atomic int events;
static _Atomic int went; /* clients that were seen to go */
static _Atomic int sinks_whole, sinks_broken;

static void echo(const struct http_request *q, struct http_reply *r)
{
    r->type = "text/plain";
    const char *name = http_query(q, "name");
    buf_printf(&r->body, "[%s|" STR_FMT "|" STR_FMT "|%s]", q->method,
               STR_ARG(q->params[0]), STR_ARG(q->body), name ? name : "-");
}

static void slow(const struct http_request *q, struct http_reply *r)
{
    (void)q;
    running++;
    (void)nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    running--;
    r->type = "text/plain";
    buf_puts(&r->body, "done");
}

static _Atomic int admitted, begun, let_go;

/* Of two minds: on the network thread it is too much, a worker does it. */
static void later(const struct http_request *q, struct http_reply *r)
{
    if (q->on_network) {
        begun++;
        r->later = true;
        return;
    }
    running++;
    while (!let_go)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    running--;
    echo(q, r);
}

static bool admit(struct http_request *q, struct http_reply *r)
{
    (void)r;
    admitted += q->route->run == later;
    return true;
}

/* Until the client goes, or for so many looks at it. */
static void watch(const struct http_request *q, struct http_reply *r)
{
    int64_t looks = 0;
    (void)str_to_int(q->params[0], &looks);
    running++;
    while (looks-- > 0 && !http_gone(q))
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    went += http_gone(q);
    running--;
    r->type = "text/plain";
    buf_puts(&r->body, http_gone(q) ? "gone" : "here");
}

struct tail {
    int seen;
};

static size_t tail_read(void *state, char *p, size_t max)
{
    struct tail *t = state;
    if (t->seen >= events)
        return 0;
    return (size_t)snprintf(p, max, "data: %d\n\n", ++t->seen);
}

static void tail(const struct http_request *q, struct http_reply *r)
{
    (void)q;
    r->type = "text/event-stream";
    r->stream = (struct http_stream){.read = tail_read,
                                     .close = free,
                                     .state = calloc(1, sizeof(struct tail))};
}

static int sink_open(const struct http_request *q, void **ret,
                     struct http_reply *r)
{
    (void)q;
    (void)r;
    *ret = calloc(1, sizeof(size_t));
    return 0;
}

static int sink_write(void *state, struct str bytes, struct http_reply *r)
{
    *(size_t *)state += bytes.n;
    if (*(size_t *)state > 5000000) {
        problem_reply(r, 413, NULL, "enough");
        return -1;
    }
    return 0;
}

static void sink_close(void *state, bool whole)
{
    if (whole)
        sinks_whole++;
    else
        sinks_broken++;
    free(state);
}

static const struct http_sink sink = {sink_open, sink_write, sink_close};

static void uploaded(const struct http_request *q, struct http_reply *r)
{
    r->type = "text/plain";
    buf_printf(&r->body, "%zu", *(size_t *)q->upload);
}

static const struct http_route routes[] = {
    {.method = "POST", .pattern = "/echo/own", .run = echo},
    {.method = "GET", .pattern = "/echo/{id}", .run = echo},
    {.method = "POST", .pattern = "/echo/{id}", .run = echo},
    {.method = "POST",
     .pattern = "/quick/{id}",
     .run = echo,
     .flags = HTTP_INLINE},
    {.method = "POST",
     .pattern = "/later/{id}",
     .run = later,
     .flags = HTTP_INLINE},
    {.method = "GET", .pattern = "/slow", .run = slow},
    {.method = "GET", .pattern = "/watch/{looks}", .run = watch},
    {.method = "GET", .pattern = "/events", .run = tail},
    {.method = "POST",
     .pattern = "/upload",
     .run = uploaded,
     .body_max = 10000000,
     .sink = &sink},
    {0},
};

static struct http_server *start(void)
{
    struct http_server *s = NULL;
    struct err e = {0};
    struct http_options o = {
        .address = "127.0.0.1",
        .workers = 2,
        .queue_max = 4,
        .body_max = 1000,
        .request_s = 1,
        .idle_s = 5,
        .routes = routes,
        .problem = problem_protocol,
        .before = admit,
    };
    assert_int_equal(http_start(&o, &s, &e), 0);
    return s;
}

static void check_reply(int port, const char *head, const char *body,
                        int status, const char *holds)
{
    char *reply = ask(port, head, body);
    if (status_of(reply) != status || !strstr(reply, holds))
        fail_msg("%s: wanted %d with '%s', got: %s", head, status, holds,
                 reply);
    free(reply);
}

static void test_routes(void **state)
{
    (void)state;
    struct http_server *s = start();
    int port = http_port(s);
    check_reply(port, "GET /echo/7 HTTP/1.1", NULL, 200, "[GET|7||-]");
    check_reply(port, "GET /echo/%D1%91%2F?name=a+b%21 HTTP/1.1", NULL, 200,
                "[GET|ё/||a b!]");
    check_reply(port, "POST /echo/x HTTP/1.1", "hello", 200,
                "[POST|x|hello|-]");
    check_reply(port, "POST /quick/x HTTP/1.1", "hello", 200,
                "[POST|x|hello|-]");
    check_reply(port, "GET /nowhere HTTP/1.1", NULL, 404, "not-found");
    check_reply(port, "GET /echo/ HTTP/1.1", NULL, 404, "not-found");
    check_reply(port, "DELETE /echo/7 HTTP/1.1", NULL, 405,
                "Allow: GET, HEAD, POST\r\n");
    check_reply(port, "GET /echo/own HTTP/1.1", NULL, 405, "Allow: POST\r\n");
    check_reply(port, "GET http://x:1/echo/7 HTTP/1.1", NULL, 200,
                "[GET|7||-]");
    check_reply(port, "GET http://x:1 HTTP/1.1", NULL, 404, "not-found");
    check_reply(port, "GET /echo/%00 HTTP/1.1", NULL, 400, "bad-request");
    check_reply(port, "GET /echo/%ff HTTP/1.1", NULL, 400, "bad-request");
    check_reply(port, "GET /echo/%4 HTTP/1.1", NULL, 400, "bad-request");
    http_stop(s);
}

/* A wrong query is not taken for one that was not sent. */
static void test_queries(void **state)
{
    (void)state;
    struct http_server *s = start();
    int port = http_port(s);
    check_reply(port, "GET /echo/7?other=1&name HTTP/1.1", NULL, 200, "|-]");
    check_reply(port, "GET /echo/7?name= HTTP/1.1", NULL, 200, "|]");
    check_reply(port, "GET /echo/7?name=%ff HTTP/1.1", NULL, 400, "UTF-8");
    check_reply(port, "GET /echo/7?name=%zz HTTP/1.1", NULL, 400, "UTF-8");
    check_reply(port, "GET /echo/7?na%00me=1 HTTP/1.1", NULL, 400, "UTF-8");
    check_reply(port, "GET /echo/7?name=1&name=1 HTTP/1.1", NULL, 400,
                "'name' twice");
    check_reply(port, "POST /upload?a=1&a=2 HTTP/1.1", "x", 400, "'a' twice");
    http_stop(s);
}

/* libmicrohttpd 1.0 refuses some heads by itself, in HTML. */
static bool is_librarys(const char *reply)
{
    return MHD_VERSION >= 0x01000000 && strstr(reply, "<html>");
}

/* The reply to bytes as they are. */
static void check_bytes(int port, const char *bytes, int status,
                        const char *holds)
{
    int fd = dial(port);
    send_text(fd, bytes, strlen(bytes));
    char *reply = receive_all(fd);
    if (status_of(reply) != status ||
        (!strstr(reply, holds) && !is_librarys(reply)))
        fail_msg("%s: wanted %d with '%s', got: %s", bytes, status, holds,
                 reply);
    free(reply);
    (void)close(fd);
}

/* Two servers could read these apart; the connection ends with the refusal. */
static void test_heads(void **state)
{
    (void)state;
#define POST_LINE "POST /echo/1 HTTP/1.1\r\n"
    static const char *const wrong[][2] = {
        {"GET /echo/1 HTTP/1.1\r\n\r\n", "one Host"},
        {"GET /echo/1 HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", "one Host"},
        {POST_LINE "Host: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
         "one Content-Length"},
        {POST_LINE "Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
         "one Content-Length"},
        {POST_LINE "Host: x\r\nTransfer-Encoding: gzip\r\n\r\n", "chunked"},
        {POST_LINE "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
         "chunked"},
    };
    struct http_server *s = start();
    for (size_t i = 0; i < ROWS(wrong); i++)
        check_bytes(http_port(s), wrong[i][0], 400, wrong[i][1]);
    check_bytes(http_port(s), "GET /echo/1 HTTP/1.0\r\n\r\n", 200, "[GET|1");
    check_bytes(http_port(s),
                POST_LINE "Host: x\r\nTransfer-Encoding: Chunked\r\n"
                          "Connection: close\r\n\r\n1\r\na\r\n0\r\n\r\n",
                200, "[POST|1|a|-]");
    http_stop(s);
}

static void test_body_limit(void **state)
{
    (void)state;
    struct http_server *s = start();
    char big[1200];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    check_reply(http_port(s), "POST /echo/1 HTTP/1.1", big, 413, "too-large");
    /* the same, but the length is not announced */
    int fd = dial(http_port(s));
    const char *head = "POST /echo/1 HTTP/1.1\r\nHost: x\r\nConnection: "
                       "close\r\nTransfer-Encoding: chunked\r\n\r\n4af\r\n";
    send_text(fd, head, strlen(head));
    send_text(fd, big, 1199);
    send_text(fd, "\r\n0\r\n\r\n", 7);
    char *reply = receive_all(fd);
    assert_int_equal(status_of(reply), 413);
    free(reply);
    (void)close(fd);
    http_stop(s);
}

static void *ask_slow(void *arg)
{
    char *reply = ask(*(int *)arg, "GET /slow HTTP/1.1", NULL);
    int status = status_of(reply);
    free(reply);
    return (void *)(intptr_t)status;
}

/* 2 work, 4 wait, the rest hears 503 at once; how many come before a worker
 * has taken its first is not ours to say. */
static void test_queue_is_bounded(void **state)
{
    (void)state;
    enum { CLIENTS = 16 };
    struct http_server *s = start();
    int port = http_port(s);
    pthread_t t[CLIENTS];
    int n200 = 0;
    int n503 = 0;
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, ask_slow, &port), 0);
    for (int i = 0; i < CLIENTS; i++) {
        void *status;
        (void)pthread_join(t[i], &status);
        n200 += (intptr_t)status == 200;
        n503 += (intptr_t)status == 503;
    }
    assert_int_equal(n200 + n503, CLIENTS);
    assert_true(n200 >= 4);
    assert_true(n503 > 0);
    http_stop(s);
}

static void *ask_later(void *arg)
{
    return ask(*(int *)arg, "POST /later/7 HTTP/1.1", "hello");
}

/* While workers do what begins on a network thread and takes long, as many as
 * there are network threads, others are answered there. */
static void test_later(void **state)
{
    (void)state;
    enum { CLIENTS = 2 };
    struct http_server *s = start();
    int port = http_port(s);
    pthread_t t[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, ask_later, &port), 0);
    while (running < CLIENTS)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    check_reply(port, "POST /quick/x HTTP/1.1", "hello", 200,
                "[POST|x|hello|-]");
    let_go = 1;
    for (int i = 0; i < CLIENTS; i++) {
        void *reply;
        (void)pthread_join(t[i], &reply);
        assert_non_null(strstr(reply, "[POST|7|hello|-]"));
        free(reply);
    }
    assert_int_equal(begun, CLIENTS);
    assert_int_equal(admitted, CLIENTS);
    http_stop(s);
}

static void test_gone(void **state)
{
    (void)state;
    struct http_server *s = start();
    static const char request[] =
        "GET /watch/20000 HTTP/1.1\r\nHost: x\r\n\r\n";
    check_reply(http_port(s), "GET /watch/20 HTTP/1.1", NULL, 200, "here");
    assert_int_equal(went, 0);
    int fd = dial(http_port(s));
    send_text(fd, request, sizeof(request) - 1);
    while (!running)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    (void)close(fd);
    while (running)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(went, 1);
    http_stop(s);
}

static void test_drip_is_cut(void **state)
{
    (void)state;
    struct http_server *s = start();
    int fd = dial(http_port(s));
    time_t begin = time(NULL);
    const char *head = "GET /echo/1 HTTP/1.1\r\nHost: xxxxxxxxxxxxxxxxxxxxxxxx";
    bool cut = false;
    for (size_t i = 0; i < strlen(head) && !cut; i++) {
        cut = send(fd, head + i, 1, MSG_NOSIGNAL) != 1;
        (void)nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    }
    assert_true(cut);
    assert_true(time(NULL) - begin < 9);
    (void)close(fd);
    http_stop(s);
}

static void test_stream(void **state)
{
    (void)state;
    struct http_server *s = start();
    events = 1;
    int fd = dial(http_port(s));
    const char *head = "GET /events HTTP/1.1\r\nHost: x\r\n\r\n";
    send_text(fd, head, strlen(head));
    char got[4096] = "";
    size_t n = 0;
    while (!strstr(got, "data: 1\n\n")) {
        ssize_t k = recv(fd, got + n, sizeof(got) - n - 1, 0);
        assert_true(k > 0);
        n += (size_t)k;
        got[n] = '\0';
    }
    events = 3;
    http_wake(s);
    while (!strstr(got, "data: 3\n\n")) {
        ssize_t k = recv(fd, got + n, sizeof(got) - n - 1, 0);
        assert_true(k > 0);
        n += (size_t)k;
        got[n] = '\0';
    }
    http_stop(s); /* with a stream asleep */
    (void)close(fd);
}

static void test_upload(void **state)
{
    (void)state;
    struct http_server *s = start();
    enum { SIZE = 3000000 };
    char *big = malloc(SIZE + 1);
    memset(big, 'y', SIZE);
    big[SIZE] = '\0';
    sinks_whole = sinks_broken = 0;
    check_reply(http_port(s), "POST /upload HTTP/1.1", big, 200, "3000000");
    /* half an upload */
    int fd = dial(http_port(s));
    const char *head = "POST /upload HTTP/1.1\r\nHost: x\r\n"
                       "Content-Length: 3000000\r\n\r\n";
    send_text(fd, head, strlen(head));
    send_text(fd, big, 70000);
    (void)shutdown(fd, SHUT_RDWR);
    (void)close(fd);
    for (int i = 0; i < 50 && !(sinks_broken && sinks_whole); i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    assert_int_equal(sinks_whole, 1);
    assert_int_equal(sinks_broken, 1);
    free(big);
    http_stop(s);
}

/* Asks again and again, on one connection or on new ones, until nobody
 * answers. */
struct caller {
    pthread_t thread;
    int port;
    bool stays;
};

static _Atomic int answers;

static void *call(void *arg)
{
    static const char text[] = "GET /echo/7 HTTP/1.1\r\nHost: x\r\n\r\n";
    struct caller *x = arg;
    const struct sockaddr_in a = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)x->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    bool goes_on = true;
    while (goes_on) {
        char reply[1000];
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        goes_on = connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
        do {
            send_text(fd, text, sizeof(text) - 1);
            goes_on = goes_on && recv(fd, reply, sizeof(reply), 0) > 0;
            answers += goes_on;
        } while (goes_on && x->stays);
        (void)close(fd);
    }
    return NULL;
}

/* Whatever arrives while the server ends is answered or cut off. */
static void test_stop_under_load(void **state)
{
    (void)state;
    enum { ROUNDS = 20, CALLERS = 6 };
    for (int round = 0; round < ROUNDS; round++) {
        struct http_server *s = start();
        struct caller callers[CALLERS];
        answers = 0;
        for (int i = 0; i < CALLERS; i++) {
            callers[i] =
                (struct caller){.port = http_port(s), .stays = i % 2 == 0};
            assert_int_equal(
                pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
        }
        while (answers < CALLERS)
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        http_stop(s);
        for (int i = 0; i < CALLERS; i++)
            (void)pthread_join(callers[i].thread, NULL);
    }
}

static void test_bad_address(void **state)
{
    (void)state;
    struct http_server *s = NULL;
    struct err e = {0};
    struct http_options o = {.address = "localhost", .routes = routes};
    assert_int_equal(http_start(&o, &s, &e), OTK_EFORMAT);
    assert_string_equal(e.field, "http.address");
    o.address = "203.0.113.1";
    assert_int_equal(http_start(&o, &s, &e), OTK_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_body_limit),
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_drip_is_cut),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_upload),
        cmocka_unit_test(test_stop_under_load),
        cmocka_unit_test(test_bad_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
