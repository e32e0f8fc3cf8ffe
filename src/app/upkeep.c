/* SPDX-License-Identifier: Apache-2.0 */
#include "app/upkeep.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/scope.h"
#include "channel/phone.h"
#include "desk/call.h"
#include "desk/desk.h"
#include "desk/desk_jobs.h"
#include "desk/dispatch.h"
#include "desk/retention.h"
#include "desk/sender.h"

enum { OWNER_BYTES = 64, RETIRE_MS = 3600 * 1000, SEND_MS = 1000 };

void upkeep_block_signals(sigset_t *ret_ends)
{
    (void)sigemptyset(ret_ends);
    (void)sigaddset(ret_ends, SIGINT);
    (void)sigaddset(ret_ends, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, ret_ends, NULL);
}

/* ---- the outbox, in a thread: the owner's program may be slow
 * ---------------------- */

struct sending {
    struct desk *desk;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool stop; /* guarded by lock */
};

/* True: go on. */
static bool rest(struct sending *s)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SEND_MS / MS_SECOND;
    pthread_mutex_lock(&s->lock);
    if (!s->stop)
        (void)pthread_cond_timedwait(&s->ended, &s->lock, &until);
    bool on = !s->stop;
    pthread_mutex_unlock(&s->lock);
    return on;
}

static void *send_all(void *arg)
{
    struct sending *s = arg;
    char owner[OWNER_BYTES];
    char host[OWNER_BYTES / 2] = "";
    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(owner, sizeof(owner), "%s:%ld", host, (long)getpid());
    while (rest(s)) {
        size_t sent;
        struct err e = {0};
        if (sender_work(s->desk, owner, &sent, &e))
            log_warn("outbox", "%s", e.msg);
        else if (sent)
            log_info("outbox", "sent=%zu", sent);
    }
    return NULL;
}

static bool sending_start(struct sending *s, struct desk *d)
{
    s->desk = d;
    if (!desk_settings(d).outbox.command[0])
        return false;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->ended, NULL);
    return pthread_create(&s->thread, NULL, send_all, s) == 0;
}

static void sending_stop(struct sending *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_signal(&s->ended);
    pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    (void)pthread_cond_destroy(&s->ended);
    (void)pthread_mutex_destroy(&s->lock);
}

/* ---- the round
 * ----------------------------------------------------------------------- */

static void go_round(struct desk *d)
{
    struct err e = {0};
    struct dispatched done;
    if (desk_refresh(d, &e))
        log_warn("desk", "what is shown may be old: %s", e.msg);
    int64_t calls = 0;
    if (call_resume(d, &calls, &e))
        log_warn("desk", "calls wait on for their words: %s", e.msg);
    else if (calls)
        log_info("desk", "calls=%lld are transcribed now", (long long)calls);
    if (dispatch(d, &done, &e))
        log_warn("desk", "waiting tickets wait on: %s", e.msg);
    else if (done.assigned || done.given_back)
        log_info("desk", "assigned=%zu given_back=%zu", done.assigned,
                 done.given_back);
}

/* As phone.yaml stands now: it rules without a restart. */
static void retire(struct desk *d)
{
    struct err e = {0};
    struct retired x;
    struct retention_lines lines;
    SCOPED(scope_arena) struct arena *a = arena_new();
    bool known = phone_load_keeping(d, a, &lines, &e) == OTK_OK;
    if (!known)
        log_warn("retention", "recordings of calls stay: %s", e.msg);
    if (retention_run(d, known ? &lines : NULL, &x, &e))
        log_warn("retention", "%s", e.msg);
    else if (x.events || x.tickets || x.recordings || x.files || x.backups)
        log_info("retention",
                 "events=%lld tickets=%lld recordings=%lld files=%zu "
                 "backups=%zu",
                 (long long)x.events, (long long)x.tickets,
                 (long long)x.recordings, x.files, x.backups);
}

int upkeep_run(struct desk *d, int threads, const sigset_t *ends, struct err *e)
{
    struct sending sending = {0};
    struct desk_jobs *jobs = NULL;
    struct timespec pause = {0};
    int64_t retired_at = clock_mono(&clock_real);
    int r = threads ? desk_jobs_start(d, threads, &jobs, e) : OTK_OK;
    if (r)
        return r;
    bool sends = sending_start(&sending, d);
    int s;
    for (;;) {
        pause.tv_sec = desk_settings(d).routing.refresh_seconds;
        if ((s = sigtimedwait(ends, NULL, &pause)) > 0)
            break;
        go_round(d);
        int64_t now = clock_mono(&clock_real);
        if (now - retired_at > RETIRE_MS) {
            retired_at = now;
            retire(d);
        }
    }
    if (sends)
        sending_stop(&sending);
    desk_jobs_stop(jobs);
    return s;
}
