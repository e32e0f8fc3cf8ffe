/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"

enum { LEAST_BYTES_PER_S = 1024 };
enum phase { PHASE_IDLE, PHASE_BODY, PHASE_REST };

struct watched {
    struct watched *next, *prev;
    int fd;
    _Atomic int phase;
    _Atomic int64_t since; /* mono ms of the phase's begin */
    _Atomic size_t body;
};

struct http_watch {
    pthread_mutex_t lock;
    pthread_cond_t stop_cond;
    pthread_t thread;
    bool stop;
    int64_t request_ms, idle_ms;
    struct watched all; /* ring; guarded by lock */
};

static bool too_slow(const struct http_watch *w, const struct watched *x,
                     int64_t now)
{
    int64_t age = now - x->since;
    if (age <= w->request_ms)
        return false;
    switch ((enum phase)x->phase) {
    case PHASE_BODY:
        return (int64_t)x->body < (age / MS_SECOND) * LEAST_BYTES_PER_S;
    case PHASE_IDLE: return age > w->request_ms + w->idle_ms;
    case PHASE_REST: break;
    }
    return false;
}

/* epoll reports a client's goodbye once. libmicrohttpd does not see it when it
 * came together with the last bytes: a short read tells it that nothing more
 * is there. Only the reading side is closed, which reports it again; a request
 * that is complete by now still gets its answer. */
static bool has_left(const struct watched *x)
{
    char c;
    return x->phase == PHASE_BODY &&
           recv(x->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void look(struct http_watch *w)
{
    int64_t now = clock_mono(&clock_real);
    for (struct watched *x = w->all.next; x != &w->all; x = x->next) {
        if (x->fd >= 0 && too_slow(w, x, now)) {
            (void)shutdown(x->fd, SHUT_RDWR);
            x->fd = -1;
        }
        if (x->fd >= 0 && has_left(x))
            (void)shutdown(x->fd, SHUT_RD);
    }
}

static void *watch(void *arg)
{
    struct http_watch *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        (void)pthread_cond_timedwait(&w->stop_cond, &w->lock, &until);
        look(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct http_watch *http_watch_new(int request_s, int idle_s)
{
    struct http_watch *w = MEM_NEW(struct http_watch);
    w->request_ms = (int64_t)request_s * MS_SECOND;
    w->idle_ms = (int64_t)idle_s * MS_SECOND;
    w->all.next = w->all.prev = &w->all;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->stop_cond, NULL);
    if (pthread_create(&w->thread, NULL, watch, w))
        bug("no thread for the HTTP watchdog");
    return w;
}

void http_watch_free(struct http_watch *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    (void)pthread_cond_signal(&w->stop_cond);
    pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->stop_cond);
    free(w);
}

struct watched *watch_open(struct http_watch *w, int fd)
{
    struct watched *x = MEM_NEW(struct watched);
    x->fd = fd;
    x->phase = PHASE_BODY;
    x->since = clock_mono(&clock_real);
    pthread_mutex_lock(&w->lock);
    x->next = w->all.next;
    x->prev = &w->all;
    x->next->prev = x->prev->next = x;
    pthread_mutex_unlock(&w->lock);
    return x;
}

void watch_close(struct http_watch *w, struct watched *x)
{
    pthread_mutex_lock(&w->lock);
    x->next->prev = x->prev;
    x->prev->next = x->next;
    pthread_mutex_unlock(&w->lock);
    free(x);
}

void watch_body(struct watched *x, size_t n)
{
    if (n == 0) {
        x->body = 0;
        x->since = clock_mono(&clock_real);
    }
    x->body += n;
    x->phase = PHASE_BODY;
}

void watch_rest(struct watched *x)
{
    x->phase = PHASE_REST;
}

void watch_again(struct watched *x)
{
    x->phase = PHASE_IDLE;
    x->since = clock_mono(&clock_real);
}
