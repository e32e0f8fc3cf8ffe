/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that take jobs and run them, and one more that keeps the leases
 * of what they have in hand.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "db/db.h"
#include "db/jobs.h"
#include "db/wait.h"

enum { LOOK_MS = 1000, OWNER_HEX = 12 };

struct job_thread {
    struct job_runner *r;
    pthread_t id;
    char owner[2 * OWNER_HEX + 1];
    int64_t job;       /* in hand; 0: none. Guarded by the runner's lock */
    int64_t taken_at;  /* wall; the same */
    int64_t extend_at; /* wall; the same */
};

struct job_runner {
    struct db *db;
    const struct clock *clock;
    const struct job_handler *handlers;
    const char *kinds[JOB_KINDS_MAX + 1];
    pthread_mutex_t lock;
    pthread_cond_t some; /* due jobs, perhaps, or stop */
    pthread_cond_t keep; /* stop keeping */
    bool woken, stop;    /* guarded by lock */
    bool stop_keeping;   /* guarded by lock */
    bool has_keeper;
    pthread_t keeper;
    int n_threads, n_started;
    struct job_thread *threads;
};

static bool stopping(struct job_runner *r)
{
    pthread_mutex_lock(&r->lock);
    bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return stop;
}

bool job_is_recalled(const struct job *j)
{
    return j->runner && stopping(j->runner);
}

/* ---- one job ---- */

static const struct job_handler *handler_of(const struct job_runner *r,
                                            const char *kind)
{
    const struct job_handler *h = r->handlers;
    while (h->kind && strcmp(h->kind, kind) != 0)
        h++;
    if (!h->kind)
        bug("a job of kind %s was taken and has no handler", kind);
    return h;
}

struct failure {
    const struct job *job;
    const char *owner;
    const char *why;
    bool for_good, recalled;
    int64_t now;
};

static int store_failure(struct db_tx *tx, void *arg, struct err *e)
{
    struct failure *f = arg;
    if (f->recalled)
        return job_give_back(tx, f->job, f->owner, f->now, e);
    return f->for_good ? job_bury(tx, f->job->id, f->owner, f->why, e)
                       : job_fail(tx, f->job, f->owner, f->why, f->now, e);
}

static bool is_final(int code)
{
    return code == OTK_EDENIED || code == OTK_EFORMAT || code == OTK_EINVAL ||
           code == OTK_ENOENT;
}

static void hold(struct job_thread *t, int64_t job)
{
    struct job_runner *r = t->r;
    pthread_mutex_lock(&r->lock);
    t->job = job;
    t->taken_at = clock_wall(r->clock);
    t->extend_at = t->taken_at + JOB_LEASE_MS / 3;
    pthread_mutex_unlock(&r->lock);
}

static void run_job(struct job_thread *t, const struct job *j)
{
    struct job_runner *r = t->r;
    const struct job_handler *h = handler_of(r, j->kind);
    struct err e = {0};
    hold(t, j->id);
    int code = h->run(h->ctx, r->db, j, t->owner, &e);
    hold(t, 0);
    if (!code)
        return;
    struct failure f = {
        .job = j,
        .owner = t->owner,
        .why = e.msg[0] ? e.msg : err_name(code),
        .for_good = is_final(code),
        .recalled = code == OTK_EAGAIN && stopping(r),
        .now = clock_wall(r->clock),
    };
    if (!f.recalled)
        log_warn("jobs", "%s job=%lld attempt=%d of=%d: %s", j->kind,
                 (long long)j->id, j->attempt, j->max_attempts, f.why);
    struct err e2 = {0};
    if (db_write(r->db, 0, store_failure, &f, &e2))
        log_warn("jobs", "job=%lld comes back when its lease ends: %s",
                 (long long)j->id, e2.msg);
}

/* ---- the threads ---- */

/* Sleep until woken or LOOK_MS are over; false: stop. */
static bool rest(struct job_runner *r)
{
    struct timespec deadline = wait_deadline(LOOK_MS);
    bool in_time = true;
    pthread_mutex_lock(&r->lock);
    while (!r->woken && !r->stop && in_time)
        in_time = wait_until(&r->some, &r->lock, &deadline);
    r->woken = false;
    bool go_on = !r->stop;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void *run_loop(void *arg)
{
    struct job_thread *t = arg;
    struct job_runner *r = t->r;
    struct arena *a = arena_new();
    bool go_on = true;
    while (go_on) {
        struct job j;
        size_t n = 0;
        struct err e = {0};
        arena_reset(a);
        int code = job_take(r->db, t->owner, r->kinds, clock_wall(r->clock), 0,
                            a, &j, 1, &n, &e);
        if (code)
            log_warn("jobs", "no job could be taken: %s", e.msg);
        if (n) {
            job_runner_wake(r); /* where one was, there may be more */
            j.runner = r;
            run_job(t, &j);
        }
        go_on = n ? !stopping(r) : rest(r);
    }
    arena_free(a);
    return NULL;
}

/* ---- keeping leases ---- */

struct lease {
    int64_t job, until;
    const char *owner;
};

static int extend(struct db_tx *tx, void *arg, struct err *e)
{
    const struct lease *l = arg;
    return job_extend(tx, l->job, l->owner, l->until, e);
}

/* The lease of a thread's job, when it is time to keep it. */
static bool wants_keeping(struct job_thread *t, struct lease *ret)
{
    struct job_runner *r = t->r;
    int64_t now = clock_wall(r->clock);
    pthread_mutex_lock(&r->lock);
    bool due =
        t->job && now >= t->extend_at && now < t->taken_at + JOB_RUN_MAX_MS;
    if (due) {
        *ret = (struct lease){t->job, now + JOB_LEASE_MS, t->owner};
        t->extend_at = now + JOB_LEASE_MS / 3;
    }
    pthread_mutex_unlock(&r->lock);
    return due;
}

static bool rest_keeping(struct job_runner *r)
{
    struct timespec deadline = wait_deadline(LOOK_MS);
    bool in_time = true;
    pthread_mutex_lock(&r->lock);
    while (!r->stop_keeping && in_time)
        in_time = wait_until(&r->keep, &r->lock, &deadline);
    bool go_on = !r->stop_keeping;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void *keep_loop(void *arg)
{
    struct job_runner *r = arg;
    while (rest_keeping(r)) {
        for (int i = 0; i < r->n_threads; i++) {
            struct lease l;
            struct err e = {0};
            if (!wants_keeping(&r->threads[i], &l))
                continue;
            int code = db_write(r->db, 0, extend, &l, &e);
            /* a conflict: it was finished this very moment */
            if (code && code != OTK_ECONFLICT)
                log_warn("jobs", "job=%lld: its lease could not be kept: %s",
                         (long long)l.job, e.msg);
        }
    }
    return NULL;
}

/* ---- start and end ---- */

static int start_threads(struct job_runner *r)
{
    for (; r->n_started < r->n_threads; r->n_started++) {
        struct job_thread *t = &r->threads[r->n_started];
        if (pthread_create(&t->id, NULL, run_loop, t))
            return OTK_EIO;
    }
    r->has_keeper = pthread_create(&r->keeper, NULL, keep_loop, r) == 0;
    return r->has_keeper ? OTK_OK : OTK_EIO;
}

int job_runner_start(struct db *db, const struct clock *clock,
                     const struct job_handler *handlers, int threads,
                     struct job_runner **ret, struct err *e)
{
    if (threads < 1)
        return err_set(e, OTK_EINVAL, "a job runner needs a thread");
    struct job_runner *r = MEM_NEW(struct job_runner);
    *r = (struct job_runner){.db = db, .clock = clock, .handlers = handlers};
    for (size_t n = 0; handlers[n].kind; n++) {
        if (n == JOB_KINDS_MAX)
            bug("more than %d kinds of jobs", JOB_KINDS_MAX);
        r->kinds[n] = handlers[n].kind;
    }
    (void)pthread_mutex_init(&r->lock, NULL);
    wait_init(&r->some);
    wait_init(&r->keep);
    r->n_threads = threads;
    r->threads = mem_new((size_t)threads, sizeof(*r->threads));
    for (int i = 0; i < threads; i++) {
        r->threads[i].r = r;
        rand_token(r->threads[i].owner, OWNER_HEX);
    }
    if (start_threads(r)) {
        job_runner_free(r);
        return err_set(e, OTK_EIO, "no thread for the job runner");
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
    for (int i = 0; i < r->n_started; i++)
        (void)pthread_join(r->threads[i].id, NULL);
    /* only now: what is in hand is finished under its lease */
    pthread_mutex_lock(&r->lock);
    r->stop_keeping = true;
    (void)pthread_cond_signal(&r->keep);
    pthread_mutex_unlock(&r->lock);
    if (r->has_keeper)
        (void)pthread_join(r->keeper, NULL);
    (void)pthread_mutex_destroy(&r->lock);
    (void)pthread_cond_destroy(&r->some);
    (void)pthread_cond_destroy(&r->keep);
    free(r->threads);
    free(r);
}
