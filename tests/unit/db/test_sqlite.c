/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite stores that several processes share, that are killed, that are full.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/rand.h"
#include "db/sqlite.h"
#include "store.h"

static int status_of(pid_t child)
{
    int status = -1;
    (void)waitpid(child, &status, 0);
    return status;
}

/* ---- killed ---- */

enum { ROUNDS = 30, WRITERS = 4 };

struct told {
    int fd, round, writer;
    struct db *db;
};

/* Write, and say so only when it was acknowledged. */
static void *write_and_tell(void *arg)
{
    struct told *t = arg;
    for (int32_t i = 0;; i++) {
        char name[32];
        int32_t line[2] = {t->writer, i};
        (void)snprintf(name, sizeof(name), "%d-%d-%d", t->round, t->writer, i);
        if (put(t->db, name, NULL) ||
            write(t->fd, line, sizeof(line)) != sizeof(line))
            abort();
    }
    return NULL;
}

static void write_until_killed(const char *url, int fd, int round)
{
    struct db *db = open_at(url, NULL);
    struct told t[WRITERS];
    pthread_t id;
    for (int i = 0; i < WRITERS; i++) {
        t[i] = (struct told){fd, round, i, db};
        if (pthread_create(&id, NULL, write_and_tell, &t[i]))
            abort();
    }
    (void)pause();
    abort();
}

struct names {
    int round;
    int32_t acknowledged[WRITERS]; /* how many */
    int missing, more;
};

static int compare_names(struct db_tx *tx, void *arg, struct err *e)
{
    struct names *n = arg;
    for (int w = 0; w < WRITERS; w++) {
        for (int32_t i = 0; i <= n->acknowledged[w] + 1; i++) {
            char name[32];
            int64_t id;
            (void)snprintf(name, sizeof(name), "%d-%d-%d", n->round, w, i);
            int r = db_int_of(
                tx, &id, e, "SELECT id FROM things WHERE name = ?1", "t", name);
            if (r && r != OTK_ENOENT)
                return r;
            n->missing += r && i < n->acknowledged[w];
            n->more += !r && i >= n->acknowledged[w];
        }
    }
    return 0;
}

static void kill_once(const char *url, struct rand *r, int round)
{
    struct names n = {.round = round};
    int ends[2];
    int32_t line[2];
    int heard = 0;
    int enough = 1 + (int)rand_below(r, 200);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        write_until_killed(url, ends[1], round);
    (void)close(ends[1]);
    while (read(ends[0], line, sizeof(line)) == sizeof(line)) {
        n.acknowledged[line[0]] = line[1] + 1;
        if (++heard == enough)
            (void)kill(child, SIGKILL);
    }
    (void)close(ends[0]);
    assert_true(WIFSIGNALED(status_of(child)));
    struct db *db = open_at(url, NULL);
    struct err e = {0};
    if (db_read(db, 0, compare_names, &n, &e) || db_verify(db, &e))
        fail_msg("%s", e.msg);
    db_close(db);
    assert_int_equal(n.missing, 0);
    /* written, and killed before it could be told: one a writer */
    assert_true(n.more <= WRITERS);
}

/* Acknowledged rows of a process that is killed are there afterwards. */
static void test_killed(void **state)
{
    char url[URL_BYTES];
    struct rand r;
    fresh_url(*state, url);
    db_close(open_at(url, NULL));
    rand_init(&r, 4711);
    for (int round = 0; round < ROUNDS; round++)
        kill_once(url, &r, round);
}

/* ---- a full disk ---- */

enum { BIG = 1 << 20 };

static int insert_big(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e, "INSERT INTO things (raw) VALUES (?1)", "b",
                   (struct str){arg, BIG});
}

struct small {
    struct db *db;
    int number, done, refused, odd;
};

/* Small writes beside the big ones: each is done or refused, wholly. */
static void *write_small(void *arg)
{
    struct small *s = arg;
    for (int i = 0; i < 50; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%d-%d", s->number, i);
        int r = put(s->db, name, NULL);
        s->done += r == 0;
        s->refused += r == OTK_EAGAIN;
        s->odd += r && r != OTK_EAGAIN;
    }
    return NULL;
}

static int fill_disk(const char *url)
{
    struct rlimit limit = {8 << 20, 256 << 20};
    struct db *db = open_at(url, NULL);
    char *big = calloc(1, BIG);
    struct err e = {0};
    struct small s[4];
    pthread_t t[4];
    int stored = 0;
    int r = 0;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (!big || setrlimit(RLIMIT_FSIZE, &limit))
        return 1;
    for (int i = 0; i < 4; i++) {
        s[i] = (struct small){.db = db, .number = i};
        if (pthread_create(&t[i], NULL, write_small, &s[i]))
            return 2;
    }
    while (stored < 100 && !(r = db_write(db, 0, insert_big, big, &e)))
        stored++;
    if (r != OTK_EAGAIN || stored == 0)
        return 3;
    int64_t want = stored + 1;
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(t[i], NULL);
        if (s[i].odd)
            return 4;
        want += s[i].done;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_FSIZE, &limit) || put(db, "after", &e))
        return 5;
    if (count_of(db) != want || db_verify(db, &e))
        return 6;
    db_close(db);
    free(big);
    return 0;
}

/* One that is too big for the disk shares a transaction with small ones. */
static int hold_writer(struct db_tx *tx, void *arg, struct err *e)
{
    (void)tx;
    (void)e;
    char c;
    return read(*(int *)arg, &c, 1) == 1 ? 0 : OTK_EIO;
}

struct one {
    struct db *db;
    db_fn *fn;
    void *arg;
    int result;
};

static void *run_one(void *arg)
{
    struct one *o = arg;
    o->result = db_write(o->db, 0, o->fn, o->arg, NULL);
    return NULL;
}

static int insert_bigger(struct db_tx *tx, void *arg, struct err *e)
{
    int r = OTK_OK;
    for (int i = 0; !r && i < 20; i++)
        r = insert_big(tx, arg, e);
    return r;
}

static int mix_sizes(const char *url)
{
    struct rlimit limit = {8 << 20, 256 << 20};
    struct db *db = open_at(url, NULL);
    char *big = calloc(1, BIG);
    char names[3][8] = {"a", "b", "c"};
    int ends[2];
    pthread_t t[5];
    struct one o[5] = {{db, hold_writer, &ends[0], 0},
                       {db, insert, names[0], 0},
                       {db, insert_bigger, big, 0},
                       {db, insert, names[1], 0},
                       {db, insert, names[2], 0}};
    (void)signal(SIGXFSZ, SIG_IGN);
    if (!big || pipe(ends) || setrlimit(RLIMIT_FSIZE, &limit))
        return 1;
    for (int i = 0; i < 5; i++) {
        if (pthread_create(&t[i], NULL, run_one, &o[i]))
            return 2;
        (void)usleep(50000); /* they come in this order, mostly */
    }
    if (write(ends[1], ".", 1) != 1)
        return 3;
    for (int i = 0; i < 5; i++) {
        (void)pthread_join(t[i], NULL);
        if (o[i].result != (i == 2 ? OTK_EAGAIN : 0))
            return 10 + i;
    }
    if (count_of(db) != 3 || db_verify(db, NULL))
        return 4;
    db_close(db);
    free(big);
    return 0;
}

static void test_too_big_alone_is_refused(void **state)
{
    char url[URL_BYTES];
    fresh_url(*state, url);
    pid_t child = fork();
    if (child == 0)
        _exit(mix_sizes(url));
    assert_int_equal(status_of(child), 0);
}

static void test_disk_full(void **state)
{
    char url[URL_BYTES];
    fresh_url(*state, url);
    pid_t child = fork();
    if (child == 0)
        _exit(fill_disk(url));
    assert_int_equal(status_of(child), 0);
}

/* ---- several processes ---- */

static void say(int fd)
{
    if (write(fd, ".", 1) != 1)
        abort();
}

static void hear(int fd)
{
    char c;
    if (read(fd, &c, 1) != 1)
        abort();
}

struct ends {
    int to_parent[2], to_child[2];
};

static int hold_lock(struct db_tx *tx, void *arg, struct err *e)
{
    struct ends *x = arg;
    int r = insert(tx, "theirs", e);
    say(x->to_parent[1]);
    hear(x->to_child[0]);
    return r;
}

static int hold_lock_in_child(const char *url, struct ends *x)
{
    struct db *db = open_at(url, NULL);
    int r = db_write(db, 0, hold_lock, x, NULL);
    db_close(db);
    return r ? 1 : 0;
}

/* Another process holds the lock: OTK_EAGAIN, then it works again. */
static void test_locked(void **state)
{
    char url[URL_BYTES];
    struct ends x;
    struct err e = {0};
    struct db *db = NULL;
    fresh_url(*state, url);
    db_close(open_at(url, NULL));
    assert_int_equal(pipe(x.to_parent), 0);
    assert_int_equal(pipe(x.to_child), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(hold_lock_in_child(url, &x));
    hear(x.to_parent[0]);
    assert_int_equal(db_open(url, &(struct db_options){.busy_ms = 50}, &db, &e),
                     0);
    assert_int_equal(put(db, "ours", &e), OTK_EAGAIN); /* the lock's time */
    assert_int_equal(count_of(db), 0);
    db_close(db);
    db = open_at(url, NULL);
    assert_int_equal(db_write(db, 20, insert, "ours", &e), OTK_EAGAIN);
    assert_non_null(strstr(e.msg, "20 ms")); /* the caller's time */
    say(x.to_child[1]);
    assert_int_equal(status_of(child), 0);
    assert_int_equal(put(db, "ours", &e), 0);
    assert_int_equal(count_of(db), 2);
    db_close(db);
}

static int write_as(const char *url, int number)
{
    struct db *db = open_at(url, NULL);
    for (int i = 0; i < 50; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%d-%d", number, i);
        if (put(db, name, NULL))
            return 1;
    }
    db_close(db);
    return 0;
}

/* They make the store together, too. */
static void test_processes(void **state)
{
    enum { PROCESSES = 5 };
    char url[URL_BYTES];
    pid_t child[PROCESSES];
    fresh_url(*state, url);
    for (int i = 0; i < PROCESSES; i++) {
        child[i] = fork();
        if (child[i] == 0)
            _exit(write_as(url, i));
    }
    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(status_of(child[i]), 0);
    struct db *db = open_at(url, NULL);
    assert_int_equal(count_of(db), PROCESSES * 50);
    db_close(db);
}

/* ---- the log ---- */

struct reading {
    struct db *db;
    int64_t log_bytes;
    char path[300];
};

static int write_much(struct db_tx *tx, void *arg, struct err *e)
{
    struct reading *r = arg;
    char *big = calloc(1, BIG);
    int64_t n;
    struct stat st;
    int err = big ? count(tx, &n, e) : OTK_ELIMIT; /* the snapshot begins */
    for (int i = 0; !err && i < 100; i++)
        err = db_write(r->db, 0, insert_big, big, e);
    free(big);
    if (!err && stat(r->path, &st) == 0)
        r->log_bytes = st.st_size;
    return err;
}

/* A long reader keeps the log growing and stops nobody; then it shrinks. */
static void test_log_is_bounded(void **state)
{
    char url[URL_BYTES];
    struct reading r = {0};
    struct err e = {0};
    struct stat st;
    enum { ROOM = 72 << 20 };
    (void)state;
    fresh_url("", url);
    (void)snprintf(r.path, sizeof(r.path), "%s-wal", url);
    r.db = open_at(url, NULL);
    if (db_read(r.db, 0, write_much, &r, &e))
        fail_msg("%s", e.msg);
    assert_true(r.log_bytes > ROOM);
    assert_int_equal(put(r.db, "a", &e), 0);
    assert_int_equal(put(r.db, "b", &e), 0);
    for (int i = 0; i < 100; i++) {
        char *big = calloc(1, BIG);
        assert_non_null(big);
        assert_int_equal(db_write(r.db, 0, insert_big, big, &e), 0);
        free(big);
    }
    assert_int_equal(stat(r.path, &st), 0);
    assert_true(st.st_size < ROOM);
    db_close(r.db);
}

/* ---- files ---- */

static void test_bad_files(void **state)
{
    (void)state;
    char path[300];
    struct err e = {0};
    struct db *db = NULL;
    (void)snprintf(path, sizeof(path), "%s/not-a-database", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 1000; i++)
        (void)fputs("this is not a database ", f);
    (void)fclose(f);
    assert_int_equal(db_open(path, NULL, &db, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, path));
    assert_int_equal(db_open("/nonexistent/x.db", NULL, &db, &e), OTK_ENOENT);
    assert_int_equal(db_open("", NULL, &db, &e), OTK_EINVAL);
    struct db_options read_only = {.read_only = true};
    assert_int_equal(db_open("/nonexistent/x.db", &read_only, &db, &e),
                     OTK_ENOENT);
    assert_null(db);
}

static void test_file_is_private(void **state)
{
    (void)state;
    char url[URL_BYTES];
    char log[URL_BYTES + 8];
    struct stat st;
    mode_t old = umask(0);
    fresh_url("", url);
    (void)snprintf(log, sizeof(log), "%s-wal", url);
    struct db *db = open_at(url, NULL);
    (void)umask(old);
    assert_int_equal(stat(url, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(log, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    db_close(db);
}

static void test_read_only(void **state)
{
    char url[URL_BYTES];
    struct db *db = NULL;
    struct err e = {0};
    (void)state;
    fresh_url("", url);
    db = open_at(url, NULL);
    assert_int_equal(put(db, "a", &e), 0);
    db_close(db);
    struct db_options o = {.read_only = true};
    assert_int_equal(db_open(url, &o, &db, &e), 0);
    assert_int_equal(count_of(db), 1);
    assert_int_equal(put(db, "b", &e), OTK_EDENIED);
    db_close(db);
}

/* db_verify() finds a page that was overwritten. */
static void test_damage(void **state)
{
    char url[URL_BYTES];
    struct err e = {0};
    (void)state;
    fresh_url("", url);
    struct db *db = open_at(url, NULL);
    for (int i = 0; i < 2000; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "row %d", i);
        assert_int_equal(put(db, name, &e), 0);
    }
    db_close(db);
    int fd = open(url, O_RDWR);
    struct stat st;
    char noise[512];
    memset(noise, 0xa5, sizeof(noise));
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 4096L * 12; at < st.st_size; at += 4096)
        assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
    (void)close(fd);
    assert_int_equal(db_open(url, NULL, &db, &e), 0);
    assert_int_equal(db_verify(db, &e), OTK_EIO);
    assert_non_null(strstr(e.msg, "damaged"));
    db_close(db);
}

/* ---- results of SQLite ---- */

static void test_results(void **state)
{
    (void)state;
    static const struct {
        int code, want;
    } rows[] = {
        {SQLITE_BUSY, OTK_EAGAIN},
        {SQLITE_BUSY_SNAPSHOT, OTK_EAGAIN},
        {SQLITE_FULL, OTK_EAGAIN},
        {SQLITE_IOERR_WRITE, OTK_EAGAIN},
        {SQLITE_READONLY_DBMOVED, OTK_EAGAIN},
        {SQLITE_CONSTRAINT_UNIQUE, OTK_ECONFLICT},
        {SQLITE_CONSTRAINT_FOREIGNKEY, OTK_ECONFLICT},
        {SQLITE_TOOBIG, OTK_ELIMIT},
        {SQLITE_NOTADB, OTK_EFORMAT},
        {SQLITE_CORRUPT, OTK_EIO},
        {SQLITE_ERROR, OTK_EIO},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err e = {0};
        assert_int_equal(sqlite_fail(NULL, rows[i].code, &e), rows[i].want);
        assert_true(e.msg[0]);
    }
}

#define ON_FILES(test) ON(test, "sqlite:"), ON(test, "trace:sqlite:")

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(test_killed, "sqlite:"),
        ON_FILES(test_disk_full),
        ON_FILES(test_too_big_alone_is_refused),
        ON_FILES(test_locked),
        ON(test_processes, "sqlite:"),
        cmocka_unit_test(test_log_is_bounded),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_file_is_private),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_results),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
