/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/desk_jobs.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "db/jobs.h"
#include "desk/call.h"
#include "desk/desk.h"
#include "desk/intake_jobs.h"

enum { SPARE_MAX = 64 };

struct desk_jobs {
    struct desk *desk;
    struct job_runner *runner;
    struct job_handler handlers[4];
    pthread_mutex_t lock; /* guards: */
    struct desk_worker *spare[SPARE_MAX];
    int n_spare;
};

static struct desk_worker *take_worker(struct desk_jobs *j)
{
    pthread_mutex_lock(&j->lock);
    struct desk_worker *w = j->n_spare ? j->spare[--j->n_spare] : NULL;
    pthread_mutex_unlock(&j->lock);
    return w ? w : desk_worker_new();
}

static void give_worker(struct desk_jobs *j, struct desk_worker *w)
{
    pthread_mutex_lock(&j->lock);
    bool kept = j->n_spare < SPARE_MAX;
    if (kept)
        j->spare[j->n_spare++] = w;
    pthread_mutex_unlock(&j->lock);
    if (!kept)
        desk_worker_free(w);
}

typedef int step_fn(struct desk *d, struct desk_worker *w, const struct job *j,
                    const char *owner, struct err *e);

static int run_step(struct desk_jobs *j, step_fn *step, const struct job *job,
                    const char *owner, struct err *e)
{
    struct desk_worker *w = take_worker(j);
    int r = step(j->desk, w, job, owner, e);
    give_worker(j, w);
    return r;
}

static int run_understand(void *ctx, struct db *db, const struct job *job,
                          const char *owner, struct err *e)
{
    (void)db;
    return run_step(ctx, intake_step_understand, job, owner, e);
}

static int run_deliver(void *ctx, struct db *db, const struct job *job,
                       const char *owner, struct err *e)
{
    (void)db;
    return run_step(ctx, intake_step_deliver, job, owner, e);
}

static int run_transcribe(void *ctx, struct db *db, const struct job *job,
                          const char *owner, struct err *e)
{
    (void)db;
    return run_step(ctx, call_step_transcribe, job, owner, e);
}

static void wake(void *arg)
{
    const struct desk_jobs *j = arg;
    job_runner_wake(j->runner);
}

int desk_jobs_start(struct desk *d, int threads, struct desk_jobs **ret,
                    struct err *e)
{
    struct desk_jobs *j = MEM_NEW(struct desk_jobs);
    j->desk = d;
    (void)pthread_mutex_init(&j->lock, NULL);
    j->handlers[0] = (struct job_handler){INTAKE_UNDERSTAND, run_understand, j};
    j->handlers[1] = (struct job_handler){INTAKE_DELIVER, run_deliver, j};
    j->handlers[2] = (struct job_handler){INTAKE_TRANSCRIBE, run_transcribe, j};
    int r = job_runner_start(desk_db(d), desk_clock(d), j->handlers, threads,
                             &j->runner, e);
    if (r) {
        desk_jobs_stop(j);
        return r;
    }
    desk_on_push(d, wake, j);
    *ret = j;
    return OTK_OK;
}

void desk_jobs_stop(struct desk_jobs *j)
{
    if (!j)
        return;
    desk_on_push(j->desk, NULL, NULL);
    job_runner_free(j->runner);
    while (j->n_spare)
        desk_worker_free(j->spare[--j->n_spare]);
    (void)pthread_mutex_destroy(&j->lock);
    free(j);
}
