/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /api/v1/events: server-sent events (WHATWG HTML 9.2). One thread reads new
 * rows of the events table and keeps the last ones in a ring; each follower
 * writes from the ring, and one that was away longer gets the rows in between
 * from the store before its stream begins.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/desk.h"
#include "desk/event.h"

enum {
    RING = 4096,
    LINE_BYTES = 512,
    HEARTBEAT_S = 15,
    LOOK_MS = 1000,     /* other processes' events: nobody wakes us for them */
    BACKLOG_MAX = 4000, /* who missed more is told to load anew */
    BEHIND = -1,        /* an id before all */
    BATCH = 500,
};

struct line {
    int64_t id;
    char text[LINE_BYTES];
};

struct followers {
    struct desk *desk;
    struct http_server *http;
    pthread_mutex_t lock;
    pthread_cond_t some;
    pthread_t thread;
    bool running, stop, woken; /* guarded by lock, as all below */
    struct line ring[RING];
    int64_t last;     /* id of the newest event */
    int64_t gone;     /* id of the newest one that left the ring */
    uint64_t written; /* lines ever put into the ring */
    uint64_t beats;
};

struct follower {
    struct followers *all;
    int64_t last; /* id that was sent */
    uint64_t beat;
    char *backlog; /* what was missed, as text */
    size_t backlog_at, backlog_n;
    bool greeted;
};

static void print_line(const struct event *x, char ret[LINE_BYTES])
{
    (void)snprintf(ret, LINE_BYTES,
                   "id: %lld\nevent: " STR_FMT "\ndata: " STR_FMT "\n\n",
                   (long long)x->id, STR_ARG(x->kind), STR_ARG(x->body));
}

/* ---- the thread
 * ------------------------------------------------------------------------ */

struct batch {
    struct arena *arena;
    int64_t after;
    struct event *events;
    size_t n;
};

static int read_batch(struct db_tx *tx, void *arg, struct err *e)
{
    struct batch *b = arg;
    return event_after(tx, b->after, BATCH, b->arena, &b->events, &b->n, e);
}

static int read_last(struct db_tx *tx, void *arg, struct err *e)
{
    return event_last(tx, arg, e);
}

/* New rows into the ring; true: there were some. */
static bool pull(struct followers *f, struct arena *a)
{
    struct batch b = {.arena = a, .after = f->last};
    struct err e = {0};
    arena_reset(a);
    if (db_read(desk_db(f->desk), 0, read_batch, &b, &e)) {
        log_warn("events", "%s", e.msg);
        return false;
    }
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < b.n; i++) {
        struct line *l = &f->ring[f->written++ % RING];
        f->gone = f->written > RING ? l->id : f->gone;
        l->id = b.events[i].id;
        print_line(&b.events[i], l->text);
        f->last = l->id;
    }
    pthread_mutex_unlock(&f->lock);
    return b.n > 0;
}

/* Until woken, or a look is due; false: stop. */
static bool rest(struct followers *f)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOK_MS / MS_SECOND;
    pthread_mutex_lock(&f->lock);
    while (!f->woken && !f->stop) {
        if (pthread_cond_timedwait(&f->some, &f->lock, &until))
            break;
    }
    f->woken = false;
    bool go_on = !f->stop;
    pthread_mutex_unlock(&f->lock);
    return go_on;
}

static void *follow(void *arg)
{
    struct followers *f = arg;
    struct arena *a = arena_new();
    int64_t beat = clock_mono(&clock_real);
    while (rest(f)) {
        bool news = false;
        while (pull(f, a))
            news = true;
        int64_t now = clock_mono(&clock_real);
        if (now - beat > HEARTBEAT_S * MS_SECOND) {
            beat = now;
            pthread_mutex_lock(&f->lock);
            f->beats++;
            pthread_mutex_unlock(&f->lock);
            news = true;
        }
        if (news)
            http_wake(f->http);
    }
    arena_free(a);
    return NULL;
}

static void on_commit(void *arg)
{
    struct followers *f = arg;
    pthread_mutex_lock(&f->lock);
    f->woken = true;
    (void)pthread_cond_signal(&f->some);
    pthread_mutex_unlock(&f->lock);
}

struct followers *followers_new(struct desk *d)
{
    struct followers *f = MEM_NEW(struct followers);
    f->desk = d;
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_cond_init(&f->some, NULL);
    (void)db_read(desk_db(d), 0, read_last, &f->last, NULL);
    db_on_commit(desk_db(d), on_commit, f);
    return f;
}

void followers_start(struct followers *f, struct http_server *s)
{
    f->http = s;
    if (pthread_create(&f->thread, NULL, follow, f))
        bug("no thread for events");
    f->running = true;
}

void followers_stop(struct followers *f)
{
    if (!f->running)
        return;
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    (void)pthread_cond_signal(&f->some);
    pthread_mutex_unlock(&f->lock);
    (void)pthread_join(f->thread, NULL);
    f->running = false;
}

void followers_free(struct followers *f)
{
    followers_stop(f);
    db_off_commit(desk_db(f->desk), on_commit, f);
    (void)pthread_mutex_destroy(&f->lock);
    (void)pthread_cond_destroy(&f->some);
    free(f);
}

/* ---- one follower
 * ------------------------------------------------------------------------ */

static size_t put(char *p, size_t max, const char *text)
{
    size_t n = strlen(text);
    if (n > max)
        return 0;
    memcpy(p, text, n);
    return n;
}

static size_t send_backlog(struct follower *x, char *p, size_t max)
{
    size_t n = x->backlog_n - x->backlog_at;
    n = n < max ? n : max;
    memcpy(p, x->backlog + x->backlog_at, n);
    x->backlog_at += n;
    return n;
}

/* It was away too long, or reads too slowly: what it shows is to be loaded
 * anew. */
static size_t send_reset(struct follower *x, char *p, size_t max)
{
    char line[LINE_BYTES];
    (void)snprintf(line, sizeof(line), "id: %lld\nevent: reset\ndata: {}\n\n",
                   (long long)x->all->last);
    size_t n = put(p, max, line);
    if (n)
        x->last = x->all->last;
    return n;
}

/* Lines of the ring after x->last, whole ones. Called under the lock. */
static size_t send_ring(struct follower *x, char *p, size_t max)
{
    struct followers *f = x->all;
    if (x->last < f->gone)
        return send_reset(x, p, max);
    uint64_t oldest = f->written > RING ? f->written - RING : 0;
    size_t n = 0;
    uint64_t at = f->written;
    while (at > oldest && f->ring[(at - 1) % RING].id > x->last)
        at--;
    for (; at < f->written; at++) {
        const struct line *l = &f->ring[at % RING];
        size_t len = put(p + n, max - n, l->text);
        if (len == 0)
            break;
        n += len;
        x->last = l->id;
    }
    return n;
}

static size_t follower_read(void *state, char *p, size_t max)
{
    struct follower *x = state;
    if (!x->greeted) {
        x->greeted = true;
        return put(p, max, ": welcome\n\n");
    }
    if (x->backlog_at < x->backlog_n)
        return send_backlog(x, p, max);
    pthread_mutex_lock(&x->all->lock);
    size_t n = send_ring(x, p, max);
    if (n == 0 && x->beat != x->all->beats) {
        x->beat = x->all->beats;
        n = put(p, max, ":\n\n");
    }
    pthread_mutex_unlock(&x->all->lock);
    return n;
}

static void follower_close(void *state)
{
    struct follower *x = state;
    free(x->backlog);
    free(x);
}

/* What happened since `after`, up to what the ring begins with. */
static int catch_up(const struct http_request *q, struct follower *x,
                    struct err *e)
{
    struct buf text = BUF_INIT(BACKLOG_MAX * LINE_BYTES);
    struct batch b = {.arena = q->arena, .after = x->last};
    int r = OTK_OK;
    for (int total = 0; !r && total < BACKLOG_MAX; total += BATCH) {
        r = db_read(desk_db(api_desk(q)), 0, read_batch, &b, e);
        for (size_t i = 0; !r && i < b.n; i++) {
            char line[LINE_BYTES];
            print_line(&b.events[i], line);
            buf_puts(&text, line);
            b.after = b.events[i].id;
        }
        if (b.n < BATCH)
            break;
    }
    x->last = b.n < BATCH ? b.after : BEHIND;
    x->backlog = buf_take(&text, &x->backlog_n);
    return r;
}

void events_get(const struct http_request *q, struct http_reply *r)
{
    struct followers *f = api_followers(api_of(q));
    struct follower *x = MEM_NEW(struct follower);
    const char *after = http_header(q, "Last-Event-ID");
    struct err e = {0};
    int code = OTK_OK;
    x->all = f;
    pthread_mutex_lock(&f->lock);
    x->last = f->last;
    x->beat = f->beats;
    pthread_mutex_unlock(&f->lock);
    if (after && (str_to_int(str_from(after), &x->last) || x->last < 0))
        code = err_field(&e, OTK_EFORMAT, "Last-Event-ID", "is not a number");
    if (!code && after)
        code = catch_up(q, x, &e);
    if (code) {
        follower_close(x);
        problem_of(r, code, &e);
        return;
    }
    r->type = "text/event-stream";
    http_reply_header(r, "Cache-Control", "no-store");
    r->stream = (struct http_stream){follower_read, follower_close, x};
}
