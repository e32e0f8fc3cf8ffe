/* SPDX-License-Identifier: Apache-2.0 */
/* Calls as rows of events; no sound, no clock. */
#include "channel/phone_conversation.h"

#include "test.h"

static const struct conversation_limits limits = {
    .silence_ms = 3000,
    .patience_ms = 8000,
    .listen_ms = 60000,
    .hold_ms = 20000,
    .voiced_ms = 300,
    .call_ms = 300000,
    .choose_ms = 3000,
    .prepare_ms = 2000,
    .digit_ms = 4000,
    .transfer_ms = 30000,
    .think_ms = 5000,
    .helped_ms = 6000,
    .asks = 2,
};
static const struct conversation_plan plain = {.n_languages = 1};

static struct conversation talk;

/* All that comes before the caller speaks is said until `at`. */
static void hear_opening(int64_t at)
{
    static const enum phone_text texts[] = {PHONE_INCIDENT, PHONE_GREETING,
                                            PHONE_CONSENT, PHONE_ASK};
    for (size_t i = 0; i < ROWS(texts); i++) {
        assert_int_equal(talk.text, texts[i]);
        assert_int_equal(conversation_said(&talk, at),
                         i + 1 < ROWS(texts) ? ORDER_SAY : ORDER_LISTEN);
    }
}

/* A call that listens since 1000. */
static void begin(void)
{
    conversation_init(&talk, &limits, &plain);
    assert_int_equal(conversation_answered(&talk, 1), ORDER_SAY);
    hear_opening(1000);
}

/* The first order that comes while time goes by, and when. */
static enum conversation_order wait_from(int64_t from, int64_t *ret_at)
{
    enum { LONG = 400000, STEP = 100 };
    enum conversation_order o = ORDER_NONE;
    int64_t now = from;
    while (o == ORDER_NONE && now < from + LONG)
        o = conversation_look(&talk, now += STEP);
    *ret_at = now;
    return o;
}

static void test_silence(void **state)
{
    (void)state;
    int64_t at;
    begin();
    conversation_heard(&talk, 4000, 500);
    conversation_heard(&talk, 5000, 500);
    assert_int_equal(wait_from(5000, &at), ORDER_FILE);
    assert_int_equal(at, 8000);
    assert_int_equal(conversation_look(&talk, 9000), ORDER_NONE);
    assert_int_equal(conversation_filed(&talk, 9000, true), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_FILED);
    assert_int_equal(conversation_key(&talk, 9500, '*'), ORDER_SAY);
    assert_int_equal(conversation_said(&talk, 10000), ORDER_HANG_UP);
    assert_int_equal(conversation_left(&talk, 10001), ORDER_NONE);
}

static void test_hash(void **state)
{
    (void)state;
    begin();
    conversation_heard(&talk, 4000, 500);
    assert_int_equal(conversation_key(&talk, 4100, '5'), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 4200, '#'), ORDER_FILE);
    assert_int_equal(conversation_filed(&talk, 4300, false), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_LATER);
}

/* A call on a line of two languages, both of which were named. */
static void begin_choice(void)
{
    static const struct conversation_plan two = {.n_languages = 2};
    conversation_init(&talk, &limits, &two);
    assert_int_equal(conversation_answered(&talk, 1), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_CHOOSE);
    assert_int_equal(talk.language, 0);
    assert_int_equal(conversation_said(&talk, 500), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_CHOOSE);
    assert_int_equal(talk.language, 1);
}

static void test_language_is_chosen(void **state)
{
    (void)state;
    begin_choice();
    assert_int_equal(conversation_key(&talk, 600, '3'), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 600, '#'), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 700, '2'), ORDER_SAY);
    assert_int_equal(talk.language, 1);
    assert_true(talk.has_chosen);
    hear_opening(1000);
}

static void test_language_is_not_chosen(void **state)
{
    (void)state;
    int64_t at;
    begin_choice();
    assert_int_equal(conversation_said(&talk, 1000), ORDER_NONE);
    conversation_hold(&talk, 2000, true);
    assert_int_equal(conversation_look(&talk, 9000), ORDER_NONE);
    conversation_hold(&talk, 9000, false);
    assert_int_equal(wait_from(9000, &at), ORDER_SAY);
    assert_int_equal(at, 11000); /* a second was before the hold */
    assert_int_equal(talk.language, 0);
    assert_false(talk.has_chosen);
    hear_opening(12000);
    begin_choice();
    assert_int_equal(conversation_said(&talk, 1000), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 3900, '1'), ORDER_SAY);
    assert_true(talk.has_chosen);
    /* the caller has gone */
    begin_choice();
    assert_int_equal(conversation_left(&talk, 1000), ORDER_HANG_UP);
}

static void test_preparing(void **state)
{
    (void)state;
    static const struct conversation_plan p = {.n_languages = 1,
                                               .prepares = true};
    int64_t at;
    /* before the caller is there */
    conversation_init(&talk, &limits, &p);
    assert_int_equal(conversation_prepared(&talk), ORDER_NONE);
    assert_int_equal(conversation_answered(&talk, 1), ORDER_SAY);
    hear_opening(1000);
    /* after it; once */
    conversation_init(&talk, &limits, &p);
    assert_int_equal(conversation_answered(&talk, 1), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 2, '1'), ORDER_NONE);
    assert_int_equal(conversation_prepared(&talk), ORDER_SAY);
    assert_int_equal(conversation_prepared(&talk), ORDER_NONE);
    hear_opening(1000);
    /* never */
    conversation_init(&talk, &limits, &p);
    assert_int_equal(conversation_answered(&talk, 1), ORDER_NONE);
    assert_int_equal(wait_from(1, &at), ORDER_SAY);
    assert_int_equal(at, 2001);
    hear_opening(3000);
    conversation_init(&talk, &limits, &p);
    assert_int_equal(conversation_answered(&talk, 1), ORDER_NONE);
    assert_int_equal(conversation_left(&talk, 100), ORDER_HANG_UP);
    assert_int_equal(conversation_prepared(&talk), ORDER_NONE);
}

/* The caller has said what happened at 2000; the first question is asked. */
static void begin_questions(void)
{
    static const struct conversation_plan p = {
        .n_languages = 1,
        .questions = {{.digits_max = 3}, {.listen_ms = 10000}},
        .n_questions = 2,
    };
    conversation_init(&talk, &limits, &p);
    (void)conversation_answered(&talk, 1);
    hear_opening(1000);
    conversation_heard(&talk, 2000, 500);
    assert_int_equal(conversation_key(&talk, 2000, '#'), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_QUESTION);
    assert_int_equal(talk.question, 0);
    assert_false(conversation_listens(&talk));
}

static void test_questions(void **state)
{
    (void)state;
    int64_t at;
    begin_questions();
    assert_int_equal(conversation_said(&talk, 3000), ORDER_LISTEN);
    assert_false(conversation_listens(&talk)); /* only for keys */
    conversation_heard(&talk, 3100, 500);
    assert_int_equal(conversation_key(&talk, 3200, '1'), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 3300, '*'), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 3400, '7'), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 3500, 'A'), ORDER_NONE);
    assert_int_equal(wait_from(3500, &at), ORDER_NOTE);
    assert_int_equal(at, 7400);
    assert_string_equal(talk.digits, "7");
    assert_int_equal(conversation_noted(&talk), ORDER_SAY);
    assert_int_equal(talk.question, 1);
    assert_int_equal(conversation_said(&talk, 8000), ORDER_LISTEN);
    assert_true(conversation_listens(&talk));
    assert_int_equal(conversation_key(&talk, 8100, '5'), ORDER_NONE);
    conversation_heard(&talk, 9000, 500);
    assert_int_equal(wait_from(9000, &at), ORDER_FILE);
    assert_int_equal(at, 12000);
    assert_int_equal(conversation_noted(&talk), ORDER_NONE);
}

static void test_questions_in_a_hurry(void **state)
{
    (void)state;
    int64_t at;
    /* digits before the question is over, as many as there can be */
    begin_questions();
    assert_int_equal(conversation_key(&talk, 3000, '1'), ORDER_LISTEN);
    assert_int_equal(conversation_key(&talk, 3100, '2'), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 3200, '3'), ORDER_NOTE);
    assert_string_equal(talk.digits, "123");
    assert_int_equal(conversation_noted(&talk), ORDER_SAY);
    /* an answer that does not end */
    assert_int_equal(conversation_key(&talk, 4000, '#'), ORDER_LISTEN);
    enum conversation_order o = ORDER_NONE;
    for (at = 4100; o == ORDER_NONE; at += 100) {
        conversation_heard(&talk, at, 100);
        o = conversation_look(&talk, at);
    }
    assert_int_equal(o, ORDER_FILE);
    assert_int_equal(at, 14100);
}

static void test_questions_unanswered(void **state)
{
    (void)state;
    int64_t at;
    begin_questions();
    assert_int_equal(conversation_said(&talk, 3000), ORDER_LISTEN);
    assert_int_equal(wait_from(3000, &at), ORDER_SAY);
    assert_int_equal(at, 11000);
    assert_int_equal(talk.question, 1);
    assert_int_equal(conversation_said(&talk, 12000), ORDER_LISTEN);
    assert_int_equal(wait_from(12000, &at), ORDER_FILE);
    assert_int_equal(at, 20000);
    /* hung up before, between and within them: it is a ticket all the same */
    begin_questions();
    assert_int_equal(conversation_left(&talk, 2100), ORDER_FILE);
    begin_questions();
    assert_int_equal(conversation_said(&talk, 3000), ORDER_LISTEN);
    assert_int_equal(conversation_key(&talk, 3100, '1'), ORDER_NONE);
    assert_int_equal(conversation_left(&talk, 3200), ORDER_FILE);
    assert_string_equal(talk.digits, "1");
    assert_int_equal(talk.n_digits, 1);
}

static void begin_with(struct conversation_plan p)
{
    p.n_languages = 1;
    conversation_init(&talk, &limits, &p);
    assert_int_equal(conversation_answered(&talk, 1), ORDER_SAY);
}

/* What is said until the caller may speak. */
static void check_opening(struct conversation_plan p,
                          const enum phone_text *want, size_t n)
{
    begin_with(p);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(talk.text, want[i]);
        assert_int_equal(conversation_said(&talk, 1000),
                         i + 1 < n ? ORDER_SAY : ORDER_LISTEN);
    }
}

static void test_transfer_is_offered(void **state)
{
    (void)state;
    static const enum phone_text open[] = {
        PHONE_INCIDENT, PHONE_GREETING, PHONE_CONSENT, PHONE_OFFER, PHONE_ASK};
    static const enum phone_text closed[] = {
        PHONE_INCIDENT, PHONE_GREETING, PHONE_CONSENT, PHONE_CLOSED, PHONE_ASK};
    struct conversation_plan p = {
        .has_transfer = true, .is_open = true, .transfer_key = '0'};
    check_opening(p, open, ROWS(open));
    p.is_open = false;
    check_opening(p, closed, ROWS(closed));
    assert_int_equal(conversation_key(&talk, 2000, '0'), ORDER_NONE);
    p.is_transferred = true; /* only when somebody is there */
    check_opening(p, closed, ROWS(closed));
}

static const struct conversation_plan person = {
    .has_transfer = true, .is_open = true, .transfer_key = '0'};

static void test_transfer(void **state)
{
    (void)state;
    begin_with(person);
    assert_int_equal(conversation_key(&talk, 500, '0'), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_TRANSFER);
    assert_int_equal(conversation_key(&talk, 600, '0'), ORDER_NONE);
    assert_int_equal(conversation_said(&talk, 1000), ORDER_TRANSFER);
    conversation_hold(&talk, 2000, true); /* music meanwhile */
    assert_int_equal(conversation_look(&talk, 9000), ORDER_NONE);
    assert_int_equal(conversation_transferred(&talk, true), ORDER_HANG_UP);
    assert_int_equal(conversation_transferred(&talk, true), ORDER_NONE);
    assert_true(talk.is_transferred);
    /* without a key */
    struct conversation_plan always = person;
    always.is_transferred = true;
    begin_with(always);
    for (int i = 0; i < 3; i++)
        assert_int_equal(conversation_said(&talk, 500), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_TRANSFER);
    /* the other side hangs up as soon as it knows where to call */
    assert_int_equal(conversation_said(&talk, 1000), ORDER_TRANSFER);
    assert_int_equal(conversation_left(&talk, 1100), ORDER_HANG_UP);
    /* what was said before is a ticket */
    begin_with(person);
    assert_int_equal(conversation_key(&talk, 500, '1'), ORDER_LISTEN);
    conversation_heard(&talk, 1000, 500);
    assert_int_equal(conversation_key(&talk, 1100, '0'), ORDER_SAY);
    assert_int_equal(conversation_said(&talk, 1200), ORDER_TRANSFER);
    assert_int_equal(conversation_transferred(&talk, true), ORDER_FILE);
    assert_int_equal(conversation_filed(&talk, 1300, true), ORDER_HANG_UP);
}

static void test_transfer_fails(void **state)
{
    (void)state;
    int64_t at;
    for (int late = 0; late < 2; late++) {
        begin_with(person);
        assert_int_equal(conversation_key(&talk, 500, '0'), ORDER_SAY);
        assert_int_equal(conversation_said(&talk, 1000), ORDER_TRANSFER);
        conversation_hold(&talk, 1100, true);
        if (late) {
            assert_int_equal(wait_from(1000, &at), ORDER_SAY);
            assert_int_equal(at, 31000); /* longer than a hold may be */
            assert_int_equal(conversation_transferred(&talk, true), ORDER_NONE);
        } else {
            assert_int_equal(conversation_transferred(&talk, false), ORDER_SAY);
        }
        conversation_hold(&talk, 32000, false);
        assert_int_equal(talk.text, PHONE_NOBODY);
        assert_int_equal(conversation_said(&talk, 33000), ORDER_LISTEN);
        /* not again */
        assert_int_equal(conversation_key(&talk, 33100, '0'), ORDER_NONE);
        conversation_heard(&talk, 34000, 500);
        assert_int_equal(conversation_key(&talk, 34100, '#'), ORDER_FILE);
    }
}

/* The caller has spoken until 2000, and an answer is looked for. */
static void begin_thinking(void)
{
    static const struct conversation_plan p = {
        .answers = true, .questions = {{.digits_max = 1}}, .n_questions = 1};
    begin_with(p);
    assert_int_equal(conversation_key(&talk, 500, '5'), ORDER_LISTEN);
    conversation_heard(&talk, 1000, 500);
    assert_int_equal(conversation_key(&talk, 2000, '#'), ORDER_THINK);
    assert_int_equal(talk.text, PHONE_MOMENT);
    assert_false(conversation_listens(&talk));
}

static void begin_answer(void)
{
    begin_thinking();
    assert_int_equal(conversation_thought(&talk, true), ORDER_NONE);
    assert_int_equal(conversation_said(&talk, 3000), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_ANSWER);
}

static void test_answer_helps(void **state)
{
    (void)state;
    begin_answer();
    assert_int_equal(conversation_said(&talk, 9000), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_HELPED);
    assert_int_equal(conversation_key(&talk, 9100, '*'), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_ANSWER);
    assert_int_equal(conversation_key(&talk, 9200, '#'), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_HELPED);
    assert_int_equal(conversation_said(&talk, 10000), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 10100, '5'), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 10200, '1'), ORDER_CLOSE);
    assert_int_equal(conversation_closed(&talk), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_GLAD);
    assert_int_equal(conversation_said(&talk, 12000), ORDER_HANG_UP);
    /* known before it is over; gone before it is closed */
    begin_answer();
    assert_int_equal(conversation_key(&talk, 3100, '1'), ORDER_CLOSE);
    assert_int_equal(conversation_left(&talk, 3200), ORDER_NONE);
    assert_int_equal(conversation_closed(&talk), ORDER_HANG_UP);
    /* it could not be closed */
    begin_answer();
    assert_int_equal(conversation_key(&talk, 3100, '1'), ORDER_CLOSE);
    assert_int_equal(conversation_filed(&talk, 3200, true), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_FILED);
}

static void test_answer_does_not_help(void **state)
{
    (void)state;
    int64_t at;
    begin_answer();
    assert_int_equal(conversation_key(&talk, 3100, '2'), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_QUESTION); /* then the line's own */
    assert_int_equal(conversation_key(&talk, 3200, '7'), ORDER_NOTE);
    assert_int_equal(conversation_noted(&talk), ORDER_FILE);
    /* silence */
    begin_answer();
    assert_int_equal(conversation_said(&talk, 9000), ORDER_SAY);
    assert_int_equal(conversation_look(&talk, 60000), ORDER_NONE);
    assert_int_equal(conversation_said(&talk, 60000), ORDER_NONE);
    assert_int_equal(wait_from(60000, &at), ORDER_SAY);
    assert_int_equal(at, 66000);
    assert_int_equal(talk.text, PHONE_QUESTION);
    /* hung up without a word */
    begin_answer();
    assert_int_equal(conversation_left(&talk, 4000), ORDER_FILE);
}

static void test_no_answer(void **state)
{
    (void)state;
    int64_t at;
    /* none; it was quicker than "one moment" */
    begin_thinking();
    assert_int_equal(conversation_thought(&talk, false), ORDER_NONE);
    assert_int_equal(conversation_said(&talk, 3000), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_QUESTION);
    /* none, later */
    begin_thinking();
    assert_int_equal(conversation_said(&talk, 3000), ORDER_NONE);
    assert_int_equal(conversation_key(&talk, 3100, '1'), ORDER_NONE);
    assert_int_equal(conversation_thought(&talk, false), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_QUESTION);
    /* too late */
    begin_thinking();
    assert_int_equal(wait_from(2000, &at), ORDER_SAY);
    assert_int_equal(at, 7000);
    assert_int_equal(talk.text, PHONE_QUESTION);
    assert_int_equal(conversation_thought(&talk, true), ORDER_NONE);
}

/* Who hangs up meanwhile has a ticket with the words that are just looked for:
 * whatever comes of it, or nothing in time, or the program ends. */
static void test_gone_while_thinking(void **state)
{
    (void)state;
    int64_t at;
    for (int has_answer = 0; has_answer < 2; has_answer++) {
        begin_thinking();
        assert_int_equal(conversation_left(&talk, 2100), ORDER_NONE);
        assert_int_equal(conversation_left(&talk, 2200), ORDER_NONE);
        assert_int_equal(conversation_look(&talk, 2300), ORDER_NONE);
        assert_int_equal(conversation_thought(&talk, has_answer), ORDER_FILE);
        assert_int_equal(conversation_thought(&talk, true), ORDER_NONE);
        assert_int_equal(conversation_filed(&talk, 2500, true), ORDER_HANG_UP);
    }
    begin_thinking();
    conversation_hold(&talk, 2050, true);
    assert_int_equal(conversation_left(&talk, 2100), ORDER_NONE);
    assert_int_equal(wait_from(2100, &at), ORDER_FILE);
    assert_int_equal(at, 7000);
    begin_thinking();
    assert_int_equal(conversation_left(&talk, 2100), ORDER_NONE);
    assert_int_equal(conversation_ended(&talk, 2200), ORDER_FILE);
    begin_thinking();
    assert_int_equal(conversation_ended(&talk, 2200), ORDER_FILE);
    /* it was known, and only "one moment" was not over yet */
    begin_thinking();
    assert_int_equal(conversation_thought(&talk, true), ORDER_NONE);
    assert_int_equal(conversation_left(&talk, 2100), ORDER_FILE);
}

static void test_greeting_is_skipped(void **state)
{
    (void)state;
    conversation_init(&talk, &limits, &plain);
    (void)conversation_answered(&talk, 1);
    assert_int_equal(conversation_key(&talk, 500, '1'), ORDER_LISTEN);
}

static void test_nothing_said(void **state)
{
    (void)state;
    int64_t at;
    begin();
    assert_int_equal(wait_from(1000, &at), ORDER_SAY);
    assert_int_equal(at, 9000);
    assert_int_equal(talk.text, PHONE_AGAIN);
    assert_int_equal(conversation_said(&talk, 10000), ORDER_LISTEN);
    conversation_heard(&talk, 11000, 100); /* a cough */
    assert_int_equal(wait_from(11000, &at), ORDER_SAY);
    assert_int_equal(talk.text, PHONE_NOTHING);
    assert_int_equal(conversation_said(&talk, at + 10), ORDER_HANG_UP);
    assert_false(conversation_has_words(&talk));
}

static void test_hang_up(void **state)
{
    (void)state;
    begin();
    assert_int_equal(conversation_left(&talk, 2000), ORDER_HANG_UP);
    begin();
    conversation_heard(&talk, 2000, 400);
    assert_int_equal(conversation_left(&talk, 2100), ORDER_FILE);
    assert_int_equal(conversation_left(&talk, 2200), ORDER_NONE);
    assert_int_equal(conversation_filed(&talk, 2300, true), ORDER_HANG_UP);
    /* while it is filed */
    begin();
    conversation_heard(&talk, 2000, 400);
    assert_int_equal(conversation_key(&talk, 2100, '#'), ORDER_FILE);
    assert_int_equal(conversation_left(&talk, 2200), ORDER_NONE);
    assert_int_equal(conversation_filed(&talk, 2300, true), ORDER_HANG_UP);
    /* before the greeting is over */
    conversation_init(&talk, &limits, &plain);
    (void)conversation_answered(&talk, 1);
    assert_int_equal(conversation_left(&talk, 10), ORDER_HANG_UP);
}

static void test_limits(void **state)
{
    (void)state;
    int64_t at = 0;
    enum conversation_order o = ORDER_NONE;
    begin();
    for (at = 1100; o == ORDER_NONE; at += 100) {
        conversation_heard(&talk, at, 100);
        o = conversation_look(&talk, at);
    }
    assert_int_equal(o, ORDER_FILE);
    assert_in_range(at, 61000, 61200);
    /* a call that is never filed ends, too */
    assert_int_equal(wait_from(at, &at), ORDER_NONE);
    assert_true(talk.gone);
    assert_int_equal(conversation_filed(&talk, at, true), ORDER_HANG_UP);
}

static void test_hold(void **state)
{
    (void)state;
    int64_t at;
    begin();
    conversation_heard(&talk, 2000, 500);
    conversation_hold(&talk, 3000, true);
    assert_int_equal(conversation_look(&talk, 15000), ORDER_NONE);
    conversation_hold(&talk, 15000, false);
    assert_int_equal(wait_from(15000, &at), ORDER_FILE);
    assert_int_equal(at, 17000); /* 1 s of silence was before the hold */
    begin();
    conversation_hold(&talk, 3000, true);
    assert_int_equal(wait_from(3000, &at), ORDER_HANG_UP);
    assert_int_equal(at, 23000);
}

/* Any row of events ends in a hang-up, and never twice. */
static void test_any_events(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int run = 0; run < 3000; run++) {
        int hang_ups = 0;
        int64_t now = 1;
        struct conversation_plan any = {
            .n_languages = 1 + (size_t)run % 2,
            .prepares = run % 3 == 0,
            .questions = {{.digits_max = 2}, {.listen_ms = 3000}},
            .n_questions = (size_t)run % 3,
            .answers = run % 4 == 0,
            .has_transfer = run % 5 < 2,
            .is_open = run % 5 == 0,
            .transfer_key = '#',
            .is_transferred = run % 7 == 0,
        };
        conversation_init(&talk, &limits, &any);
        for (int i = 0; i < 3000; i++) {
            enum conversation_order o = ORDER_NONE;
            seed = seed * 1664525 + 1013904223;
            now += 100;
            switch (seed >> 16 & 7) {
            case 0: o = conversation_answered(&talk, now); break;
            case 1: o = conversation_said(&talk, now); break;
            case 2: conversation_heard(&talk, now, seed >> 24); break;
            case 3:
                o = seed >> 24 & 3
                        ? o
                        : conversation_key(&talk, now, "12#*"[seed >> 26 & 3]);
                break;
            case 4: conversation_hold(&talk, now, seed >> 24 & 1); break;
            case 5:
                o = seed >> 25 & 1
                        ? conversation_filed(&talk, now, seed >> 24 & 1)
                        : conversation_closed(&talk);
                break;
            case 6:
                if (seed >> 27 & 1)
                    o = conversation_thought(&talk, seed >> 28 & 1);
                else if (seed >> 24 & 1)
                    o = conversation_prepared(&talk);
                else
                    o = seed >> 25 & 1
                            ? conversation_noted(&talk)
                            : conversation_transferred(&talk, seed >> 26 & 1);
                break;
            default: o = conversation_look(&talk, now);
            }
            hang_ups += o == ORDER_HANG_UP;
        }
        hang_ups += conversation_left(&talk, now) == ORDER_HANG_UP;
        if (talk.state == TALK_FILING)
            hang_ups += conversation_filed(&talk, now, 1) == ORDER_HANG_UP;
        assert_int_equal(hang_ups, 1);
        assert_int_equal(talk.state, TALK_OVER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_language_is_chosen),
        cmocka_unit_test(test_language_is_not_chosen),
        cmocka_unit_test(test_preparing),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_questions_in_a_hurry),
        cmocka_unit_test(test_questions_unanswered),
        cmocka_unit_test(test_transfer_is_offered),
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_transfer_fails),
        cmocka_unit_test(test_answer_helps),
        cmocka_unit_test(test_answer_does_not_help),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_gone_while_thinking),
        cmocka_unit_test(test_greeting_is_skipped),
        cmocka_unit_test(test_nothing_said),
        cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_any_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
