/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that writes. It takes all closures that wait, runs them in one
 * transaction, commits once (one fsync for all of them) and only then wakes
 * their callers. When one fails after it changed something, the batch is taken
 * back and run again with each closure in a savepoint: failures are rare, and
 * at every savepoint FTS5 writes out what it has gathered. A batch whose
 * transaction is lost - a full disk, say - is run again closure by closure, so
 * that only the one that cannot be done is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "db/sqlite.h"
#include "db/wait.h"

enum { BATCH_MAX = 256, RETRY_MS = 10 };

struct request {
    struct request *next; /* guarded by the writer's lock … */
    bool is_taken;        /* … until it is taken */
    bool alone;
    db_fn *fn;
    void *arg;
    struct err *e;

    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    bool done;  /* guarded by lock */
    int result; /* the writer's until done */
};

struct writer {
    struct db *db;
    size_t queue_max;
    struct connection *c;  /* the thread's */
    struct log_mover *log; /* the thread's */
    int log_pages;         /* the thread's */
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t some;         /* a request waits, or stop */
    struct request *head, *tail; /* guarded by lock */
    size_t waiting;              /* guarded by lock */
    bool stop;                   /* guarded by lock */
};

/* ---- one transaction ---- */

static void finish(struct request *r, int result)
{
    pthread_mutex_lock(&r->lock);
    r->result = result;
    r->done = true;
    (void)pthread_cond_signal(&r->done_cond);
    pthread_mutex_unlock(&r->lock); /* the last touch: it lives on a stack */
}

static void refuse(struct request **batch, size_t n, int result,
                   const struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (batch[i]->e)
            *batch[i]->e = *e;
        finish(batch[i], result);
    }
}

enum how { TOGETHER, APART };
enum { SPOILT = 1 }; /* beside the results of otk: to be run again APART */

/* One closure in a savepoint; its failure undoes its own work only. */
static void run_apart(struct connection *c, struct request *r)
{
    r->result = connection_do(c, "SAVEPOINT one", r->e);
    if (r->result)
        return;
    r->result = connection_call(c, r->fn, r->arg, r->e);
    if (sqlite3_get_autocommit(c->handle))
        return; /* SQLite gave the whole transaction up */
    if (r->result && connection_do(c, "ROLLBACK TO one", NULL))
        connection_rollback(c);
    else if (connection_do(c, "RELEASE one", r->result ? NULL : r->e))
        connection_rollback(c);
}

static int commit(struct connection *c, struct err *e)
{
    int r = sqlite3_exec(c->handle, "COMMIT", NULL, NULL, NULL);
    if (r == SQLITE_OK)
        return OTK_OK;
    int err = sqlite_fail(c->handle, r, e);
    connection_rollback(c);
    /*
     * A log whose last frame could not be written holds no commit; after an
     * fsync that failed nobody knows what the disk holds.
     */
    if ((r & 0xff) == SQLITE_IOERR && r != SQLITE_IOERR_WRITE)
        return err_set(e, OTK_EUNSURE, "the disk did not confirm the commit");
    return err;
}

/* It failed, TOGETHER with others or as the only one. */
static int take_back(struct connection *c, struct request *r, bool is_only,
                     struct err *e)
{
    connection_rollback(c);
    if (!is_only)
        return SPOILT;
    if (r->e)
        *e = *r->e;
    return r->result;
}

/*
 * Run the batch and commit; each has its own result then. An error means that
 * the transaction, which must be open, is gone and nothing of it was done -
 * or, with OTK_EUNSURE, that nobody knows. SPOILT, only from TOGETHER: gone,
 * too, for the sake of one.
 */
static int run_all(struct writer *w, struct request **batch, size_t n,
                   enum how how, struct err *e)
{
    struct connection *c = w->c;
    bool changed = false;
    for (size_t i = 0; i < n; i++) {
        int64_t before = sqlite3_total_changes64(c->handle);
        if (how == APART)
            run_apart(c, batch[i]);
        else
            batch[i]->result =
                connection_call(c, batch[i]->fn, batch[i]->arg, batch[i]->e);
        bool did = sqlite3_total_changes64(c->handle) != before;
        if (how == TOGETHER && batch[i]->result && did)
            return take_back(c, batch[i], n == 1, e);
        changed |= !batch[i]->result && did;
        if (sqlite3_get_autocommit(c->handle))
            return err_set(e, batch[i]->result ? batch[i]->result : OTK_EAGAIN,
                           "%s",
                           batch[i]->e && batch[i]->result
                               ? batch[i]->e->msg
                               : "the store gave the transaction up");
    }
    int r = commit(c, e);
    if (!r && changed)
        db_committed(w->db);
    return r;
}

static int begin(struct writer *w, struct err *e)
{
    return connection_do(w->c, "BEGIN IMMEDIATE", e);
}

static void finish_own(struct request **batch, size_t n)
{
    for (size_t i = 0; i < n; i++)
        finish(batch[i], batch[i]->result);
}

static void run_one_by_one(struct writer *w, struct request **batch, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct err e = {0};
        int r = begin(w, &e);
        if (!r)
            r = run_all(w, &batch[i], 1, TOGETHER, &e);
        if (r)
            refuse(&batch[i], 1, r, &e);
        else
            finish_own(&batch[i], 1);
    }
}

static void run_batch(struct writer *w, struct request **batch, size_t n)
{
    struct err e = {0};
    int r = run_all(w, batch, n, TOGETHER, &e);
    if (r == SPOILT) {
        r = begin(w, &e);
        if (!r)
            r = run_all(w, batch, n, APART, &e);
    }
    if (!r)
        finish_own(batch, n);
    else if (n > 1 && r != OTK_EUNSURE)
        run_one_by_one(w, batch, n);
    else
        refuse(batch, n, r, &e);
}

/* A change of the schema, see db_ops.upgrade. */
static void run_alone(struct writer *w, struct request *r)
{
    struct connection *c = w->c;
    struct err e = {0};
    /* has no effect inside a transaction */
    int err = connection_run(c, "PRAGMA foreign_keys=OFF", &e);
    if (!err)
        err = begin(w, &e);
    if (!err)
        err = connection_call(c, r->fn, r->arg, &e);
    if (!err)
        err = sqlite_check_references(c, &e);
    if (!err)
        err = commit(c, &e);
    connection_rollback(c);
    if (connection_run(c, "PRAGMA foreign_keys=ON", NULL))
        bug("the store lost its references");
    if (!err)
        db_committed(w->db);
    refuse(&r, 1, err, &e);
}

/* ---- the queue ---- */

/* With the lock held. */
static struct request *take(struct writer *w)
{
    struct request *r = w->head;
    w->head = r->next;
    if (!w->head)
        w->tail = NULL;
    r->is_taken = true;
    w->waiting--;
    return r;
}

/* Wait for work; *ret_alone is taken already. False: stop. */
static bool wait_for_work(struct writer *w, struct request **ret_alone)
{
    *ret_alone = NULL;
    pthread_mutex_lock(&w->lock);
    while (!w->head && !w->stop)
        (void)pthread_cond_wait(&w->some, &w->lock);
    bool go_on = w->head != NULL;
    if (go_on && w->head->alone)
        *ret_alone = take(w);
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

static size_t take_batch(struct writer *w, struct request *batch[BATCH_MAX])
{
    size_t n = 0;
    pthread_mutex_lock(&w->lock);
    while (w->head && !w->head->alone && n < BATCH_MAX)
        batch[n++] = take(w);
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void *write_loop(void *arg)
{
    struct writer *w = arg;
    struct request *batch[BATCH_MAX];
    struct request *alone;
    while (wait_for_work(w, &alone)) {
        if (alone) {
            run_alone(w, alone);
            continue;
        }
        /* first the lock, then the batch: who gives up while another process
         * holds the lock can still leave, who comes meanwhile comes along */
        struct err e = {0};
        int r = begin(w, &e);
        size_t n = take_batch(w, batch);
        if (r)
            refuse(batch, n, r, &e);
        else if (n)
            run_batch(w, batch, n);
        else
            connection_rollback(w->c);
        if (w->log)
            log_mover_look(w->log, w->c, w->log_pages);
    }
    return NULL;
}

/* Take `r` out of the queue again; false: the writer has it already. */
static bool withdraw(struct writer *w, struct request *r)
{
    pthread_mutex_lock(&w->lock);
    bool ok = !r->is_taken;
    struct request **at = &w->head;
    struct request *last = NULL;
    while (ok && *at != r) {
        last = *at;
        at = &last->next;
    }
    if (ok) {
        *at = r->next;
        w->waiting--;
        if (w->tail == r)
            w->tail = last;
    }
    pthread_mutex_unlock(&w->lock);
    return ok;
}

static int enqueue(struct writer *w, struct request *r, struct err *e)
{
    const char *why = NULL;
    pthread_mutex_lock(&w->lock);
    if (w->stop)
        why = "the store is closing";
    else if (w->waiting >= w->queue_max)
        why = "too many writers are waiting";
    if (!why) {
        if (w->tail)
            w->tail->next = r;
        else
            w->head = r;
        w->tail = r;
        w->waiting++;
        (void)pthread_cond_signal(&w->some);
    }
    pthread_mutex_unlock(&w->lock);
    return why ? err_set(e, OTK_EAGAIN, "%s", why) : OTK_OK;
}

/* Until done or the deadline; false: the deadline. */
static bool wait_done(struct request *r, const struct timespec *deadline)
{
    bool in_time = true;
    pthread_mutex_lock(&r->lock);
    while (!r->done && in_time) {
        if (deadline)
            in_time = wait_until(&r->done_cond, &r->lock, deadline);
        else
            (void)pthread_cond_wait(&r->done_cond, &r->lock);
    }
    bool done = r->done;
    pthread_mutex_unlock(&r->lock);
    return done;
}

int writer_run(struct writer *w, int timeout_ms, bool alone, db_fn *fn,
               void *arg, struct err *e)
{
    if (pthread_equal(pthread_self(), w->thread))
        bug("db_write() inside db_write() or a commit hook");
    struct request r = {.alone = alone, .fn = fn, .arg = arg, .e = e};
    (void)pthread_mutex_init(&r.lock, NULL);
    wait_init(&r.done_cond);
    struct timespec deadline = wait_deadline(timeout_ms);
    int err = enqueue(w, &r, e);
    if (!err && !wait_done(&r, &deadline) && withdraw(w, &r))
        err =
            err_set(e, OTK_EAGAIN, "the store was busy for %d ms", timeout_ms);
    else if (!err && wait_done(&r, NULL))
        err = r.result;
    (void)pthread_mutex_destroy(&r.lock);
    (void)pthread_cond_destroy(&r.done_cond);
    return err;
}

/* ---- start and end ---- */

static int on_log_growth(void *arg, sqlite3 *handle, const char *name,
                         int pages)
{
    (void)handle;
    (void)name;
    ((struct writer *)arg)->log_pages = pages;
    return SQLITE_OK;
}

/* 1: the file has its log, 0: another process is in the way, or negative. */
static int try_log_mode(struct connection *c, struct err *e)
{
    struct db_rows *rows;
    int r = sqlite_query(&c->tx, "PRAGMA journal_mode=WAL", true, NULL, 0,
                         &rows, e);
    if (r)
        return r == OTK_EAGAIN ? 0 : r;
    r = sqlite_next(rows, e);
    if (r > 0 && !str_is(sqlite_get_text(rows, 0), "wal"))
        r = err_set(e, OTK_EIO, "this file system cannot hold a live store");
    sqlite_free_rows(rows);
    return r;
}

/* Two processes that make the same store meet here, where SQLite itself does
 * not wait. */
static int set_log_mode(struct connection *c, int busy_ms, struct err *e)
{
    int r;
    for (int ms = 0; (r = try_log_mode(c, e)) == 0 && ms < busy_ms;
         ms += RETRY_MS)
        (void)usleep(RETRY_MS * 1000);
    return r > 0 ? OTK_OK : r < 0 ? r : OTK_EAGAIN;
}

static int open_connection(struct writer *w, const char *path,
                           const struct db_options *o, bool is_private,
                           struct err *e)
{
    /* what people wrote is nobody else's; the log gets the file's rights */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
        return err_errno(e, errno == ENOENT ? OTK_ENOENT : OTK_EIO, "make %s",
                         path);
    if (fd >= 0)
        (void)close(fd);
    int r = connection_open(path, false, o->busy_ms, &w->c, e);
    if (!r)
        r = set_log_mode(w->c, o->busy_ms, e);
    if (!r)
        r = connection_run(w->c,
                           "PRAGMA wal_autocheckpoint=0;"
                           "PRAGMA secure_delete=ON;"
                           "PRAGMA journal_size_limit=67108864;"
                           "PRAGMA cache_size=-16384;",
                           e);
    if (!r)
        r = connection_run(w->c,
                           is_private ? "PRAGMA synchronous=OFF"
                                      : "PRAGMA synchronous=FULL",
                           e);
    if (!r)
        (void)sqlite3_wal_hook(w->c->handle, on_log_growth, w);
    return r;
}

int writer_start(const char *path, const struct db_options *o, bool is_private,
                 struct db *db, struct writer **ret, struct err *e)
{
    struct writer *w = MEM_NEW(struct writer);
    w->db = db;
    w->queue_max = o->queue_max;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->some, NULL);
    int r = open_connection(w, path, o, is_private, e);
    if (!r) {
        w->log = log_mover_start(path, o->busy_ms);
        if (!w->log || pthread_create(&w->thread, NULL, write_loop, w))
            r = err_set(e, OTK_EIO, "no threads for the store");
        else
            *ret = w;
    }
    if (r) {
        w->stop = true;
        log_mover_free(w->log);
        connection_close(w->c);
        (void)pthread_mutex_destroy(&w->lock);
        (void)pthread_cond_destroy(&w->some);
        free(w);
    }
    return r;
}

void writer_free(struct writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    (void)pthread_cond_signal(&w->some);
    pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    log_mover_free(w->log);
    connection_close(w->c);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->some);
    free(w);
}
