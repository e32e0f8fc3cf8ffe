/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write-ahead log must be moved into the database file from time to time.
 * A thread with a connection of its own does it, off the writer's path. Under
 * steady load that never reaches the end of the log, which would grow for
 * ever; so at LOG_PAGES_MAX the writer itself moves the rest and starts the
 * log anew. A reader that holds an old snapshot (a long query, a backup) makes
 * this impossible; the writer then goes on and tries again later.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "db/sqlite.h"
#include "db/wait.h"

enum {
    LOG_PAGES_STEP = 1000, /* new ones that are worth a move */
    LOG_PAGES_MAX = 16000, /* 64 MB */
    LOG_PAGES_MORE = 4000, /* after a start anew that readers prevented */
    MOVER_MS = 1000,       /* how long the writer waits for the thread … */
    READERS_MS = 50,       /* … and for readers */
};

struct log_mover {
    struct connection *c;
    int busy_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t some, idle;
    bool wanted, moving, stop; /* guarded by lock */

    int asked_at;      /* the writer's: pages when a move was last wanted */
    int start_anew_at; /* the writer's: pages at which it acts itself */
};

static void *move_loop(void *arg)
{
    struct log_mover *m = arg;
    pthread_mutex_lock(&m->lock);
    while (!m->stop) {
        if (!m->wanted) {
            (void)pthread_cond_wait(&m->some, &m->lock);
            continue;
        }
        m->wanted = false;
        m->moving = true;
        pthread_mutex_unlock(&m->lock);
        (void)sqlite3_wal_checkpoint_v2(m->c->handle, NULL,
                                        SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        pthread_mutex_lock(&m->lock);
        m->moving = false;
        (void)pthread_cond_signal(&m->idle);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

struct log_mover *log_mover_start(const char *path, int busy_ms)
{
    struct log_mover *m = MEM_NEW(struct log_mover);
    m->busy_ms = busy_ms;
    m->start_anew_at = LOG_PAGES_MAX;
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_cond_init(&m->some, NULL);
    wait_init(&m->idle);
    if (connection_open(path, false, busy_ms, &m->c, NULL) ||
        pthread_create(&m->thread, NULL, move_loop, m)) {
        connection_close(m->c);
        (void)pthread_mutex_destroy(&m->lock);
        (void)pthread_cond_destroy(&m->some);
        (void)pthread_cond_destroy(&m->idle);
        free(m);
        return NULL;
    }
    return m;
}

void log_mover_free(struct log_mover *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    m->stop = true;
    (void)pthread_cond_signal(&m->some);
    pthread_mutex_unlock(&m->lock);
    (void)pthread_join(m->thread, NULL);
    connection_close(m->c);
    (void)pthread_mutex_destroy(&m->lock);
    (void)pthread_cond_destroy(&m->some);
    (void)pthread_cond_destroy(&m->idle);
    free(m);
}

/* Only one can move at a time: let the thread come to its end. */
static void wait_idle(struct log_mover *m)
{
    struct timespec deadline = wait_deadline(MOVER_MS);
    bool in_time = true;
    pthread_mutex_lock(&m->lock);
    m->wanted = false;
    while (m->moving && in_time)
        in_time = wait_until(&m->idle, &m->lock, &deadline);
    pthread_mutex_unlock(&m->lock);
}

static void start_anew(struct log_mover *m, struct connection *writer,
                       int pages)
{
    wait_idle(m);
    (void)sqlite3_busy_timeout(writer->handle, READERS_MS);
    int r = sqlite3_wal_checkpoint_v2(writer->handle, NULL,
                                      SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    (void)sqlite3_busy_timeout(writer->handle, m->busy_ms);
    m->start_anew_at = r ? pages + LOG_PAGES_MORE : LOG_PAGES_MAX;
}

void log_mover_look(struct log_mover *m, struct connection *writer, int pages)
{
    if (pages < m->asked_at) { /* the log began anew */
        m->asked_at = 0;
        m->start_anew_at = LOG_PAGES_MAX;
    }
    if (pages >= m->start_anew_at) {
        start_anew(m, writer, pages);
    } else if (pages - m->asked_at >= LOG_PAGES_STEP) {
        m->asked_at = pages;
        pthread_mutex_lock(&m->lock);
        m->wanted = true;
        (void)pthread_cond_signal(&m->some);
        pthread_mutex_unlock(&m->lock);
    }
}
