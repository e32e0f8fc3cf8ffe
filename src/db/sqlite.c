/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite driver: one thread writes (sqlite_writer.c), readers take a
 * connection from a pool and see a snapshot of the write-ahead log.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "db/sqlite.h"
#include "db/wait.h"

enum { READERS_MAX = 64 };

struct store {
    struct db_options o;
    char path[SQLITE_PATH_BYTES];
    bool is_private;       /* memory: - the file goes when the store closes */
    struct writer *writer; /* NULL: read only */

    pthread_mutex_t lock;
    pthread_cond_t some;                  /* a reader is idle */
    struct connection *idle[READERS_MAX]; /* guarded by lock */
    int n_idle, n_made;                   /* guarded by lock */
    int n_readers;
};

/* ---- readers ---- */

static int reader_make(struct store *s, struct connection **ret, struct err *e)
{
    int err = connection_open(s->path, true, s->o.busy_ms, ret, e);
    if (err) {
        pthread_mutex_lock(&s->lock);
        s->n_made--;
        (void)pthread_cond_signal(&s->some);
        pthread_mutex_unlock(&s->lock);
    }
    return err;
}

static int reader_take(struct store *s, int timeout_ms, struct connection **ret,
                       struct err *e)
{
    struct timespec deadline = wait_deadline(timeout_ms);
    bool in_time = true;
    bool make = false;
    *ret = NULL;
    pthread_mutex_lock(&s->lock);
    while (in_time && s->n_idle == 0 && s->n_made == s->n_readers)
        in_time = wait_until(&s->some, &s->lock, &deadline);
    if (s->n_idle) {
        *ret = s->idle[--s->n_idle];
    } else if (s->n_made < s->n_readers) {
        make = true;
        s->n_made++;
    }
    pthread_mutex_unlock(&s->lock);
    if (make)
        return reader_make(s, ret, e);
    return *ret ? OTK_OK
                : err_set(e, OTK_EAGAIN, "no reader was free for %d ms",
                          timeout_ms);
}

static void reader_give(struct store *s, struct connection *c)
{
    pthread_mutex_lock(&s->lock);
    s->idle[s->n_idle++] = c;
    (void)pthread_cond_signal(&s->some);
    pthread_mutex_unlock(&s->lock);
}

static int sqlite_read(void *impl, int timeout_ms, db_fn *fn, void *arg,
                       struct err *e)
{
    struct store *s = impl;
    struct connection *c;
    int err = reader_take(s, timeout_ms, &c, e);
    if (err)
        return err;
    err = connection_do(c, "BEGIN", e);
    if (!err) {
        err = connection_call(c, fn, arg, e);
        connection_leave(c);
    }
    reader_give(s, c);
    return err;
}

/* ---- writers ---- */

static int write_as(struct store *s, int timeout_ms, bool alone, db_fn *fn,
                    void *arg, struct err *e)
{
    if (!s->writer)
        return err_set(e, OTK_EDENIED, "the store was opened for reading");
    return writer_run(s->writer, timeout_ms, alone, fn, arg, e);
}

static int sqlite_write(void *impl, int timeout_ms, db_fn *fn, void *arg,
                        struct err *e)
{
    return write_as(impl, timeout_ms, false, fn, arg, e);
}

static int sqlite_upgrade(void *impl, int timeout_ms, db_fn *fn, void *arg,
                          struct err *e)
{
    return write_as(impl, timeout_ms, true, fn, arg, e);
}

/* ---- open and close ---- */

static int set_path(struct store *s, const char *where, struct err *e)
{
    if (strcmp(where, "memory:") == 0) {
        /* SQLite's own memory databases have no snapshots */
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
    enum { SUFFIX_BYTES = 16 };
    int n = snprintf(s->path, sizeof(s->path), "%s", where);
    if (n <= 0 || (size_t)n >= sizeof(s->path) - SUFFIX_BYTES)
        return err_set(e, OTK_EINVAL, "'%s' is not a usable path", where);
    return OTK_OK;
}

static void remove_private(struct store *s)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[SQLITE_PATH_BYTES + 8];
        (void)snprintf(path, sizeof(path), "%s%s", s->path, suffixes[i]);
        (void)unlink(path);
    }
}

static void sqlite_close_store(void *impl)
{
    struct store *s = impl;
    for (int i = 0; i < s->n_idle; i++)
        connection_close(s->idle[i]);
    writer_free(s->writer);
    if (s->is_private)
        remove_private(s);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_cond_destroy(&s->some);
    free(s);
}

static int readers_by_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 2 : n > READERS_MAX / 2 ? READERS_MAX : 2 * (int)n;
}

static int sqlite_open_store(const char *where, const struct db_options *o,
                             struct db *db, struct err *e)
{
    struct store *s = MEM_NEW(struct store);
    s->o = *o;
    s->n_readers = o->readers > 0 ? o->readers : readers_by_cores();
    if (s->n_readers > READERS_MAX)
        s->n_readers = READERS_MAX;
    (void)pthread_mutex_init(&s->lock, NULL);
    wait_init(&s->some);
    int r = set_path(s, where, e);
    if (!r && o->read_only && access(s->path, R_OK))
        r = err_errno(e, errno == ENOENT ? OTK_ENOENT : OTK_EDENIED, "%s",
                      s->path);
    if (!r && !o->read_only)
        r = writer_start(s->path, o, s->is_private, db, &s->writer, e);
    if (r)
        sqlite_close_store(s);
    else
        db->impl = s;
    return r;
}

static int sqlite_backup(void *impl, const char *path, struct err *e)
{
    struct store *s = impl;
    return sqlite_copy(s->path, path, s->o.busy_ms, e);
}

static int sqlite_verify(void *impl, struct err *e)
{
    struct store *s = impl;
    struct connection *c;
    int r = connection_open(s->path, true, s->o.busy_ms, &c, e);
    if (r)
        return r;
    r = sqlite_check(c, e);
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
    .inserted = sqlite_inserted,
    .is_null = sqlite_is_null,
    .get_int = sqlite_get_int,
    .get_real = sqlite_get_real,
    .get_text = sqlite_get_text,
    .text_put = sqlite_text_put,
    .text_drop = sqlite_text_drop,
    .text_scrub = sqlite_text_scrub,
    .text_find = sqlite_text_find,
    .upgrade = sqlite_upgrade,
    .script = sqlite_script,
    .tables = sqlite_tables,
    .backup = sqlite_backup,
    .verify = sqlite_verify,
};
