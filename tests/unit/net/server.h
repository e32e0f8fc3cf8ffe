/* tests/unit/net/server.h - an HTTP server that a test tells what to do
 *
 * One connection at a time, one request a connection. The answer function
 * writes whatever it likes, right or wrong, and the connection is closed.
 */
#ifndef OTK_TESTS_NET_SERVER_H
#define OTK_TESTS_NET_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

enum { SERVER_REQUESTS = 64, SERVER_REQUEST_BYTES = 4096 };

struct server {
    void (*answer)(struct server *s, int fd, const char *request);
    void *ctx;
    int listener, port;
    pthread_t thread;
    size_t got; /* bytes of the last one that were read with its head */
    int n;      /* requests so far */
    char requests[SERVER_REQUESTS][SERVER_REQUEST_BYTES];
};

/* Held while a request is answered: of all servers, and of what a test tells
 * their answer functions. */
static pthread_mutex_t server_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Wait until nothing is being answered. A test calls it between what it tells
 * the answer function and the request, and after the request. */
static inline void server_settle(void)
{
    (void)pthread_mutex_lock(&server_mutex);
    (void)pthread_mutex_unlock(&server_mutex);
}

static inline void server_send(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t k = send(fd, at, n, MSG_NOSIGNAL);
        if (k <= 0)
            return; /* the client may hang up: that is what some tests do */
        at += k;
        n -= (size_t)k;
    }
}

static inline void server_say(int fd, const char *text)
{
    server_send(fd, text, strlen(text));
}

/* A whole answer of a status, more header lines (each with \r\n) and a body. */
static inline void server_reply(int fd, const char *status, const char *headers,
                                const void *body, size_t n)
{
    char head[2048];
    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: "
                   "%zu\r\n%s\r\n",
                   status, n, headers);
    server_say(fd, head);
    server_send(fd, body, n);
}

/* Wait until the client hangs up. */
static inline void server_wait(int fd)
{
    char c;
    while (recv(fd, &c, 1, 0) > 0)
        ;
}

static inline void server_serve(struct server *s, int fd)
{
    char text[SERVER_REQUEST_BYTES] = "";
    size_t n = 0;
    while (n + 1 < sizeof(text) && !strstr(text, "\r\n\r\n")) {
        ssize_t k = recv(fd, text + n, sizeof(text) - n - 1, 0);
        if (k <= 0)
            return;
        n += (size_t)k;
        text[n] = '\0';
    }
    (void)pthread_mutex_lock(&server_mutex);
    if (s->n < SERVER_REQUESTS)
        memcpy(s->requests[s->n++], text, n + 1);
    s->got = n;
    s->answer(s, fd, text);
    (void)pthread_mutex_unlock(&server_mutex);
}

static inline void *server_run(void *arg)
{
    struct server *s = arg;
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        server_serve(s, fd);
        (void)shutdown(fd, SHUT_WR);
        (void)close(fd);
    }
    return NULL;
}

static inline struct server *
server_start(void (*answer)(struct server *s, int fd, const char *request),
             void *ctx)
{
    struct server *s = calloc(1, sizeof(*s));
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    assert_non_null(s);
    s->answer = answer;
    s->ctx = ctx;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
    return s;
}

static inline void server_stop(struct server *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    free(s);
}

static inline int server_count(struct server *s)
{
    (void)pthread_mutex_lock(&server_mutex);
    int n = s->n;
    (void)pthread_mutex_unlock(&server_mutex);
    return n;
}

/* Did request `i` hold this text? */
static inline bool server_heard(struct server *s, int i, const char *text)
{
    (void)pthread_mutex_lock(&server_mutex);
    bool heard = i < s->n && strstr(s->requests[i], text);
    (void)pthread_mutex_unlock(&server_mutex);
    return heard;
}

#endif
