/* SPDX-License-Identifier: Apache-2.0 */
/* The job queue, its leases and its runner. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/clock.h"
#include "db/jobs.h"
#include "store.h"

enum { NOW = 1000000, MANY = 16 };

static struct db *open_desk(void **state)
{
    char url[URL_BYTES];
    struct db *db = NULL;
    struct err e = {0};
    fresh_url(*state, url);
    if (db_open(url, NULL, &db, &e) || db_migrate(db, db_migrations, NULL, &e))
        fail_msg("%s", e.msg);
    return db;
}

/* ---- one operation in a transaction of its own ---- */

enum verb { PUSH, DONE, FAIL, BURY, EXTEND, REQUEUE };

struct act {
    enum verb verb;
    const char *owner;
    const struct job *job;
    struct job_new new;
    int64_t id, now;
};

static int act_on(struct db_tx *tx, void *arg, struct err *e)
{
    struct act *a = arg;
    switch (a->verb) {
    case PUSH: return job_push(tx, &a->new, a->now, &a->id, e);
    case DONE: return job_done(tx, a->id, a->owner, e);
    case FAIL: return job_fail(tx, a->job, a->owner, "no luck", a->now, e);
    case BURY: return job_bury(tx, a->id, a->owner, "no hope", e);
    case EXTEND: return job_extend(tx, a->id, a->owner, a->now, e);
    default: return job_requeue(tx, a->id, a->now, e);
    }
}

static int64_t push(struct db *db, const char *kind, const char *dedup,
                    int64_t run_at)
{
    struct act a = {.verb = PUSH,
                    .now = NOW,
                    .new = {.kind = kind, .dedup = dedup, .run_at = run_at}};
    assert_int_equal(db_write(db, 0, act_on, &a, NULL), 0);
    return a.id;
}

static int act(struct db *db, enum verb verb, int64_t id, const char *owner,
               int64_t now)
{
    struct job j = {.id = id, .attempt = 1, .max_attempts = 3};
    struct act a = {
        .verb = verb, .id = id, .job = &j, .owner = owner, .now = now};
    return db_write(db, 0, act_on, &a, NULL);
}

struct taken {
    struct arena *a;
    struct job jobs[MANY];
    size_t n;
};

static size_t take(struct db *db, const char *owner, const char *const *kinds,
                   int64_t now, size_t max, struct taken *t)
{
    struct err e = {0};
    if (job_take(db, owner, kinds, now, 1000, t->a, t->jobs, max, &t->n, &e))
        fail_msg("%s", e.msg);
    return t->n;
}

struct column {
    const char *sql;
    int64_t id, num;
    char text[200];
};

static int read_column(struct db_tx *tx, void *arg, struct err *e)
{
    struct column *c = arg;
    struct db_rows *rows;
    int r = db_query_once(tx, &rows, e, c->sql, "i", c->id);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        c->num = db_int(rows, 0);
        (void)snprintf(c->text, sizeof(c->text), STR_FMT,
                       STR_ARG(db_text(rows, 0)));
    }
    db_rows_free(rows);
    return r > 0 ? 0 : OTK_ENOENT;
}

static struct column column(struct db *db, const char *name, int64_t id)
{
    char sql[100];
    struct column c = {.sql = sql, .id = id};
    (void)snprintf(sql, sizeof(sql), "SELECT %s FROM jobs WHERE id = ?1", name);
    if (db_read(db, 0, read_column, &c, NULL))
        (void)snprintf(c.text, sizeof(c.text), "gone");
    return c;
}

#define STATE_IS(db, id, want)                                                 \
    assert_string_equal(column(db, "state", id).text, want)

/* ---- the queue ---- */

static void test_order(void **state)
{
    struct db *db = open_desk(state);
    struct taken t = {.a = arena_new()};
    static const char *const kinds[] = {"a", "b", NULL};
    int64_t late = push(db, "a", NULL, NOW - 1);
    int64_t early = push(db, "b", NULL, NOW - 2);
    int64_t second = push(db, "a", NULL, NOW - 1);
    int64_t other = push(db, "c", NULL, NOW - 3);
    int64_t future = push(db, "a", NULL, NOW + 1);
    assert_int_equal(take(db, "me", kinds, NOW, 2, &t), 2);
    assert_int_equal(t.jobs[0].id, early);
    assert_int_equal(t.jobs[1].id, late);
    assert_string_equal(t.jobs[0].kind, "b");
    assert_true(str_is(t.jobs[0].payload, "{}"));
    assert_int_equal(t.jobs[0].attempt, 1);
    assert_int_equal(t.jobs[0].max_attempts, JOB_ATTEMPTS);
    assert_int_equal(take(db, "me", kinds, NOW, MANY, &t), 1);
    assert_int_equal(t.jobs[0].id, second);
    assert_int_equal(take(db, "me", kinds, NOW, MANY, &t), 0);
    assert_int_equal(take(db, "me", NULL, NOW + 1, MANY, &t), 2);
    assert_int_equal(t.jobs[0].id, other);
    assert_int_equal(t.jobs[1].id, future);
    arena_free(t.a);
    db_close(db);
}

static void test_dedup(void **state)
{
    struct db *db = open_desk(state);
    struct taken t = {.a = arena_new()};
    int64_t first = push(db, "a", "key", 0);
    assert_true(first > 0);
    assert_int_equal(push(db, "a", "key", 0), 0);
    assert_int_equal(take(db, "me", NULL, NOW, MANY, &t), 1);
    /* one that runs may miss what happens now: another may wait */
    int64_t second = push(db, "a", "key", 0);
    assert_true(second > 0);
    /* it fails: both wait, and still no third */
    assert_int_equal(act(db, FAIL, first, "me", NOW), 0);
    STATE_IS(db, first, "waiting");
    assert_int_equal(push(db, "a", "key", 0), 0);
    /* without the second it keeps its key */
    assert_int_equal(take(db, "me", NULL, NOW, MANY, &t), 1);
    assert_int_equal(t.jobs[0].id, second);
    assert_int_equal(act(db, FAIL, second, "me", NOW), 0);
    assert_int_equal(push(db, "a", "key", 0), 0);
    arena_free(t.a);
    db_close(db);
}

static void test_done(void **state)
{
    struct db *db = open_desk(state);
    struct taken t = {.a = arena_new()};
    int64_t id = push(db, "a", NULL, 0);
    assert_int_equal(act(db, DONE, id, "me", NOW), OTK_ECONFLICT);
    assert_int_equal(take(db, "me", NULL, NOW, MANY, &t), 1);
    assert_int_equal(act(db, DONE, id, "you", NOW), OTK_ECONFLICT);
    assert_int_equal(act(db, DONE, id, "me", NOW), 0);
    STATE_IS(db, id, "gone");
    assert_int_equal(act(db, DONE, id, "me", NOW), OTK_ECONFLICT);
    arena_free(t.a);
    db_close(db);
}

/* The pause doubles up to an hour; after the last attempt it is dead. */
static void test_back_off(void **state)
{
    struct db *db = open_desk(state);
    struct taken t = {.a = arena_new()};
    struct act a = {
        .verb = PUSH, .now = NOW, .new = {.kind = "a", .max_attempts = 14}};
    assert_int_equal(db_write(db, 0, act_on, &a, NULL), 0);
    int64_t now = NOW;
    int64_t longest = JOB_BACKOFF_MS;
    for (int attempt = 1; attempt < 14; attempt++) {
        assert_int_equal(take(db, "me", NULL, now, MANY, &t), 1);
        assert_int_equal(t.jobs[0].attempt, attempt);
        struct act f = {.verb = FAIL, .job = t.jobs, .owner = "me", .now = now};
        assert_int_equal(db_write(db, 0, act_on, &f, NULL), 0);
        int64_t at = column(db, "run_at", a.id).num;
        assert_in_range(at - now, longest / 2, longest);
        assert_int_equal(take(db, "me", NULL, at - 1, MANY, &t), 0);
        now = at;
        longest =
            longest * 2 < JOB_BACKOFF_MAX_MS ? longest * 2 : JOB_BACKOFF_MAX_MS;
    }
    assert_int_equal(longest, JOB_BACKOFF_MAX_MS);
    assert_int_equal(take(db, "me", NULL, now, MANY, &t), 1);
    struct act f = {.verb = FAIL, .job = t.jobs, .owner = "me", .now = now};
    assert_int_equal(db_write(db, 0, act_on, &f, NULL), 0);
    STATE_IS(db, a.id, "dead");
    assert_string_equal(column(db, "last_error", a.id).text, "no luck");
    arena_free(t.a);
    db_close(db);
}

static void test_dead_letters(void **state)
{
    struct db *db = open_desk(state);
    struct taken t = {.a = arena_new()};
    int64_t id = push(db, "a", "key", 0);
    assert_int_equal(act(db, REQUEUE, id, NULL, NOW), OTK_ENOENT);
    assert_int_equal(take(db, "me", NULL, NOW, MANY, &t), 1);
    assert_int_equal(act(db, BURY, id, "you", NOW), OTK_ECONFLICT);
    assert_int_equal(act(db, BURY, id, "me", NOW), 0);
    STATE_IS(db, id, "dead");
    assert_int_equal(take(db, "me", NULL, NOW, MANY, &t), 0);
    assert_int_equal(act(db, REQUEUE, id, NULL, NOW + 5), 0);
    assert_int_equal(take(db, "me", NULL, NOW + 4, MANY, &t), 0);
    assert_int_equal(take(db, "me", NULL, NOW + 5, MANY, &t), 1);
    assert_int_equal(t.jobs[0].attempt, 1);
    arena_free(t.a);
    db_close(db);
}

/* Who dies with a job in hand loses it to another. */
static void test_lease(void **state)
{
    struct db *db = open_desk(state);
    struct taken t = {.a = arena_new()};
    int64_t id = push(db, "a", "key", 0);
    assert_int_equal(take(db, "dead", NULL, NOW, MANY, &t), 1);
    assert_int_equal(take(db, "heir", NULL, NOW + 999, MANY, &t), 0);
    assert_int_equal(take(db, "heir", NULL, NOW + 1000, MANY, &t), 1);
    assert_int_equal(t.jobs[0].id, id);
    assert_int_equal(t.jobs[0].attempt, 2);
    assert_int_equal(act(db, DONE, id, "dead", NOW), OTK_ECONFLICT);
    assert_int_equal(act(db, FAIL, id, "dead", NOW), OTK_ECONFLICT);
    assert_int_equal(act(db, EXTEND, id, "dead", NOW), OTK_ECONFLICT);
    assert_int_equal(act(db, EXTEND, id, "heir", NOW + 9000), 0);
    assert_int_equal(take(db, "third", NULL, NOW + 8999, MANY, &t), 0);
    assert_int_equal(act(db, DONE, id, "heir", NOW), 0);
    arena_free(t.a);
    db_close(db);
}

static void test_lease_of_last_attempt(void **state)
{
    struct db *db = open_desk(state);
    struct taken t = {.a = arena_new()};
    struct act a = {
        .verb = PUSH, .now = NOW, .new = {.kind = "a", .max_attempts = 1}};
    assert_int_equal(db_write(db, 0, act_on, &a, NULL), 0);
    assert_int_equal(take(db, "dead", NULL, NOW, MANY, &t), 1);
    assert_int_equal(take(db, "heir", NULL, NOW + 1000, MANY, &t), 0);
    STATE_IS(db, a.id, "dead");
    assert_non_null(strstr(column(db, "last_error", a.id).text, "died"));
    arena_free(t.a);
    db_close(db);
}

/* Two of one key ran and died: one of them waits by the key. */
static void test_leases_of_one_key(void **state)
{
    struct db *db = open_desk(state);
    struct taken t = {.a = arena_new()};
    for (int i = 0; i < 3; i++) {
        assert_true(push(db, "a", "key", 0) > 0);
        assert_int_equal(take(db, "dead", NULL, NOW, MANY, &t), 1);
    }
    assert_int_equal(take(db, "heir", NULL, NOW + 1000, 1, &t), 1);
    assert_int_equal(take(db, "heir", NULL, NOW + 1000, MANY, &t), 2);
    arena_free(t.a);
    db_close(db);
}

/* ---- the runner ---- */

struct hand_clock {
    struct clock base; /* first */
    atomic_llong now;
};

static int64_t hand_now(const struct clock *c)
{
    return atomic_load(&((const struct hand_clock *)c)->now);
}

static void hand_clock_init(struct hand_clock *c)
{
    c->base = (struct clock){.wall_ms = hand_now, .mono_ms = hand_now};
    atomic_init(&c->now, NOW);
}

struct work {
    atomic_int runs, at_once, most;
    int result; /* of the handler; 0: it is done */
    atomic_bool hold;
    struct db *db;
};

static int finish(struct db_tx *tx, void *arg, struct err *e)
{
    const struct act *a = arg;
    return job_done(tx, a->id, a->owner, e);
}

static int handle(void *ctx, struct db *db, const struct job *j,
                  const char *owner, struct err *e)
{
    struct work *w = ctx;
    int now = atomic_fetch_add(&w->at_once, 1) + 1;
    int most = atomic_load(&w->most);
    while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
        ;
    atomic_fetch_add(&w->runs, 1);
    while (atomic_load(&w->hold))
        (void)usleep(1000);
    atomic_fetch_sub(&w->at_once, 1);
    if (w->result)
        return err_set(e, w->result, "the handler says no");
    struct act a = {.id = j->id, .owner = owner};
    return db_write(db, 0, finish, &a, e);
}

static int count_jobs(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e, "SELECT COUNT(*) FROM jobs", "");
}

static int64_t jobs_left(struct db *db)
{
    int64_t n = -1;
    (void)db_read(db, 0, count_jobs, &n, NULL);
    return n;
}

static void wake(void *arg)
{
    job_runner_wake(arg);
}

/* Wait for what must come; cmocka's time limit is CTest's. */
#define UNTIL(condition)                                                       \
    while (!(condition))                                                       \
    (void)usleep(1000)

static void test_runner(void **state)
{
    struct db *db = open_desk(state);
    struct work w = {.db = db};
    struct hand_clock clock;
    const struct job_handler handlers[] = {
        {.kind = "a", .run = handle, .ctx = &w}, {0}};
    struct job_runner *r;
    hand_clock_init(&clock);
    atomic_store(&w.hold, true);
    assert_int_equal(job_runner_start(db, &clock.base, handlers, 4, &r, NULL),
                     0);
    db_on_commit(db, wake, r);
    for (int i = 0; i < 50; i++)
        (void)push(db, "a", NULL, 0);
    int64_t other = push(db, "b", NULL, 0);
    UNTIL(atomic_load(&w.at_once) == 4);
    atomic_store(&w.hold, false);
    UNTIL(jobs_left(db) == 1);
    assert_int_equal(atomic_load(&w.runs), 50);
    assert_int_equal(atomic_load(&w.most), 4);
    STATE_IS(db, other, "waiting"); /* nobody here knows its kind */
    db_off_commit(db, wake, r);
    job_runner_free(r);
    db_close(db);
}

static void run_failing(void **state, int result, const char *want)
{
    struct db *db = open_desk(state);
    struct work w = {.db = db, .result = result};
    struct hand_clock clock;
    const struct job_handler handlers[] = {
        {.kind = "a", .run = handle, .ctx = &w}, {0}};
    struct job_runner *r;
    hand_clock_init(&clock);
    int64_t id = push(db, "a", NULL, 0);
    assert_int_equal(job_runner_start(db, &clock.base, handlers, 1, &r, NULL),
                     0);
    UNTIL(column(db, "last_error", id).text[0]);
    job_runner_free(r);
    assert_string_equal(column(db, "last_error", id).text,
                        "the handler says no");
    STATE_IS(db, id, want);
    assert_int_equal(atomic_load(&w.runs), 1);
    db_close(db);
}

static void test_runner_tries_again(void **state)
{
    run_failing(state, OTK_EAGAIN, "waiting");
    run_failing(state, OTK_EIO, "waiting");
    run_failing(state, OTK_EUNSURE, "waiting");
}

static void test_runner_buries(void **state)
{
    run_failing(state, OTK_EDENIED, "dead");
    run_failing(state, OTK_EFORMAT, "dead");
    run_failing(state, OTK_EINVAL, "dead");
    run_failing(state, OTK_ENOENT, "dead");
}

static void *free_runner(void *arg)
{
    job_runner_free(arg);
    return NULL;
}

/* A slow handler keeps its lease, and a stop waits for it. */
static void test_runner_keeps_lease(void **state)
{
    struct db *db = open_desk(state);
    struct work w = {.db = db};
    struct taken t = {.a = arena_new()};
    struct hand_clock clock;
    const struct job_handler handlers[] = {
        {.kind = "a", .run = handle, .ctx = &w}, {0}};
    struct job_runner *r;
    pthread_t stopper;
    hand_clock_init(&clock);
    atomic_store(&w.hold, true);
    int64_t id = push(db, "a", NULL, 0);
    assert_int_equal(job_runner_start(db, &clock.base, handlers, 2, &r, NULL),
                     0);
    UNTIL(atomic_load(&w.at_once) == 1);
    int64_t until = column(db, "lease_until", id).num;
    assert_int_equal(until, NOW + JOB_LEASE_MS);
    atomic_store(&clock.now, NOW + JOB_LEASE_MS / 2);
    UNTIL(column(db, "lease_until", id).num > until);
    assert_int_equal(pthread_create(&stopper, NULL, free_runner, r), 0);
    until = column(db, "lease_until", id).num;
    atomic_store(&clock.now, until - 1);
    UNTIL(column(db, "lease_until", id).num > until);
    assert_int_equal(take(db, "heir", NULL, until, MANY, &t), 0);
    atomic_store(&w.hold, false);
    (void)pthread_join(stopper, NULL);
    assert_int_equal(jobs_left(db), 0);
    arena_free(t.a);
    db_close(db);
}

static int wait_for_recall(void *ctx, struct db *db, const struct job *j,
                           const char *owner, struct err *e)
{
    struct work *w = ctx;
    (void)db, (void)owner;
    atomic_fetch_add(&w->at_once, 1);
    while (!job_is_recalled(j))
        (void)usleep(1000);
    return err_set(e, w->result, "it was recalled");
}

/* A stop recalls what takes long; that is no failure of the job. */
static void test_runner_recalls(void **state)
{
    struct db *db = open_desk(state);
    struct work w = {.db = db, .result = OTK_EAGAIN};
    struct hand_clock clock;
    const struct job_handler handlers[] = {
        {.kind = "a", .run = wait_for_recall, .ctx = &w}, {0}};
    struct job_runner *r;
    hand_clock_init(&clock);
    int64_t id = push(db, "a", NULL, 0);
    assert_int_equal(job_runner_start(db, &clock.base, handlers, 1, &r, NULL),
                     0);
    UNTIL(atomic_load(&w.at_once) == 1);
    job_runner_free(r);
    STATE_IS(db, id, "waiting");
    assert_int_equal(column(db, "attempts", id).num, 0);
    assert_int_equal(column(db, "run_at", id).num, NOW);
    assert_string_equal(column(db, "last_error", id).text, "");
    db_close(db);
}

/* One that never ends is given up after JOB_RUN_MAX_MS. */
static void test_runner_gives_up(void **state)
{
    struct db *db = open_desk(state);
    struct work w = {.db = db};
    struct taken t = {.a = arena_new()};
    struct hand_clock clock;
    const struct job_handler handlers[] = {
        {.kind = "a", .run = handle, .ctx = &w}, {0}};
    struct job_runner *r;
    hand_clock_init(&clock);
    atomic_store(&w.hold, true);
    int64_t id = push(db, "a", NULL, 0);
    assert_int_equal(job_runner_start(db, &clock.base, handlers, 1, &r, NULL),
                     0);
    UNTIL(atomic_load(&w.at_once) == 1);
    atomic_store(&clock.now, NOW + JOB_RUN_MAX_MS);
    (void)usleep(1500000); /* the runner looks at its leases */
    assert_int_equal(take(db, "heir", NULL, NOW + JOB_RUN_MAX_MS, MANY, &t), 1);
    assert_int_equal(t.jobs[0].id, id);
    atomic_store(&w.hold, false);
    job_runner_free(r);
    STATE_IS(db, id, "running"); /* the heir's; the slow one's end is void */
    arena_free(t.a);
    db_close(db);
}

/* Two processes' worth of runners: nothing is run twice. */
static void test_two_runners(void **state)
{
    struct db *db = open_desk(state);
    struct work w = {.db = db};
    const struct job_handler handlers[] = {
        {.kind = "a", .run = handle, .ctx = &w}, {0}};
    struct job_runner *r[2];
    for (int i = 0; i < 200; i++)
        (void)push(db, "a", NULL, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            job_runner_start(db, &clock_real, handlers, 3, &r[i], NULL), 0);
    UNTIL(jobs_left(db) == 0);
    for (int i = 0; i < 2; i++)
        job_runner_free(r[i]);
    assert_int_equal(atomic_load(&w.runs), 200);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(test_order),
        ON_ALL(test_dedup),
        ON_ALL(test_done),
        ON_ALL(test_back_off),
        ON_ALL(test_dead_letters),
        ON_ALL(test_lease),
        ON_ALL(test_lease_of_last_attempt),
        ON_ALL(test_leases_of_one_key),
        ON_ALL(test_runner),
        ON(test_runner_tries_again, "memory:"),
        ON(test_runner_buries, "memory:"),
        ON(test_runner_keeps_lease, "memory:"),
        ON(test_runner_recalls, "memory:"),
        ON(test_runner_gives_up, "memory:"),
        ON(test_two_runners, "sqlite:"),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
