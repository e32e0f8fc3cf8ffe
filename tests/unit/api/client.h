/* tests/unit/api/client.h - a small blocking HTTP client for the tests */
#ifndef OTK_TESTS_API_CLIENT_H
#define OTK_TESTS_API_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "test.h"

static inline int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct timeval limit = {.tv_sec = 20};
    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static inline void send_text(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return; /* the server may have hung up: the reply tells */
        p += k;
        n -= (size_t)k;
    }
}

/* All bytes until the server closes or goes silent; free() it. */
static inline char *receive_all(int fd)
{
    size_t n = 0;
    size_t cap = 1 << 16;
    char *p = calloc(1, cap);
    ssize_t k;
    while ((k = recv(fd, p + n, cap - n - 1, 0)) > 0) {
        n += (size_t)k;
        if (n + 1 == cap) {
            cap *= 2;
            p = realloc(p, cap);
        }
        p[n] = '\0';
    }
    return p;
}

/* One request with "Connection: close"; the whole reply, free() it. */
static inline char *ask(int port, const char *head, const char *body)
{
    char text[4096];
    size_t n = body ? strlen(body) : 0;
    char length[64] = "";
    if (body)
        (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", n);
    int k =
        snprintf(text, sizeof(text),
                 "%s\r\nHost: x\r\nConnection: close\r\n%s\r\n", head, length);
    int fd = dial(port);
    send_text(fd, text, (size_t)k);
    if (body)
        send_text(fd, body, n);
    char *reply = receive_all(fd);
    (void)close(fd);
    return reply;
}

static inline int status_of(const char *reply)
{
    int status = 0;
    (void)sscanf(reply, "HTTP/1.1 %d", &status);
    return status;
}

#endif
