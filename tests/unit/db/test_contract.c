/* SPDX-License-Identifier: Apache-2.0 */
/* What db.h promises of transactions and statements, on every driver. */
#include <pthread.h>
#include <semaphore.h>

#include "store.h"

/* ---- values ---- */

struct row {
    char name[64];
    bool is_null[4];
    size_t name_n, raw_n;
    int64_t size;
    double weight;
    char raw[8];
};

static int put_and_read(struct db_tx *tx, void *arg, struct err *e)
{
    struct row *got = arg;
    char text[] = "temporary";
    int64_t seven = 7;
    int64_t id = 0;
    int r = db_int_of(tx, &id, e,
                      "INSERT INTO things (name, size, weight, raw) VALUES "
                      "(?1, ?2, ?3, ?4) RETURNING id",
                      "sirb", str_from(text), INT64_MIN, 0.1,
                      ((struct str){"\0\1\377", 3}));
    memset(text, 'X', sizeof(text) - 1); /* it was borrowed for the call */
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO things (name, size, weight, raw) VALUES (?1, "
                    "?2, ?3, ?4)",
                    "tInn", (const char *)NULL, (const int64_t *)NULL);
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO things (name, size, raw) VALUES (?1, ?2, ?3)",
                    "sIb", STR(""), &seven, (struct str){0});
    struct db_rows *rows = NULL;
    if (!r)
        r = db_query(tx, &rows, e,
                     "SELECT name, size, weight, raw FROM things ORDER BY id",
                     "");
    for (struct row *x = got; !r && (r = db_next(rows, e)) > 0; x++, r = 0) {
        struct str raw = db_bytes(rows, 3);
        x->name_n = db_text(rows, 0).n;
        (void)snprintf(x->name, sizeof(x->name), STR_FMT,
                       STR_ARG(db_text(rows, 0)));
        x->size = db_int(rows, 1);
        x->weight = db_real(rows, 2);
        x->raw_n = raw.n;
        if (raw.n && raw.n <= sizeof(x->raw))
            memcpy(x->raw, raw.p, raw.n);
        for (int i = 0; i < 4; i++)
            x->is_null[i] = db_is_null(rows, i);
    }
    db_rows_free(rows);
    return r;
}

static void test_values(void **state)
{
    struct db *db = open_fresh(state);
    struct row rows[4] = {0};
    struct err e = {0};
    if (db_write(db, 0, put_and_read, rows, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(rows[0].name, "temporary");
    assert_true(rows[0].size == INT64_MIN);
    assert_true(rows[0].weight == 0.1);
    assert_int_equal(rows[0].raw_n, 3);
    assert_memory_equal(rows[0].raw, "\0\1\377", 3);
    for (int i = 0; i < 4; i++) {
        assert_false(rows[0].is_null[i]);
        assert_true(rows[1].is_null[i]);
    }
    assert_int_equal(rows[1].name_n, 0);
    assert_false(rows[2].is_null[0]); /* empty is not NULL */
    assert_int_equal(rows[2].name_n, 0);
    assert_int_equal(rows[2].size, 7);
    assert_true(rows[2].is_null[2]);
    assert_false(rows[2].is_null[3]);
    db_close(db);
}

static int put_big(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e, "INSERT INTO things (name) VALUES (?1)", "s",
                   *(struct str *)arg);
}

static int is_big(struct db_tx *tx, void *arg, struct err *e)
{
    struct str want = *(struct str *)arg;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e, "SELECT name FROM things", "");
    if (!r)
        r = db_next(rows, e);
    r = r > 0 && str_eq(db_text(rows, 0), want) ? 0 : OTK_EFORMAT;
    db_rows_free(rows);
    return r;
}

static void test_big_text(void **state)
{
    enum { BIG = 5 << 20 };
    struct db *db = open_fresh(state);
    char *p = malloc(BIG);
    assert_non_null(p);
    for (int i = 0; i < BIG; i++)
        p[i] = (char)(' ' + i % 90); /* quotes and all */
    struct str big = {p, BIG};
    assert_int_equal(db_write(db, 0, put_big, &big, NULL), 0);
    assert_int_equal(db_read(db, 0, is_big, &big, NULL), 0);
    free(p);
    db_close(db);
}

/* ---- statements ---- */

struct numbers {
    int64_t changed, max;
    int missing;
    struct err missing_err;
};

static int use_numbers(struct db_tx *tx, void *arg, struct err *e)
{
    struct numbers *n = arg;
    int64_t nothing = 0;
    int r = db_change(tx, &n->changed, e,
                      "UPDATE things SET size = 1 WHERE name <> ?1", "t", "b");
    n->missing = db_int_of(tx, &nothing, &n->missing_err,
                           "SELECT id FROM things WHERE name = ?1", "t", "x");
    if (!r)
        r = db_int_of(tx, &n->max, e, "SELECT SUM(size) FROM things", "");
    return r;
}

static void test_numbers(void **state)
{
    struct db *db = open_fresh(state);
    struct numbers n = {0};
    assert_int_equal(put(db, "a", NULL), 0);
    assert_int_equal(put(db, "b", NULL), 0);
    assert_int_equal(put(db, "c", NULL), 0);
    assert_int_equal(db_write(db, 0, use_numbers, &n, NULL), 0);
    assert_int_equal(n.changed, 2);
    assert_int_equal(n.max, 2);
    assert_int_equal(n.missing, OTK_ENOENT);
    assert_string_equal(n.missing_err.msg, "");
    db_close(db);
}

/* The same statement twice at once, one inside the other's rows. */
struct inserted {
    int64_t ids[2], found[2];
};

/* The id is that of the row, whatever is written behind it. */
static int insert_two(struct db_tx *tx, void *arg, struct err *e)
{
    static const char *const names[] = {"first", "second"};
    struct inserted *x = arg;
    int r = OTK_OK;
    for (int i = 0; !r && i < 2; i++) {
        r = db_insert(tx, &x->ids[i], e,
                      "INSERT INTO things (name, size) VALUES (?1, ?2)", "ti",
                      names[i], (int64_t)i);
        if (!r)
            r = db_text_put(tx, "things_text", x->ids[i], STR("some words"), e);
        if (!r)
            r = db_exec(tx, e, "INSERT INTO parts (thing_id) VALUES (?1)", "i",
                        x->ids[0]);
    }
    for (int i = 0; !r && i < 2; i++)
        r = db_int_of(tx, &x->found[i], e,
                      "SELECT id FROM things WHERE name = ?1", "t", names[i]);
    if (!r) /* one that fails is the caller's to see */
        r = db_insert(tx, &x->ids[0], e,
                      "INSERT INTO things (name) VALUES (?1)", "t", names[0]);
    return r;
}

static void test_insert(void **state)
{
    struct db *db = open_fresh(state);
    struct inserted x = {.ids = {-1, -1}};
    assert_int_equal(db_write(db, 0, insert_two, &x, NULL), OTK_ECONFLICT);
    assert_true(x.ids[0] > 0);
    assert_true(x.ids[1] > x.ids[0]);
    assert_int_equal(x.found[0], x.ids[0]);
    assert_int_equal(x.found[1], x.ids[1]);
    assert_int_equal(count_of(db), 0);
    db_close(db);
}

static int nested(struct db_tx *tx, void *arg, struct err *e)
{
    static const char sql[] = "SELECT id FROM things WHERE name <> ?1";
    int *pairs = arg;
    struct db_rows *outer;
    char name[] = "zz";
    int r = db_query(tx, &outer, e, sql, "t", name);
    memcpy(name, "bb", 2); /* it was borrowed for the call */
    while (!r && (r = db_next(outer, e)) > 0) {
        struct db_rows *inner;
        r = db_query(tx, &inner, e, sql, "t", "zz");
        while (!r && (r = db_next(inner, e)) > 0) {
            (*pairs)++;
            r = 0;
        }
        db_rows_free(inner);
    }
    db_rows_free(outer);
    return r;
}

static void test_nested_statements(void **state)
{
    struct db *db = open_fresh(state);
    int pairs = 0;
    assert_int_equal(put(db, "aa", NULL), 0);
    assert_int_equal(put(db, "bb", NULL), 0);
    assert_int_equal(db_read(db, 0, nested, &pairs, NULL), 0);
    assert_int_equal(pairs, 4);
    db_close(db);
}

/* More texts than any cache keeps, built at one address. */
static int many_texts(struct db_tx *tx, void *arg, struct err *e)
{
    int64_t *sum = arg;
    for (int i = 0; i < 600; i++) {
        char sql[64];
        int64_t n = 0;
        (void)snprintf(sql, sizeof(sql), "SELECT %d + ?1", i);
        int r = OTK_OK;
        if (i % 2) {
            r = db_int_of(tx, &n, e, sql, "i", (int64_t)1);
        } else {
            struct db_rows *rows;
            r = db_query_once(tx, &rows, e, sql, "i", (int64_t)1);
            if (!r && (r = db_next(rows, e)) > 0) {
                n = db_int(rows, 0);
                r = 0;
            }
            db_rows_free(rows);
        }
        if (r)
            return r;
        *sum += n - 1 == i;
    }
    return 0;
}

static void test_many_texts(void **state)
{
    struct db *db = open_fresh(state);
    int64_t sum = 0;
    assert_int_equal(db_read(db, 0, many_texts, &sum, NULL), 0);
    assert_int_equal(sum, 600);
    db_close(db);
}

/* ---- transactions ---- */

static void test_atomic(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    assert_int_equal(put(db, "a", &e), 0);
    assert_int_equal(db_write(db, 0, insert_then_fail, "b", &e), OTK_EDENIED);
    assert_string_equal(e.msg, "changed my mind");
    assert_int_equal(put(db, "a", &e), OTK_ECONFLICT);
    assert_int_equal(count_of(db), 1);
    db_close(db);
}

static int break_reference(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e, "INSERT INTO parts (thing_id) VALUES (4711)", "");
}

static void test_references(void **state)
{
    struct db *db = open_fresh(state);
    assert_int_equal(db_write(db, 0, break_reference, NULL, NULL),
                     OTK_ECONFLICT);
    db_close(db);
}

/* Goes on after a conflict, as if nothing had been. */
static int pass_over(struct db_tx *tx, void *arg, struct err *e)
{
    int *second = arg;
    (void)insert(tx, "other", e);
    (void)insert(tx, "taken", e);
    *second = db_exec(tx, e, "DELETE FROM things", "");
    return 0;
}

static void test_failed_statement_loses_transaction(void **state)
{
    struct db *db = open_fresh(state);
    int second = 0;
    assert_int_equal(put(db, "taken", NULL), 0);
    assert_int_equal(db_write(db, 0, pass_over, &second, NULL), OTK_ECONFLICT);
    assert_int_equal(second, OTK_ECONFLICT);
    assert_int_equal(count_of(db), 1);
    assert_int_equal(put(db, "next", NULL), 0);
    db_close(db);
}

static void test_read_changes_nothing(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    assert_int_equal(db_read(db, 0, insert, "a", &e), OTK_EINVAL);
    assert_int_equal(count_of(db), 0);
    assert_int_equal(put(db, "a", &e), 0);
    db_close(db);
}

struct snapshot {
    struct db *db;
    int64_t before, after;
};

static int read_around_write(struct db_tx *tx, void *arg, struct err *e)
{
    struct snapshot *s = arg;
    int r = count(tx, &s->before, e);
    if (!r)
        r = put(s->db, "later", e);
    return r ? r : count(tx, &s->after, e);
}

static void test_snapshot(void **state)
{
    struct db *db = open_fresh(state);
    struct snapshot s = {.db = db, .before = -1, .after = -1};
    assert_int_equal(db_read(db, 0, read_around_write, &s, NULL), 0);
    assert_int_equal(s.before, 0);
    assert_int_equal(s.after, 0);
    assert_int_equal(count_of(db), 1);
    db_close(db);
}

/* ---- many callers ---- */

enum { CROWD = 16, EACH = 60 };

struct crowd {
    struct db *db, *other; /* another view of the same file, or NULL */
    int first;
    int done, refused, unseen;
};

static int has_name(struct db_tx *tx, void *arg, struct err *e)
{
    int64_t id;
    return db_int_of(tx, &id, e, "SELECT id FROM things WHERE name = ?1", "t",
                     (const char *)arg);
}

static void *many_writes(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < EACH; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "n%d", c->first + i);
        /* every third changes its mind; it must not take others with it */
        bool fails = i % 3 == 0;
        int r =
            db_write(c->db, 0, fails ? insert_then_fail : insert, name, NULL);
        c->done += r == 0;
        c->refused += r == OTK_EDENIED;
        /* what was acknowledged is there for everybody from then on */
        if (r == 0 && db_read(c->db, 0, has_name, name, NULL))
            c->unseen++;
        if (r == 0 && c->other && db_read(c->other, 0, has_name, name, NULL))
            c->unseen++;
    }
    return NULL;
}

static void test_crowd(void **state)
{
    char url[URL_BYTES];
    fresh_url(*state, url);
    struct db *db = open_at(url, NULL);
    struct db *other = is_memory(state) ? NULL : open_at(url, NULL);
    struct crowd c[CROWD];
    pthread_t t[CROWD];
    for (int i = 0; i < CROWD; i++) {
        c[i] = (struct crowd){.db = db, .other = other, .first = i * EACH};
        assert_int_equal(pthread_create(&t[i], NULL, many_writes, &c[i]), 0);
    }
    for (int i = 0; i < CROWD; i++)
        (void)pthread_join(t[i], NULL);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(c[i].done, EACH - EACH / 3);
        assert_int_equal(c[i].refused, EACH / 3);
        assert_int_equal(c[i].unseen, 0);
    }
    assert_int_equal(count_of(db), CROWD * (EACH - EACH / 3));
    db_close(other);
    db_close(db);
}

/* A closure that stays until it is let go. */
struct gate {
    struct db *db;
    sem_t entered, leave;
    bool is_in;
    int result;
    int timeout_ms;
    bool is_read;
};

static int stand(struct db_tx *tx, void *arg, struct err *e)
{
    struct gate *g = arg;
    (void)tx;
    (void)e;
    g->is_in = true;
    (void)sem_post(&g->entered);
    (void)sem_wait(&g->leave);
    return 0;
}

/* Until it was let in: on a busy machine a short deadline passes before. */
static void *stand_in(void *arg)
{
    struct gate *g = arg;
    do {
        g->result = g->is_read ? db_read(g->db, 0, stand, g, NULL)
                               : db_write(g->db, g->timeout_ms, stand, g, NULL);
    } while (g->result == OTK_EAGAIN && !g->is_in);
    return NULL;
}

static pthread_t occupy(struct gate *g, struct db *db, bool is_read)
{
    pthread_t t;
    g->db = db;
    g->is_read = is_read;
    g->result = -1;
    (void)sem_init(&g->entered, 0, 0);
    (void)sem_init(&g->leave, 0, 0);
    assert_int_equal(pthread_create(&t, NULL, stand_in, g), 0);
    (void)sem_wait(&g->entered);
    return t;
}

static void let_go(struct gate *g, pthread_t t)
{
    (void)sem_post(&g->leave);
    (void)pthread_join(t, NULL);
    (void)sem_destroy(&g->entered);
    (void)sem_destroy(&g->leave);
    assert_int_equal(g->result, 0);
}

static void test_deadline(void **state)
{
    struct db *db = open_fresh(state);
    struct gate g = {0};
    struct err e = {0};
    pthread_t t = occupy(&g, db, false);
    assert_int_equal(db_write(db, 20, insert, "late", &e), OTK_EAGAIN);
    assert_int_equal(db_write(db, 1, insert, "later", &e), OTK_EAGAIN);
    assert_int_equal(count_of(db), 0); /* readers go on */
    let_go(&g, t);
    assert_int_equal(put(db, "now", &e), 0);
    assert_int_equal(count_of(db), 1); /* who gave up was not served */
    db_close(db);
}

/* A deadline that passes while the closure runs does not take it back. */
static void test_deadline_of_running(void **state)
{
    struct db *db = open_fresh(state);
    struct gate g = {.timeout_ms = 1};
    pthread_t t = occupy(&g, db, false);
    (void)usleep(50000);
    let_go(&g, t);
    assert_int_equal(put(db, "next", NULL), 0);
    db_close(db);
}

static void test_reader_deadline(void **state)
{
    char url[URL_BYTES];
    fresh_url(*state, url);
    struct db *db = open_at(url, &(struct db_options){.readers = 1});
    struct gate g = {0};
    int64_t n;
    pthread_t t = occupy(&g, db, true);
    assert_int_equal(db_read(db, 20, count, &n, NULL), OTK_EAGAIN);
    assert_int_equal(put(db, "a", NULL), 0); /* the writer goes on */
    let_go(&g, t);
    assert_int_equal(count_of(db), 1);
    db_close(db);
}

/* Asks again while the other one stands in the only place. */
static void *put_one(void *arg)
{
    struct err e = {0};
    int r;
    do {
        r = put(arg, "waits", &e);
    } while (r == OTK_EAGAIN && strstr(e.msg, "too many"));
    return r ? arg : NULL;
}

static void test_full_queue(void **state)
{
    char url[URL_BYTES];
    fresh_url(*state, url);
    struct db *db = open_at(url, &(struct db_options){.queue_max = 1});
    struct gate g = {0};
    struct err e = {0};
    pthread_t waits;
    void *failed;
    pthread_t t = occupy(&g, db, false);
    assert_int_equal(pthread_create(&waits, NULL, put_one, db), 0);
    /* until that one stands in the queue, this one does, and gives up */
    do {
        assert_int_equal(db_write(db, 1, insert, "full", &e), OTK_EAGAIN);
    } while (!strstr(e.msg, "too many"));
    let_go(&g, t);
    (void)pthread_join(waits, &failed);
    assert_null(failed);
    assert_int_equal(count_of(db), 1);
    db_close(db);
}

/* ---- hooks ---- */

static void bump(void *arg)
{
    (*(int *)arg)++;
}

static int look_only(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    int64_t n;
    return count(tx, &n, e);
}

static void test_hook(void **state)
{
    struct db *db = open_fresh(state);
    int commits = 0;
    int others = 0;
    db_on_commit(db, bump, &commits);
    db_on_commit(db, bump, &others);
    assert_int_equal(put(db, "a", NULL), 0);
    assert_int_equal(db_write(db, 0, insert_then_fail, "b", NULL), OTK_EDENIED);
    assert_int_equal(db_write(db, 0, look_only, NULL, NULL), 0);
    assert_int_equal(commits, 1);
    db_off_commit(db, bump, &commits);
    assert_int_equal(put(db, "c", NULL), 0);
    assert_int_equal(commits, 1);
    assert_int_equal(others, 2);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(test_values),
        ON_ALL(test_big_text),
        ON_ALL(test_numbers),
        ON_ALL(test_insert),
        ON_ALL(test_nested_statements),
        ON_ALL(test_many_texts),
        ON_ALL(test_atomic),
        ON_ALL(test_references),
        ON_ALL(test_failed_statement_loses_transaction),
        ON_ALL(test_read_changes_nothing),
        ON_ALL(test_snapshot),
        ON_ALL(test_crowd),
        ON_ALL(test_deadline),
        ON_ALL(test_deadline_of_running),
        ON_ALL(test_reader_deadline),
        ON_ALL(test_full_queue),
        ON_ALL(test_hook),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
