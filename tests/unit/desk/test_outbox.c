/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/outbox.h"

#include "base/clock.h"
#include "desk/audit.h"
#include "desk/message.h"
#include "desk/ticket.h"
#include "office.h"

static const int64_t noon = 1795000000000;

/* Each test has the outbox for itself. */
static int wipe(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e, "DELETE FROM outbox", "");
}

static int clear(void **state)
{
    (void)state;
    write_desk(wipe, NULL);
    return 0;
}

struct putting {
    const char *dedup;
    int64_t now;
};

static int put(struct db_tx *tx, void *arg, struct err *e)
{
    const struct putting *x = arg;
    const struct outbox_new m = {.channel = "email",
                                 .recipient = STR("a@b.ru"),
                                 .body = STR("{\"text\":\"hello\"}"),
                                 .dedup = x->dedup};
    return outbox_put(tx, &m, x->now, e);
}

static void put_one(const char *dedup, int64_t now)
{
    struct putting x = {dedup, now};
    write_desk(put, &x);
}

/* How many were taken. */
static size_t take(const char *owner, int64_t now, size_t max,
                   struct outbox_item *ret)
{
    struct err e = {0};
    size_t n = 99;
    if (outbox_take(desk_db(desk), owner, now, max, arena, ret, &n, &e))
        fail_msg("%s", e.msg);
    return n;
}

struct ending {
    const struct outbox_item *m;
    const char *owner;
    enum outbox_verdict verdict;
    int64_t now;
};

static int end(struct db_tx *tx, void *arg, struct err *e)
{
    const struct ending *x = arg;
    return outbox_done(tx, x->m, x->owner, x->verdict, "no line", x->now, e);
}

static int done(const struct outbox_item *m, const char *owner,
                enum outbox_verdict v, int64_t now, struct err *e)
{
    struct ending x = {m, owner, v, now};
    return db_write(desk_db(desk), 0, end, &x, e);
}

struct listing {
    const char *state;
    int64_t before;
    size_t limit;
    struct outbox_item *items;
    size_t n;
};

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    struct listing *x = arg;
    return outbox_list(tx, str_from(x->state), x->before, x->limit, arena,
                       &x->items, &x->n, e);
}

/* The newest message, which must be in that state. */
static struct outbox_item newest(const char *state)
{
    struct listing x = {.state = "", .limit = 1};
    read_desk(list, &x);
    assert_int_equal(x.n, 1);
    if (!str_is(x.items[0].state, state))
        fail_msg("it is " STR_FMT ", not %s", STR_ARG(x.items[0].state), state);
    return x.items[0];
}

/* ---- put, take, done -------------------------------------------------------
 */

static void test_sent_once(void **state)
{
    (void)state;
    struct outbox_item m, other;
    struct err e = {0};
    put_one("a", noon);
    assert_int_equal(take("s1", noon - 1, 1, &m), 0); /* not due */
    assert_int_equal(take("s1", noon, 1, &m), 1);
    assert_true(str_is(m.channel, "email"));
    assert_true(str_is(m.recipient, "a@b.ru"));
    assert_true(str_is(m.body, "{\"text\":\"hello\"}"));
    assert_true(str_is(m.dedup, "a"));
    assert_true(str_is(m.state, "sending"));
    assert_true(m.created_at == noon);
    assert_int_equal(m.attempts, 1);
    assert_int_equal(take("s2", noon, 1, &other), 0); /* it is in hand */
    assert_int_equal(done(&m, "s1", OUTBOX_SENT, noon + 7, &e), 0);
    assert_true(newest("sent").sent_at == noon + 7);
    assert_int_equal(done(&m, "s1", OUTBOX_SENT, noon + 8, &e), OTK_ECONFLICT);
    assert_int_equal(take("s1", noon + MS_DAY, 1, &m), 0);
}

static void test_dedup(void **state)
{
    (void)state;
    struct outbox_item m[3];
    struct err e = {0};
    put_one("a", noon);
    put_one("a", noon + 1);
    put_one("b", noon + 1);
    assert_int_equal(take("s1", noon + 1, ROWS(m), m), 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(done(&m[i], "s1", OUTBOX_SENT, noon + 1, &e), 0);
    put_one("a", noon + 2); /* also when the first one is gone already */
    assert_int_equal(take("s1", noon + 2, ROWS(m), m), 0);
}

static void test_longest_due_first(void **state)
{
    (void)state;
    struct outbox_item m[2];
    put_one("late", noon + 20);
    put_one("early", noon);
    put_one("middle", noon + 10);
    assert_int_equal(take("s1", noon + 30, 1, m), 1);
    assert_true(str_is(m[0].dedup, "early"));
    assert_int_equal(take("s1", noon + 30, 1, m), 1);
    assert_true(str_is(m[0].dedup, "middle"));
    assert_int_equal(take("s1", noon + 30, 2, m), 1);
    assert_true(str_is(m[0].dedup, "late"));
}

/* ---- what goes wrong -------------------------------------------------------
 */

/* Who loses the lease may have sent it: nobody sends it again by himself. */
static void test_lease_lost(void **state)
{
    (void)state;
    struct outbox_item m, other;
    struct err e = {0};
    int64_t until = noon + OUTBOX_LEASE_MS;
    put_one("a", noon);
    assert_int_equal(take("s1", noon, 1, &m), 1);
    assert_int_equal(done(&m, "s2", OUTBOX_SENT, noon, &e), OTK_ECONFLICT);
    assert_int_equal(take("s2", until, 1, &other), 0);
    (void)newest("sending"); /* to the last moment of the lease */
    assert_int_equal(take("s2", until + 1, 1, &other), 0);
    assert_true(str_is(newest("unsure").last_error, "the sender was lost"));
    e = (struct err){0};
    assert_int_equal(done(&m, "s1", OUTBOX_SENT, until + 2, &e), OTK_ECONFLICT);
    assert_non_null(strstr(e.msg, "lease"));
    assert_int_equal(take("s2", noon + MS_DAY, 1, &other), 0);
    (void)newest("unsure");
}

/* The pause doubles up to its limit; after the last attempt nothing is due. */
static void test_attempts(void **state)
{
    (void)state;
    static const int64_t pauses[OUTBOX_ATTEMPTS - 1] = {
        30, 60, 120, 240, 480, 960, 1920}; /* seconds */
    struct outbox_item m;
    struct err e = {0};
    int64_t now = noon;
    put_one("a", now);
    for (int i = 0; i < OUTBOX_ATTEMPTS; i++) {
        assert_int_equal(take("s1", now, 1, &m), 1);
        assert_int_equal(m.attempts, i + 1);
        assert_int_equal(done(&m, "s1", OUTBOX_LATER, now, &e), 0);
        struct outbox_item x =
            newest(i + 1 < OUTBOX_ATTEMPTS ? "waiting" : "failed");
        assert_true(str_is(x.last_error, "no line"));
        assert_true(x.sent_at == 0);
        if (i + 1 < OUTBOX_ATTEMPTS) {
            now += pauses[i] * MS_SECOND;
            assert_int_equal(take("s1", now - 1, 1, &m), 0);
        }
    }
    assert_int_equal(take("s1", now + MS_DAY, 1, &m), 0);
}

static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        enum outbox_verdict verdict;
        const char *state;
    } rows[] = {{OUTBOX_SENT, "sent"},
                {OUTBOX_LATER, "waiting"},
                {OUTBOX_FAILED, "failed"},
                {OUTBOX_UNSURE, "unsure"}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct outbox_item m;
        struct err e = {0};
        (void)clear(NULL);
        put_one("a", noon);
        assert_int_equal(take("s1", noon, 1, &m), 1);
        assert_int_equal(done(&m, "s1", rows[i].verdict, noon, &e), 0);
        bool sent = rows[i].verdict == OUTBOX_SENT;
        assert_true(
            str_is(newest(rows[i].state).last_error, sent ? "" : "no line"));
    }
}

/* ---- a person decides ------------------------------------------------------
 */

typedef int decide_fn(struct db_tx *tx, int64_t id, struct actor by,
                      int64_t now_ms, struct err *e);

struct deciding {
    decide_fn *fn;
    int64_t id;
};

static int decide(struct db_tx *tx, void *arg, struct err *e)
{
    const struct deciding *x = arg;
    return x->fn(tx, x->id, (struct actor){ACTOR_STAFF, 7}, noon + MS_HOUR, e);
}

static int said(decide_fn *fn, int64_t id, struct err *e)
{
    struct deciding x = {fn, id};
    return db_write(desk_db(desk), 0, decide, &x, e);
}

struct noted {
    int64_t id;
    struct audit_row *rows;
    size_t n;
};

static int read_audit(struct db_tx *tx, void *arg, struct err *e)
{
    struct noted *x = arg;
    return audit_list(tx, arena_printf(arena, "outbox:%lld", (long long)x->id),
                      9, arena, &x->rows, &x->n, e);
}

static void test_decisions(void **state)
{
    (void)state;
    static const enum outbox_verdict ends[] = {OUTBOX_UNSURE, OUTBOX_FAILED};
    for (size_t i = 0; i < ROWS(ends); i++) {
        struct outbox_item m;
        struct err e = {0};
        (void)clear(NULL);
        put_one("a", noon);
        int64_t id = newest("waiting").id;
        assert_int_equal(said(outbox_retry, id, &e), OTK_ECONFLICT);
        assert_int_equal(said(outbox_settle, id, &e), OTK_ECONFLICT);
        assert_int_equal(take("s1", noon, 1, &m), 1);
        assert_int_equal(said(outbox_retry, id, &e), OTK_ECONFLICT);
        assert_int_equal(done(&m, "s1", ends[i], noon, &e), 0);
        assert_int_equal(said(outbox_retry, id, &e), 0);
        assert_int_equal(take("s1", noon + MS_HOUR, 1, &m), 1);
        assert_int_equal(m.attempts, 1); /* from the start */
        assert_int_equal(done(&m, "s1", ends[i], noon, &e), 0);
        assert_int_equal(said(outbox_settle, id, &e), 0);
        assert_true(newest("sent").sent_at == noon + MS_HOUR);
        assert_int_equal(said(outbox_settle, id, &e), OTK_ECONFLICT);
        struct noted x = {.id = id};
        read_desk(read_audit, &x);
        assert_int_equal(x.n, 2);
        assert_true(str_is(x.rows[0].actor, "staff:7"));
    }
    struct err e = {0};
    assert_int_equal(said(outbox_retry, 99999, &e), OTK_ENOENT);
    assert_int_equal(said(outbox_settle, 99999, &e), OTK_ENOENT);
    assert_string_equal(e.msg, "no message 99999");
}

static void test_list(void **state)
{
    (void)state;
    struct outbox_item m;
    struct err e = {0};
    for (int i = 0; i < 4; i++)
        put_one(arena_printf(arena, "n%d", i), noon + i);
    assert_int_equal(take("s1", noon, 1, &m), 1);
    assert_int_equal(done(&m, "s1", OUTBOX_SENT, noon, &e), 0);
    struct listing x = {.state = "", .limit = 3};
    read_desk(list, &x);
    assert_int_equal(x.n, 3);
    assert_true(str_is(x.items[0].dedup, "n3"));
    assert_true(str_is(x.items[2].dedup, "n1"));
    x.before = x.items[2].id;
    read_desk(list, &x);
    assert_int_equal(x.n, 1);
    assert_true(str_is(x.items[0].dedup, "n0"));
    x = (struct listing){.state = "waiting", .limit = 9};
    read_desk(list, &x);
    assert_int_equal(x.n, 3);
    x.state = "failed";
    read_desk(list, &x);
    assert_int_equal(x.n, 0);
}

/* ---- replies ---------------------------------------------------------------
 */

struct replying {
    int64_t ticket, message;
    const char *channels;
};

static int say(struct db_tx *tx, void *arg, struct err *e)
{
    struct replying *x = arg;
    const struct message_new m = {
        .ticket_id = x->ticket, .kind = "reply", .body = STR("Готово")};
    return message_add(tx, worker->stemmer, &m, noon, &x->message, e);
}

static int reply(struct db_tx *tx, void *arg, struct err *e)
{
    const struct replying *x = arg;
    const struct message_new m = {.body = STR("Готово, \"проверьте\""),
                                  .channels = str_from(x->channels)};
    struct ticket t;
    int r = ticket_get(tx, x->ticket, arena, &t, e);
    return r ? r : outbox_put_reply(tx, &t, x->message, &m, noon, e);
}

static void test_reply(void **state)
{
    (void)state;
    static const struct {
        const char *channels;
        bool leaves;
    } rows[] = {{"", false}, {"phone", false}, {"phone, email", true}};
    struct replying x = {.ticket = ticket_of("Принтер не печатает", "v@b.ru")};
    write_desk(say, &x);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct listing all = {.state = "", .limit = 9};
        x.channels = rows[i].channels;
        write_desk(reply, &x);
        write_desk(reply, &x); /* twice is once */
        read_desk(list, &all);
        assert_int_equal(all.n, rows[i].leaves);
    }
    struct outbox_item m = newest("waiting");
    assert_true(str_is(m.channel, "email"));
    assert_true(str_is(m.recipient, "v@b.ru"));
    assert_true(str_is(
        m.dedup, arena_printf(arena, "reply:%lld", (long long)x.message)));
    assert_true(m.ticket_id == x.ticket && m.message_id == x.message);
    const char *body = arena_copy(arena, m.body);
    assert_non_null(strstr(body, "\"subject\":\"Принтер не печатает\""));
    assert_non_null(strstr(body, "\"language\":\"ru\""));
    assert_non_null(strstr(body, "\"text\":\"Готово, \\\"проверьте\\\"\"}"));
}

#define CASE(test) cmocka_unit_test_setup(test, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_sent_once),
        CASE(test_dedup),
        CASE(test_longest_due_first),
        CASE(test_lease_lost),
        CASE(test_attempts),
        CASE(test_verdicts),
        CASE(test_decisions),
        CASE(test_list),
        CASE(test_reply),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
