/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_script.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "test.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static int read_script(const char *text, struct phone_script *ret,
                       struct err *e)
{
    *e = (struct err){0};
    return phone_script_read("phone.yaml", str_from(text), "ru", arena, ret, e);
}

static void test_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "lines:\n", "---\n"};
    for (size_t i = 0; i < ROWS(texts); i++) {
        struct phone_script s;
        struct err e;
        assert_int_equal(read_script(texts[i], &s, &e), 0);
        assert_int_equal(s.n_accounts, 0);
        const struct phone_line *l = phone_script_line(&s, STR("123"));
        assert_int_equal(l->languages[0], PHONE_RU);
        assert_int_equal(l->n_languages, 1);
        for (int in = 0; in < PHONE_LANGUAGES; in++) {
            const struct phone_prompt *p = l->prompts[in];
            for (int t = 0; t < PHONE_TEXTS; t++) {
                assert_true(strlen(p[t].text) > 5);
                assert_string_equal(p[t].sound, "");
            }
            assert_non_null(strstr(p[PHONE_FILED].text, "{ticket}"));
            assert_non_null(strstr(p[PHONE_DUE].text, "{due}"));
            assert_non_null(strstr(p[PHONE_CHOOSE].text, "{key}"));
        }
    }
}

static void test_lines(void **state)
{
    (void)state;
    struct phone_script s;
    struct err e;
    int r = read_script("lines:\n"
                        "  default: {greeting: Hi}\n"
                        "  \"200\": {language: en, filed_sound: a.wav}\n",
                        &s, &e);
    assert_int_equal(r, 0);
    const struct phone_line *other = phone_script_line(&s, STR("300"));
    const struct phone_line *en = phone_script_line(&s, STR("200"));
    assert_string_equal(other->prompts[PHONE_RU][PHONE_GREETING].text, "Hi");
    assert_int_equal(en->languages[0], PHONE_EN);
    const struct phone_prompt *p = en->prompts[PHONE_EN];
    assert_string_equal(p[PHONE_FILED].sound, "a.wav");
    assert_true(strncmp(p[PHONE_GREETING].text, "Hello", 5) == 0);
}

/* What names no language is of the line's first, wherever that is said. */
static void test_languages(void **state)
{
    (void)state;
    struct phone_script s;
    struct err e;
    int r = read_script("lines:\n"
                        "  default:\n"
                        "    greeting: Hi\n"
                        "    greeting_sound: {ru: privet.wav}\n"
                        "    ask: {ru: \"Что?\", en: \"\"}\n"
                        "    languages: [en, ru]\n",
                        &s, &e);
    assert_int_equal(r, 0);
    const struct phone_line *l = phone_script_line(&s, STR(""));
    assert_int_equal(l->n_languages, 2);
    assert_int_equal(l->languages[0], PHONE_EN);
    assert_int_equal(l->languages[1], PHONE_RU);
    assert_string_equal(l->prompts[PHONE_EN][PHONE_GREETING].text, "Hi");
    assert_string_equal(l->prompts[PHONE_EN][PHONE_GREETING].sound, "");
    assert_string_equal(l->prompts[PHONE_RU][PHONE_GREETING].text,
                        phone_text_usual(PHONE_GREETING, PHONE_RU));
    assert_string_equal(l->prompts[PHONE_RU][PHONE_GREETING].sound,
                        "privet.wav");
    assert_string_equal(l->prompts[PHONE_RU][PHONE_ASK].text, "Что?");
    assert_string_equal(l->prompts[PHONE_EN][PHONE_ASK].text, "");
}

/* How long recordings of a line are kept; the desk says it of the others. */
static void test_keeping(void **state)
{
    (void)state;
    struct phone_script s;
    struct err e;
    int r = read_script("lines:\n"
                        "  a: {keep_days: 30}\n"
                        "  b: {keep_days: 0}\n"
                        "  c: {language: en}\n",
                        &s, &e);
    assert_int_equal(r, 0);
    assert_int_equal(phone_script_line(&s, STR("a"))->keep_days, 30);
    assert_int_equal(phone_script_line(&s, STR("b"))->keep_days, 0);
    assert_int_equal(phone_script_line(&s, STR("c"))->keep_days,
                     PHONE_KEEP_AS_DESK);
    assert_int_equal(phone_script_line(&s, STR("x"))->keep_days,
                     PHONE_KEEP_AS_DESK);
}

/* Who changes the greeting is not contradicted by the one with a name. */
static void test_known(void **state)
{
    (void)state;
    struct phone_script s;
    struct err e;
    int r = read_script("lines:\n"
                        "  a: {greeting: Hi}\n"
                        "  b: {greeting: Hi, known: \"Hi {name}\"}\n"
                        "  c: {greeting_sound: {en: a.wav}}\n"
                        "  d: {greet_by_name: false}\n",
                        &s, &e);
    static const struct {
        const char *line, *known;
        enum phone_language in;
    } rows[] = {
        {"a", "", PHONE_RU},          {"a", NULL, PHONE_EN},
        {"b", "Hi {name}", PHONE_RU}, {"c", "", PHONE_EN},
        {"c", NULL, PHONE_RU},        {"default", NULL, PHONE_RU},
    };
    assert_int_equal(r, 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct phone_line *l =
            phone_script_line(&s, str_from(rows[i].line));
        assert_string_equal(l->prompts[rows[i].in][PHONE_KNOWN].text,
                            rows[i].known
                                ? rows[i].known
                                : phone_text_usual(PHONE_KNOWN, rows[i].in));
        assert_true(l->knows_callers);
    }
    assert_false(phone_script_line(&s, STR("d"))->knows_callers);
}

static void test_questions(void **state)
{
    (void)state;
    struct phone_script s;
    struct err e;
    int r = read_script("lines:\n"
                        "  default:\n"
                        "    questions:\n"
                        "      - {field: Ext, text: \"Which?\", "
                        "kind: digits, digits: 4}\n"
                        "      - {field: Имя, sound: {ru: a.wav, en: b.wav}, "
                        "seconds: 7}\n"
                        "    languages: [en]\n",
                        &s, &e);
    assert_int_equal(r, 0);
    const struct phone_line *l = phone_script_line(&s, STR(""));
    assert_int_equal(l->n_questions, 2);
    assert_string_equal(l->questions[0].field, "Ext");
    assert_string_equal(l->questions[0].prompts[PHONE_EN].text, "Which?");
    assert_string_equal(l->questions[0].prompts[PHONE_RU].text, "");
    assert_int_equal(l->questions[0].how.digits_max, 4);
    assert_string_equal(l->questions[1].prompts[PHONE_EN].sound, "b.wav");
    assert_int_equal(l->questions[1].how.digits_max, 0);
    assert_int_equal(l->questions[1].how.listen_ms, 7000);
}

static void test_transfer(void **state)
{
    (void)state;
    struct phone_script s;
    struct err e;
    int r = read_script("lines:\n"
                        "  a: {transfer: {to: \"sip:1@b\", key: \"*\", "
                        "schedule: Office}}\n"
                        "  b: {transfer: {to: \"sip:1@b\", always: true}}\n"
                        "  c: {}\n",
                        &s, &e);
    assert_int_equal(r, 0);
    const struct phone_referral *a = &phone_script_line(&s, STR("a"))->transfer;
    const struct phone_referral *b = &phone_script_line(&s, STR("b"))->transfer;
    assert_string_equal(a->to, "sip:1@b");
    assert_string_equal(a->schedule, "Office");
    assert_int_equal(a->key, '*');
    assert_false(a->always);
    assert_string_equal(b->schedule, "");
    assert_int_equal(b->key, '\0');
    assert_true(b->always);
    assert_string_equal(phone_script_line(&s, STR("c"))->transfer.to, "");
}

static void test_accounts(void **state)
{
    (void)state;
    struct phone_script s;
    struct err e;
    (void)setenv("OTKLIK_TEST_PASSWORD", "from outside", 1);
    int r = read_script("accounts:\n"
                        "  - {address: \"sip:desk@pbx.test\", password: x}\n"
                        "  - address: sips:a@b\n"
                        "    server: sip:192.0.2.1:5070;transport=tcp\n"
                        "    user: other\n"
                        "    password_env: OTKLIK_TEST_PASSWORD\n"
                        "    expires: 60\n",
                        &s, &e);
    assert_int_equal(r, 0);
    assert_int_equal(s.n_accounts, 2);
    assert_string_equal(s.accounts[0].user, "desk");
    assert_string_equal(s.accounts[0].server, "");
    assert_int_equal(s.accounts[0].expires_s, 300);
    assert_string_equal(s.accounts[1].user, "other");
    assert_string_equal(s.accounts[1].password, "from outside");
    assert_int_equal(s.accounts[1].expires_s, 60);
    assert_ptr_equal(phone_script_account(&s, STR("a")), &s.accounts[1]);
    assert_null(phone_script_account(&s, STR("nobody")));
    s.n_accounts = 1;
    assert_ptr_equal(phone_script_account(&s, STR("nobody")), &s.accounts[0]);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place, *what;
    } rows[] = {
        {"lines:\n  a: {greting: x}\n", ":2", "greting"},
        {"lines:\n  a: {language: de}\n", ":2", "ru or en"},
        {"lines:\n  a: {languages: ru}\n", ":2", "list"},
        {"lines:\n  a: {languages: []}\n", ":2", "no language"},
        {"lines:\n  a: {languages: [ru, ru]}\n", ":2", "twice"},
        {"lines:\n  a: {languages: [ru, de]}\n", ":2", "ru or en"},
        {"lines:\n  a: {ask: {de: x}}\n", ":2", "ru or en"},
        {"lines:\n  a: {greet_by_name: maybe}\n", ":2", "true or false"},
        {"lines:\n  a: {keep_days: -1}\n", ":2", "0 to 36500"},
        {"lines:\n  a: {keep_days: 36501}\n", ":2", "0 to 36500"},
        {"lines:\n  a: {questions: x}\n", ":2", "list"},
        {"lines:\n  a: {questions: [{text: x}]}\n", ":2", "field"},
        {"lines:\n  a: {questions: [{field: x}]}\n", ":2", "no text"},
        {"lines:\n  a: {questions: [{field: x, text: {en: y}}]}\n", ":2",
         "no text"},
        {"lines:\n  a: {questions: [{field: x, text: y, kind: z}]}\n", ":2",
         "speech or digits"},
        {"lines:\n  a: {questions: [{field: x, text: y, digits: 21}]}\n", ":2",
         "1 to 20"},
        {"lines:\n  a: {questions: [{field: x, text: y, seconds: 0}]}\n", ":2",
         "1 to 120"},
        {"lines:\n  a:\n    questions: [{field: x, text: y}, {field: x, text: "
         "y}, {field: x, text: y}, {field: x, text: y}, {field: x, text: y}, "
         "{field: x, text: y}]\n",
         ":3", "at most 5"},
        {"lines:\n  a: {transfer: {key: \"0\"}}\n", ":2", "sip:USER@HOST"},
        {"lines:\n  a: {transfer: {to: \"sip:b\", key: \"0\"}}\n", ":2",
         "sip:USER@HOST"},
        {"lines:\n  a: {transfer: {to: \"sip:1@b\"}}\n", ":2", "always"},
        {"lines:\n  a: {transfer: {to: \"sip:1@b\", key: x}}\n", ":2",
         "0 to 9"},
        {"lines:\n  a: {transfer: {to: \"sip:1@b\", key: \"#\"}}\n", ":2",
         "0 to 9"},
        {"lines:\n  a: {languages: [ru, en], transfer: {to: \"sip:1@b\", key: "
         "\"2\"}}\n",
         ":2", "chooses a language"},
        {"lines: [a]\n", ":1", "mapping"},
        {"accounts: {a: b}\n", ":1", "list"},
        {"accounts:\n  - {user: x}\n", ":2", "address"},
        {"accounts:\n  - {address: \"mailto:a@b\"}\n", ":2", "address"},
        {"accounts:\n  - {address: \"sip:a@b c\"}\n", ":2", "address"},
        {"accounts:\n  - {address: \"sip:a@b\", expires: 5}\n", ":2", "30"},
        {"accounts:\n  - {address: \"sip:a@b\", password_env: NO_SUCH_}\n",
         ":2", "variable"},
        {"a: b\n", ":1", "'a'"},
        {"lines: {a: {greeting: [x]}}\n", ":1", "one text"},
        {"lines: {a: {greeting: \"x\\u0001\"}}\n", ":1", "control"},
        {"lines: {\n", ":", ""},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct phone_script s;
        struct err e;
        assert_int_equal(read_script(rows[i].text, &s, &e), OTK_EFORMAT);
        if (!strstr(e.msg, rows[i].place) || !strstr(e.msg, rows[i].what))
            fail_msg("%s gives: %s", rows[i].text, e.msg);
    }
}

static void test_fill(void **state)
{
    (void)state;
    const struct phone_fill f[] = {{"{ticket}", STR("15")},
                                   {"{due}", STR("{ticket}")}};
    struct str t =
        phone_text_fill(STR("a {ticket} b {ticket}{x{due}"), f, ROWS(f), arena);
    assert_true(str_is(t, "a 15 b 15{x{ticket}")); /* once, not again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),   cmocka_unit_test(test_lines),
        cmocka_unit_test(test_languages), cmocka_unit_test(test_known),
        cmocka_unit_test(test_keeping),   cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_questions), cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_mistakes),  cmocka_unit_test(test_fill),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
