/* SPDX-License-Identifier: Apache-2.0 */
/* A request that jobs understand and deliver, and what a crash leaves. */
#include "desk/intake_jobs.h"

#include "article.h"
#include "base/clock.h"
#include "db/jobs.h"
#include "desk/ticket.h"
#include "office.h"

static int open_with_article(void **state)
{
    struct err e = {0};
    return open_desk(state) ||
           db_write(desk_db(desk), 0, put_article, NULL, &e) ||
           desk_refresh(desk, &e);
}

/* Each test has the queue for itself. */
static int wipe(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e, "DELETE FROM jobs", "");
}

static int clear(void **state)
{
    (void)state;
    write_desk(wipe, NULL);
    return 0;
}

/* ---- what the tests do and look at -----------------------------------------
 */

static struct intake_result receive(const struct intake_ask *asked)
{
    struct intake_ask ask = *asked;
    struct intake_result r;
    struct err e = {0};
    if (intake_receive(desk, &ask, arena, &r, &e))
        fail_msg("%s", e.msg);
    return r;
}

static struct intake_result find(const char *token)
{
    struct intake_result r;
    struct err e = {0};
    if (intake_find(desk, str_from(token), arena, &r, &e))
        fail_msg("%s", e.msg);
    return r;
}

/* Due jobs that `owner` got; it holds them for a minute. */
static size_t take(const char *owner, int64_t later_ms, struct job *ret,
                   size_t max)
{
    struct err e = {0};
    size_t n = 0;
    if (job_take(desk_db(desk), owner, NULL,
                 clock_wall(&clock_real) + MS_SECOND + later_ms, MS_MINUTE,
                 arena, ret, max, &n, &e))
        fail_msg("%s", e.msg);
    return n;
}

static struct job take_one(const char *kind)
{
    struct job j[2];
    assert_int_equal(take("w1", 0, j, 2), 1);
    assert_string_equal(j[0].kind, kind);
    return j[0];
}

static int understand(const struct job *j, const char *owner, struct err *e)
{
    *e = (struct err){0};
    return intake_step_understand(desk, worker, j, owner, e);
}

static int deliver(const struct job *j, const char *owner, struct err *e)
{
    *e = (struct err){0};
    return intake_step_deliver(desk, worker, j, owner, e);
}

static void must(int r, const struct err *e)
{
    if (r)
        fail_msg("%s", e->msg);
}

struct counts {
    int64_t jobs, tickets, messages, unanswered;
};

static int count(struct db_tx *tx, void *arg, struct err *e)
{
    struct counts *c = arg;
    int r = db_int_of(tx, &c->jobs, e, "SELECT COUNT(*) FROM jobs", "");
    if (!r)
        r = db_int_of(tx, &c->tickets, e, "SELECT COUNT(*) FROM tickets", "");
    if (!r)
        r = db_int_of(tx, &c->messages, e, "SELECT COUNT(*) FROM messages", "");
    return r ? r
             : db_int_of(tx, &c->unanswered, e,
                         "SELECT COUNT(*) FROM unanswered", "");
}

static struct counts now(void)
{
    struct counts c;
    read_desk(count, &c);
    return c;
}

struct reading {
    int64_t id;
    struct ticket ticket;
};

static int read_ticket(struct db_tx *tx, void *arg, struct err *e)
{
    struct reading *x = arg;
    return ticket_get(tx, x->id, arena, &x->ticket, e);
}

/* ---- step by step ----------------------------------------------------------
 */

static const struct intake_ask broken = {
    .channel = "api",
    .text = STR("Сломалась кофемашина в кабинете"),
    .external_id = STR("A-\"17\""),
    .subject = STR("Кофе\\машина"),
    .topic = STR("printing"),
    .priority = STR("high"),
    .want_ticket = true,
    .person = {.email = STR("v@b.ru")},
};

static const struct intake_ask question = {
    .channel = "api", .text = STR("Как настроить автоответ в почте?")};

static void test_ticket(void **state)
{
    (void)state;
    struct err e = {0};
    struct counts before = now();
    struct intake_result r = receive(&broken);
    assert_int_equal(r.outcome, INTAKE_RECEIVED);
    assert_int_equal(find(r.token).outcome, INTAKE_RECEIVED);
    assert_true(now().tickets == before.tickets);
    struct job j = take_one(INTAKE_UNDERSTAND);
    must(understand(&j, "w1", &e), &e);
    assert_int_equal(find(r.token).outcome, INTAKE_RECEIVED);
    assert_true(now().tickets == before.tickets);
    j = take_one(INTAKE_DELIVER);
    must(deliver(&j, "w1", &e), &e);
    r = find(r.token);
    assert_int_equal(r.outcome, INTAKE_TICKET);
    assert_true(now().jobs == 0);
    assert_true(now().tickets == before.tickets + 1);
    /* what the sender said is there, over two steps */
    struct reading x = {.id = r.ticket_id};
    read_desk(read_ticket, &x);
    assert_true(str_eq(x.ticket.external_id, broken.external_id));
    assert_true(str_eq(x.ticket.subject, broken.subject));
    assert_true(str_is(x.ticket.channel, "api"));
    assert_true(str_is(x.ticket.language, "ru"));
    assert_true(x.ticket.topic_id != 0 && x.ticket.priority_id != 0);
    assert_true(x.ticket.person_id != 0);
    assert_true(x.ticket.assignee_id != 0); /* routed, too */
}

static void test_answer(void **state)
{
    (void)state;
    struct err e = {0};
    struct counts before = now();
    struct intake_result r = receive(&question);
    struct job j = take_one(INTAKE_UNDERSTAND);
    must(understand(&j, "w1", &e), &e);
    assert_int_equal(intake_feedback(desk, worker, str_from(r.token), true,
                                     STR(""), arena, &(struct intake_result){0},
                                     &e),
                     OTK_ECONFLICT); /* he has not seen it yet */
    j = take_one(INTAKE_DELIVER);
    must(deliver(&j, "w1", &e), &e);
    r = find(r.token);
    assert_int_equal(r.outcome, INTAKE_ANSWERED);
    assert_non_null(strstr(r.answer.text.p, "включите автоответ"));
    assert_true(now().tickets == before.tickets);
    assert_true(now().unanswered == before.unanswered);
}

/* A ticket is wanted: no answer, though there is one. */
static void test_wanted(void **state)
{
    (void)state;
    struct err e = {0};
    struct intake_ask ask = question;
    struct counts before = now();
    ask.want_ticket = true;
    struct intake_result r = receive(&ask);
    struct job j = take_one(INTAKE_UNDERSTAND);
    must(understand(&j, "w1", &e), &e);
    j = take_one(INTAKE_DELIVER);
    must(deliver(&j, "w1", &e), &e);
    assert_int_equal(find(r.token).outcome, INTAKE_TICKET);
    assert_true(now().unanswered == before.unanswered); /* nobody looked */
    /* and what nobody could answer goes on the board */
    ask = (struct intake_ask){.channel = "api",
                              .text = STR("Где взять новый стул?")};
    r = receive(&ask);
    j = take_one(INTAKE_UNDERSTAND);
    must(understand(&j, "w1", &e), &e);
    j = take_one(INTAKE_DELIVER);
    must(deliver(&j, "w1", &e), &e);
    assert_int_equal(find(r.token).outcome, INTAKE_TICKET);
    assert_true(now().unanswered == before.unanswered + 1);
}

/* ---- again -----------------------------------------------------------------
 */

static void test_same_request(void **state)
{
    (void)state;
    struct intake_ask ask = broken;
    ask.dedup = STR("k1");
    struct intake_result one = receive(&ask);
    struct intake_result two = receive(&ask);
    assert_false(one.is_repeat);
    assert_true(two.is_repeat);
    assert_string_equal(one.token, two.token);
    assert_int_equal(two.outcome, INTAKE_RECEIVED);
    assert_true(now().jobs == 1);
}

static void again_understand(const struct job *old, const struct job *due)
{
    struct err e;
    assert_int_equal(understand(old, "w1", &e), OTK_ECONFLICT);
    must(understand(due, "w2", &e), &e);
    assert_int_equal(understand(old, "w1", &e), OTK_ECONFLICT);
    assert_int_equal(understand(due, "w2", &e), OTK_ECONFLICT);
}

static void again_deliver(const struct job *old, const struct job *due)
{
    struct err e;
    assert_int_equal(deliver(old, "w1", &e), OTK_ECONFLICT);
    must(deliver(due, "w2", &e), &e);
    assert_int_equal(deliver(old, "w1", &e), OTK_ECONFLICT);
    assert_int_equal(deliver(due, "w2", &e), OTK_ECONFLICT);
}

/* The first to take each step dies with it in hand, or is only slow. */
static void test_lease_lost(void **state)
{
    (void)state;
    struct job old, due;
    struct counts before = now();
    struct intake_ask ask = broken;
    ask.external_id = STR("A-18");
    struct intake_result r = receive(&ask);
    old = take_one(INTAKE_UNDERSTAND);
    assert_int_equal(take("w2", 0, &due, 1), 0);
    assert_int_equal(take("w2", 2L * MS_MINUTE, &due, 1), 1);
    again_understand(&old, &due);
    assert_true(now().jobs == 1);
    assert_true(now().tickets == before.tickets);
    old = take_one(INTAKE_DELIVER);
    assert_int_equal(take("w2", 2L * MS_MINUTE, &due, 1), 1);
    again_deliver(&old, &due);
    assert_int_equal(find(r.token).outcome, INTAKE_TICKET);
    struct counts after = now();
    assert_true(after.jobs == 0);
    assert_true(after.tickets == before.tickets + 1);
    assert_true(after.messages == before.messages + 1);
}

struct pushing {
    const char *kind, *payload;
};

static int push(struct db_tx *tx, void *arg, struct err *e)
{
    const struct pushing *x = arg;
    const struct job_new j = {.kind = x->kind, .payload = str_from(x->payload)};
    return job_push(tx, &j, 1000, NULL, e);
}

static struct job job_again(const char *kind, const char *payload)
{
    struct pushing x = {kind, payload};
    write_desk(push, &x);
    return take_one(kind);
}

/* A second job for a step that is done ends, and changes nothing. */
static void test_step_done(void **state)
{
    (void)state;
    struct err e = {0};
    struct intake_ask ask = broken;
    ask.external_id = STR("A-19");
    struct intake_result r = receive(&ask);
    struct job j = take_one(INTAKE_UNDERSTAND);
    const char *payload = arena_copy(arena, j.payload);
    must(understand(&j, "w1", &e), &e);
    struct job next = take_one(INTAKE_DELIVER);
    j = job_again(INTAKE_UNDERSTAND, payload);
    must(understand(&j, "w1", &e), &e);
    assert_true(now().jobs == 1); /* `next` */
    must(deliver(&next, "w1", &e), &e);
    struct counts before = now();
    int64_t ticket = find(r.token).ticket_id;
    j = job_again(INTAKE_DELIVER, payload);
    must(deliver(&j, "w1", &e), &e);
    j = job_again(INTAKE_UNDERSTAND, payload);
    must(understand(&j, "w1", &e), &e);
    struct counts after = now();
    assert_memory_equal(&before, &after, sizeof(before));
    assert_true(find(r.token).ticket_id == ticket);
}

/* The steps come in order: what is not understood is not delivered. */
static void test_too_early(void **state)
{
    (void)state;
    struct err e = {0};
    struct counts before = now();
    struct intake_ask ask = broken;
    ask.external_id = STR("A-20");
    struct intake_result r = receive(&ask);
    struct job j = take_one(INTAKE_UNDERSTAND);
    struct job early = job_again(INTAKE_DELIVER, arena_copy(arena, j.payload));
    must(deliver(&early, "w1", &e), &e);
    assert_int_equal(find(r.token).outcome, INTAKE_RECEIVED);
    assert_true(now().tickets == before.tickets);
}

static void test_bad_jobs(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        int code;
    } rows[] = {{"{\"inbox\":99999}", OTK_ENOENT},
                {"{}", OTK_ENOENT},
                {"{\"inbox\":\"x\"}", OTK_ENOENT},
                {"{", OTK_EFORMAT},
                {"", OTK_EFORMAT}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err e;
        const struct job j = {.id = 1, .payload = str_from(rows[i].payload)};
        assert_int_equal(understand(&j, "w1", &e), rows[i].code);
        assert_int_equal(deliver(&j, "w1", &e), rows[i].code);
    }
}

#define CASE(test) cmocka_unit_test_setup(test, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_ticket),       CASE(test_answer),     CASE(test_wanted),
        CASE(test_same_request), CASE(test_lease_lost), CASE(test_step_done),
        CASE(test_too_early),    CASE(test_bad_jobs),
    };
    return cmocka_run_group_tests(tests, open_with_article, close_desk);
}
