/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite driver. One thread writes: it takes all closures that wait, runs
 * each in a savepoint under one transaction, commits once (one fsync for all
 * of them) and only then wakes their callers. Readers take a connection from
 * a pool and see a snapshot (WAL). A third thread moves the log into the
 * database file, so that a write seldom pays for it.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/sqlite.h"

enum {
    BATCH_MAX = 256,
    READERS_MAX = 64,
    LOG_PAGES_BACKGROUND = 1000, /* then the third thread moves them */
    LOG_PAGES_MAX = 16000,       /* then the writer itself waits for it */
    PATH_BYTES = 4096,
};

struct request {
    struct request *next;
    db_fn *fn;
    void *arg;
    struct err *e;
    int result;
    bool started; /* guarded by the store's lock */
    sem_t done;
};

struct store {
    struct db *db;
    struct db_options o;
    char path[PATH_BYTES];
    bool is_private; /* memory: - the file goes when the store closes */

    pthread_mutex_t lock;
    pthread_cond_t some;         /* a request waits, or stop */
    struct request *head, *tail; /* guarded by lock */
    size_t waiting;              /* guarded by lock */
    bool stop;                   /* guarded by lock */
    pthread_t writer_thread;
    struct connection *writer; /* the writer thread's */
    int log_pages;             /* the writer thread's */

    pthread_mutex_t pool_lock;
    pthread_cond_t pool_some;
    struct connection *idle[READERS_MAX]; /* guarded by pool_lock */
    int n_idle, n_readers, n_made;        /* guarded by pool_lock */

    pthread_t log_thread;
    pthread_mutex_t log_lock;
    pthread_cond_t log_some;
    bool log_wanted, log_stop; /* guarded by log_lock */
};

static void deadline_in(int ms, struct timespec *ret)
{
    (void)clock_gettime(CLOCK_REALTIME, ret);
    ret->tv_sec += ms / MS_SECOND;
    ret->tv_nsec += (long)(ms % MS_SECOND) * 1000000;
    if (ret->tv_nsec >= 1000000000) {
        ret->tv_sec++;
        ret->tv_nsec -= 1000000000;
    }
}

/* ---- the writer
 * -------------------------------------------------------------------- */

static void finish(struct request *r, int result)
{
    r->result = result;
    (void)sem_post(&r->done);
}

static void finish_all(struct request **batch, size_t n, int result,
                       const struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (batch[i]->e)
            *batch[i]->e = *e;
        finish(batch[i], result);
    }
}

/* One closure in a savepoint; its failure undoes its own work only. */
static int run_one(struct store *s, struct request *r)
{
    struct connection *c = s->writer;
    int err = connection_run(c, "SAVEPOINT one", r->e);
    if (err)
        return err;
    err = r->fn(&c->tx, r->arg, r->e);
    if (sqlite3_get_autocommit(c->handle))
        return err ? err : OTK_EAGAIN; /* SQLite gave the whole thing up */
    if (err && connection_run(c, "ROLLBACK TO one", NULL))
        return OTK_EAGAIN;
    int end = connection_run(c, "RELEASE one", err ? NULL : r->e);
    return err ? err : end;
}

/*
 * Run the batch in one transaction. Those that fail are answered at once and
 * leave it; *ret_n of the rest wait in `batch` for the commit. An error here
 * means that the transaction is gone and nothing of it was done.
 */
static int run_batch(struct store *s, struct request **batch, size_t n,
                     size_t *ret_n, struct err *e)
{
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        int err = run_one(s, batch[i]);
        if (sqlite3_get_autocommit(s->writer->handle)) {
            err_set(e, OTK_EAGAIN, "%s",
                    batch[i]->e && batch[i]->e->msg[0]
                        ? batch[i]->e->msg
                        : "the store gave the transaction up");
            for (size_t k = i; k < n; k++)
                batch[(*ret_n)++] = batch[k];
            return OTK_EAGAIN;
        }
        if (err)
            finish(batch[i], err);
        else
            batch[(*ret_n)++] = batch[i];
    }
    return OTK_OK;
}

static int commit(struct store *s, struct err *e)
{
    struct connection *c = s->writer;
    int r = sqlite3_exec(c->handle, "COMMIT", NULL, NULL, NULL);
    if (r == SQLITE_OK)
        return OTK_OK;
    int err = sqlite_fail(c->handle, r, e);
    if (!sqlite3_get_autocommit(c->handle))
        (void)sqlite3_exec(c->handle, "ROLLBACK", NULL, NULL, NULL);
    /*
     * A commit that could not be written has not happened: its last frame is
     * missing. Only when the final fsync fails nobody knows.
     */
    if (r == SQLITE_IOERR_FSYNC)
        return err_set(e, OTK_EUNSURE, "the disk did not confirm the commit");
    return err == OTK_EIO ? err : OTK_EAGAIN;
}

static void write_batch(struct store *s, struct request **batch, size_t n)
{
    struct connection *c = s->writer;
    struct err e = {0};
    int before = sqlite3_total_changes(c->handle);
    int r = connection_run(c, "BEGIN IMMEDIATE", &e);
    if (!r)
        r = run_batch(s, batch, n, &n, &e);
    if (!r)
        r = commit(s, &e);
    else if (!sqlite3_get_autocommit(c->handle))
        (void)sqlite3_exec(c->handle, "ROLLBACK", NULL, NULL, NULL);
    if (!r && n && sqlite3_total_changes(c->handle) != before)
        db_committed(s->db);
    if (r)
        finish_all(batch, n, r, &e);
    for (size_t i = 0; !r && i < n; i++)
        finish(batch[i], OTK_OK);
}

static size_t take_batch(struct store *s, struct request *batch[BATCH_MAX])
{
    size_t n = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->head && !s->stop)
        (void)pthread_cond_wait(&s->some, &s->lock);
    while (s->head && n < BATCH_MAX) {
        struct request *r = s->head;
        s->head = r->next;
        r->started = true;
        s->waiting--;
        batch[n++] = r;
    }
    if (!s->head)
        s->tail = NULL;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static int on_log_growth(void *arg, sqlite3 *handle, const char *name,
                         int pages)
{
    (void)handle;
    (void)name;
    ((struct store *)arg)->log_pages = pages;
    return SQLITE_OK;
}

static void look_at_log(struct store *s)
{
    if (s->log_pages >= LOG_PAGES_MAX) {
        int left, moved;
        (void)sqlite3_wal_checkpoint_v2(
            s->writer->handle, NULL, SQLITE_CHECKPOINT_RESTART, &left, &moved);
        s->log_pages = 0;
    } else if (s->log_pages >= LOG_PAGES_BACKGROUND) {
        pthread_mutex_lock(&s->log_lock);
        s->log_wanted = true;
        (void)pthread_cond_signal(&s->log_some);
        pthread_mutex_unlock(&s->log_lock);
    }
}

static void *write_loop(void *arg)
{
    struct store *s = arg;
    struct request *batch[BATCH_MAX];
    size_t n;
    while ((n = take_batch(s, batch))) {
        write_batch(s, batch, n);
        look_at_log(s);
    }
    return NULL;
}

/* Take `r` out of the queue again; false: the writer has it already. */
static bool withdraw(struct store *s, struct request *r)
{
    pthread_mutex_lock(&s->lock);
    bool ok = !r->started;
    struct request **at = &s->head;
    struct request *last = NULL;
    while (ok && *at) {
        if (*at == r) {
            *at = r->next;
            s->waiting--;
            if (s->tail == r)
                s->tail = last;
            break;
        }
        last = *at;
        at = &(*at)->next;
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

static int enqueue(struct store *s, struct request *r, struct err *e)
{
    const char *why = NULL;
    pthread_mutex_lock(&s->lock);
    if (s->stop)
        why = "the store is closing";
    else if (s->waiting >= s->o.queue_max)
        why = "too many writers are waiting";
    if (!why) {
        if (s->tail)
            s->tail->next = r;
        else
            s->head = r;
        s->tail = r;
        s->waiting++;
        (void)pthread_cond_signal(&s->some);
    }
    pthread_mutex_unlock(&s->lock);
    return why ? err_set(e, OTK_EAGAIN, "%s", why) : OTK_OK;
}

static int sqlite_write(void *impl, int timeout_ms, db_fn *fn, void *arg,
                        struct err *e)
{
    struct store *s = impl;
    if (s->o.read_only)
        return err_set(e, OTK_EDENIED, "the store was opened for reading");
    struct request r = {.fn = fn, .arg = arg, .e = e};
    (void)sem_init(&r.done, 0, 0);
    struct timespec until;
    deadline_in(timeout_ms, &until);
    int err = enqueue(s, &r, e);
    if (!err) {
        int w;
        while ((w = sem_timedwait(&r.done, &until)) && errno == EINTR)
            ;
        if (w && withdraw(s, &r)) {
            err = err_set(e, OTK_EAGAIN, "the store was busy for %d ms",
                          timeout_ms);
        } else {
            while (w && (w = sem_wait(&r.done)) && errno == EINTR)
                ;
            err = r.result;
        }
    }
    (void)sem_destroy(&r.done);
    return err;
}

/* ---- readers
 * ---------------------------------------------------------------------------
 */

static int reader_take(struct store *s, int timeout_ms, struct connection **ret,
                       struct err *e)
{
    struct timespec until;
    deadline_in(timeout_ms, &until);
    int err = OTK_OK;
    bool make = false;
    *ret = NULL;
    pthread_mutex_lock(&s->pool_lock);
    while (!err && s->n_idle == 0 && s->n_made == s->n_readers) {
        if (pthread_cond_timedwait(&s->pool_some, &s->pool_lock, &until))
            err = err_set(e, OTK_EAGAIN, "no reader was free for %d ms",
                          timeout_ms);
    }
    if (!err && s->n_idle) {
        *ret = s->idle[--s->n_idle];
    } else if (!err) {
        make = true;
        s->n_made++;
    }
    pthread_mutex_unlock(&s->pool_lock);
    if (make) {
        err = connection_open(s->path, SQLITE_OPEN_READONLY, s->o.busy_ms, ret,
                              e);
        if (err) {
            pthread_mutex_lock(&s->pool_lock);
            s->n_made--;
            pthread_mutex_unlock(&s->pool_lock);
        }
    }
    return err;
}

static void reader_give(struct store *s, struct connection *c)
{
    pthread_mutex_lock(&s->pool_lock);
    s->idle[s->n_idle++] = c;
    (void)pthread_cond_signal(&s->pool_some);
    pthread_mutex_unlock(&s->pool_lock);
}

static int sqlite_read(void *impl, int timeout_ms, db_fn *fn, void *arg,
                       struct err *e)
{
    struct store *s = impl;
    struct connection *c;
    int err = reader_take(s, timeout_ms, &c, e);
    if (err)
        return err;
    err = connection_run(c, "BEGIN", e);
    if (!err) {
        err = fn(&c->tx, arg, e);
        (void)sqlite3_exec(c->handle, "COMMIT", NULL, NULL, NULL);
    }
    reader_give(s, c);
    return err;
}

/* ---- the log
 * ---------------------------------------------------------------------------
 */

static void *log_loop(void *arg)
{
    struct store *s = arg;
    struct connection *c;
    if (connection_open(s->path, SQLITE_OPEN_READWRITE, s->o.busy_ms, &c, NULL))
        return NULL; /* the writer moves the log at LOG_PAGES_MAX */
    pthread_mutex_lock(&s->log_lock);
    while (!s->log_stop) {
        if (!s->log_wanted) {
            (void)pthread_cond_wait(&s->log_some, &s->log_lock);
            continue;
        }
        s->log_wanted = false;
        pthread_mutex_unlock(&s->log_lock);
        int left, moved;
        (void)sqlite3_wal_checkpoint_v2(
            c->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &left, &moved);
        pthread_mutex_lock(&s->log_lock);
    }
    pthread_mutex_unlock(&s->log_lock);
    connection_close(c);
    return NULL;
}

/* ---- open and close
 * ---------------------------------------------------------------------- */

static int set_path(struct store *s, const char *where, struct err *e)
{
    if (strcmp(where, "memory:") == 0) {
        /* readers need a file of their own to see snapshots of */
        const char *tmp = getenv("TMPDIR");
        (void)snprintf(s->path, sizeof(s->path), "%s/otklik-XXXXXX",
                       tmp ? tmp : "/tmp");
        int fd = mkstemp(s->path);
        if (fd < 0)
            return err_errno(e, OTK_EIO, "make %s", s->path);
        (void)close(fd);
        s->is_private = true;
        return OTK_OK;
    }
    int n = snprintf(s->path, sizeof(s->path), "%s", where);
    if (n <= 0 || (size_t)n >= sizeof(s->path) - 16)
        return err_set(e, OTK_EINVAL, "'%s' is not a usable path", where);
    return OTK_OK;
}

static void remove_private(struct store *s)
{
    if (!s->is_private)
        return;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[PATH_BYTES + 8];
        (void)snprintf(path, sizeof(path), "%s%s", s->path, suffixes[i]);
        (void)unlink(path);
    }
}

static void store_free(struct store *s)
{
    for (int i = 0; i < s->n_idle; i++)
        connection_close(s->idle[i]);
    connection_close(s->writer);
    remove_private(s);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_mutex_destroy(&s->pool_lock);
    (void)pthread_mutex_destroy(&s->log_lock);
    (void)pthread_cond_destroy(&s->some);
    (void)pthread_cond_destroy(&s->pool_some);
    (void)pthread_cond_destroy(&s->log_some);
    free(s);
}

static int open_writer(struct store *s, struct err *e)
{
    int r = connection_open(s->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                            s->o.busy_ms, &s->writer, e);
    if (r)
        return r;
    r = connection_run(s->writer,
                       "PRAGMA journal_mode=WAL;"
                       "PRAGMA synchronous=FULL;"
                       "PRAGMA wal_autocheckpoint=0;"
                       "PRAGMA secure_delete=ON;"
                       "PRAGMA journal_size_limit=67108864;"
                       "PRAGMA cache_size=-16384;",
                       e);
    (void)sqlite3_wal_hook(s->writer->handle, on_log_growth, s);
    return r;
}

static int cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 2 ? 2 : n > 16 ? 16 : (int)n;
}

static int sqlite_open_store(const char *where, const struct db_options *o,
                             struct db *db, struct err *e)
{
    struct store *s = MEM_NEW(struct store);
    s->db = db;
    s->o = *o;
    s->n_readers = o->readers > 0 ? o->readers : 2 * cores();
    if (s->n_readers > READERS_MAX)
        s->n_readers = READERS_MAX;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_mutex_init(&s->pool_lock, NULL);
    (void)pthread_mutex_init(&s->log_lock, NULL);
    (void)pthread_cond_init(&s->some, NULL);
    (void)pthread_cond_init(&s->pool_some, NULL);
    (void)pthread_cond_init(&s->log_some, NULL);
    int r = set_path(s, where, e);
    if (!r && !o->read_only)
        r = open_writer(s, e);
    if (!r && o->read_only && access(s->path, R_OK))
        r = err_errno(e, OTK_ENOENT, "%s", s->path);
    if (r) {
        store_free(s);
        return r;
    }
    if (!o->read_only &&
        (pthread_create(&s->writer_thread, NULL, write_loop, s) ||
         pthread_create(&s->log_thread, NULL, log_loop, s)))
        bug("no threads for the store");
    db->impl = s;
    return OTK_OK;
}

static void sqlite_close_store(void *impl)
{
    struct store *s = impl;
    if (!s->o.read_only) {
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        (void)pthread_cond_signal(&s->some);
        pthread_mutex_unlock(&s->lock);
        (void)pthread_join(s->writer_thread, NULL);
        pthread_mutex_lock(&s->log_lock);
        s->log_stop = true;
        (void)pthread_cond_signal(&s->log_some);
        pthread_mutex_unlock(&s->log_lock);
        (void)pthread_join(s->log_thread, NULL);
    }
    store_free(s);
}

/* ---- upkeep
 * ---------------------------------------------------------------------------------
 */

static int copy_into(struct connection *from, const char *path, struct err *e)
{
    sqlite3 *to = NULL;
    int r = sqlite3_open_v2(path, &to,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (!r)
        r = sqlite3_exec(to, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    if (!r) {
        sqlite3_backup *b =
            sqlite3_backup_init(to, "main", from->handle, "main");
        if (b) {
            (void)sqlite3_backup_step(b, -1);
            r = sqlite3_backup_finish(b);
        } else {
            r = sqlite3_errcode(to);
        }
    }
    int err = r ? sqlite_fail(to, r, e) : OTK_OK;
    (void)sqlite3_close(to);
    return err ? err_wrap(e, err, "backup to %s", path) : OTK_OK;
}

static int sqlite_backup_store(void *impl, const char *path, struct err *e)
{
    struct store *s = impl;
    if (access(path, F_OK) == 0)
        return err_set(e, OTK_ECONFLICT, "%s exists already", path);
    struct connection *c;
    int err =
        connection_open(s->path, SQLITE_OPEN_READONLY, s->o.busy_ms, &c, e);
    if (err)
        return err;
    char part[PATH_BYTES + 8];
    (void)snprintf(part, sizeof(part), "%s.part", path);
    (void)unlink(part);
    err = copy_into(c, part, e);
    connection_close(c);
    if (!err && rename(part, path))
        err = err_errno(e, OTK_EIO, "rename %s", part);
    if (err)
        (void)unlink(part);
    return err;
}

static int no_rows(struct connection *c, const char *sql, const char *good,
                   struct err *e)
{
    struct db_rows *rows;
    int r = sqlite_query(&c->tx, sql, true, NULL, 0, &rows, e);
    if (r)
        return r;
    r = sqlite_next(rows, e);
    if (r > 0) {
        struct str text = sqlite_get_text(rows, 0);
        r = good && str_is(text, good)
                ? OTK_OK
                : err_set(e, OTK_EIO, "%s: " STR_FMT, sql, STR_ARG(text));
    }
    sqlite_free_rows(rows);
    return r;
}

static int sqlite_verify_store(void *impl, struct err *e)
{
    struct store *s = impl;
    struct connection *c;
    int r = connection_open(s->path, SQLITE_OPEN_READONLY, s->o.busy_ms, &c, e);
    if (r)
        return r;
    r = no_rows(c, "PRAGMA integrity_check(1)", "ok", e);
    if (!r)
        r = no_rows(c, "PRAGMA foreign_key_check", NULL, e);
    connection_close(c);
    return r;
}

const struct db_ops db_sqlite = {
    .name = "sqlite",
    .capabilities = 0,
    .open = sqlite_open_store,
    .close = sqlite_close_store,
    .write = sqlite_write,
    .read = sqlite_read,
    .query = sqlite_query,
    .next = sqlite_next,
    .free_rows = sqlite_free_rows,
    .changed = sqlite_changed,
    .is_null = sqlite_is_null,
    .get_int = sqlite_get_int,
    .get_real = sqlite_get_real,
    .get_text = sqlite_get_text,
    .text_put = sqlite_text_put,
    .text_drop = sqlite_text_drop,
    .text_find = sqlite_text_find,
    .script = sqlite_script,
    .backup = sqlite_backup_store,
    .verify = sqlite_verify_store,
};
