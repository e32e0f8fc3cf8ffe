/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that take jobs and run them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "db/db.h"
#include "db/jobs.h"

enum { KINDS_MAX = 32, LOOK_MS = 1000, OWNER_BYTES = 40 };

struct job_runner {
    struct db *db;
    const struct clock *clock;
    const struct job_handler *handlers;
    const char *kinds[KINDS_MAX + 1];
    pthread_mutex_t lock;
    pthread_cond_t some;
    bool woken, stop; /* guarded by lock */
    int n_threads;
    pthread_t *threads;
};

static const struct job_handler *handler_of(const struct job_runner *r,
                                            const char *kind)
{
    const struct job_handler *h = r->handlers;
    while (h->kind && strcmp(h->kind, kind))
        h++;
    return h->kind ? h : NULL;
}

struct failure {
    const struct job *job;
    const char *owner;
    const char *why;
    bool for_good;
    int64_t now;
};

static int store_failure(struct db_tx *tx, void *arg, struct err *e)
{
    struct failure *f = arg;
    return f->for_good ? job_bury(tx, f->job->id, f->owner, f->why, e)
                       : job_fail(tx, f->job, f->owner, f->why, f->now, e);
}

static bool is_final(int code)
{
    return code == OTK_EDENIED || code == OTK_EFORMAT || code == OTK_EINVAL ||
           code == OTK_ENOENT;
}

static void run_job(struct job_runner *r, const struct job *j,
                    const char *owner)
{
    const struct job_handler *h = handler_of(r, j->kind);
    struct err e = {0};
    int code = h->run(h->ctx, r->db, j, owner, &e);
    if (!code)
        return;
    struct failure f = {
        .job = j,
        .owner = owner,
        .why = e.msg[0] ? e.msg : err_name(code),
        .for_good = is_final(code),
        .now = clock_wall(r->clock),
    };
    log_warn("jobs", "%s job=%lld attempt=%d: %s", j->kind, (long long)j->id,
             j->attempt, f.why);
    struct err e2 = {0};
    if (db_write(r->db, 0, store_failure, &f, &e2))
        log_warn("jobs", "job=%lld comes back when its lease ends: %s",
                 (long long)j->id, e2.msg);
}

/* Sleep until woken or LOOK_MS are over; false: stop. */
static bool rest(struct job_runner *r)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOK_MS / MS_SECOND;
    pthread_mutex_lock(&r->lock);
    if (!r->woken && !r->stop)
        (void)pthread_cond_timedwait(&r->some, &r->lock, &until);
    r->woken = false;
    bool go_on = !r->stop;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static bool stopping(struct job_runner *r)
{
    pthread_mutex_lock(&r->lock);
    bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return stop;
}

static void *run_loop(void *arg)
{
    struct job_runner *r = arg;
    struct arena *a = arena_new();
    char owner[OWNER_BYTES];
    rand_token(owner, 12);
    bool go_on = true;
    while (go_on) {
        struct job j;
        size_t n = 0;
        struct err e = {0};
        arena_reset(a);
        int code = job_take(r->db, owner, r->kinds, clock_wall(r->clock), 0, a,
                            &j, 1, &n, &e);
        if (code && code != OTK_EAGAIN)
            log_warn("jobs", "no job could be taken: %s", e.msg);
        if (n)
            run_job(r, &j, owner);
        go_on = n ? !stopping(r) : rest(r);
    }
    arena_free(a);
    return NULL;
}

int job_runner_start(struct db *db, const struct clock *clock,
                     const struct job_handler *handlers, int threads,
                     struct job_runner **ret, struct err *e)
{
    struct job_runner *r = MEM_NEW(struct job_runner);
    *r = (struct job_runner){.db = db, .clock = clock, .handlers = handlers};
    size_t n = 0;
    while (handlers[n].kind && n < KINDS_MAX) {
        r->kinds[n] = handlers[n].kind;
        n++;
    }
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->some, NULL);
    r->threads = mem_new((size_t)threads, sizeof(*r->threads));
    for (; r->n_threads < threads; r->n_threads++) {
        if (pthread_create(&r->threads[r->n_threads], NULL, run_loop, r)) {
            job_runner_free(r);
            return err_set(e, OTK_EIO, "no thread for the job runner");
        }
    }
    *ret = r;
    return OTK_OK;
}

void job_runner_wake(struct job_runner *r)
{
    pthread_mutex_lock(&r->lock);
    r->woken = true;
    (void)pthread_cond_signal(&r->some);
    pthread_mutex_unlock(&r->lock);
}

void job_runner_free(struct job_runner *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    (void)pthread_cond_broadcast(&r->some);
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < r->n_threads; i++)
        (void)pthread_join(r->threads[i], NULL);
    (void)pthread_mutex_destroy(&r->lock);
    (void)pthread_cond_destroy(&r->some);
    free(r->threads);
    free(r);
}
