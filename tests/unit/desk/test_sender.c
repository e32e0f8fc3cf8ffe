/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/sender.h"

#include <signal.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "office.h"

/* Long enough for any command that ends by itself. */
enum { PATIENT_MS = 60000, SHORT_MS = 200 };

static const struct outbox_item letter = {
    .id = 7,
    .ticket_id = 3,
    .channel = STR("email"),
    .recipient = STR("\"v\"@b.ru"),
    .dedup = STR("reply:7"),
    .body = STR("{\"subject\":\"Принтер\",\"text\":\"Готово\\n\"}"),
};

static enum outbox_verdict run_it(const char *command, int timeout_ms,
                                  const char **ret_why)
{
    char why[SENDER_WHY_BYTES] = "of another message";
    enum outbox_verdict v = sender_run(command, timeout_ms, &letter, why);
    *ret_why = arena_copy(arena, str_from(why));
    return v;
}

/* ---- one message -----------------------------------------------------------
 */

struct end {
    const char *command;
    enum outbox_verdict verdict;
    const char *why;
};

static const struct end ends[] = {
    {"cat >/dev/null; exit 0", OUTBOX_SENT, ""},
    {"exit 0", OUTBOX_SENT, ""}, /* did not even read */
    {"echo done; exit 0", OUTBOX_SENT, ""},
    {"echo done >&2; exit 0", OUTBOX_SENT, "done"},
    /* never */
    {"exit 65", OUTBOX_FAILED, "exit code 65"},
    {"exit 67", OUTBOX_FAILED, "exit code 67"},
    {"exit 68", OUTBOX_FAILED, "exit code 68"},
    {"echo nobody there >&2; exit 67", OUTBOX_FAILED, "nobody there"},
    /* not now */
    {"exit 1", OUTBOX_LATER, "exit code 1"},
    {"exit 64", OUTBOX_LATER, "exit code 64"},
    {"exit 66", OUTBOX_LATER, "exit code 66"},
    {"exit 69", OUTBOX_LATER, "exit code 69"},
    {"exit 75", OUTBOX_LATER, "exit code 75"},
    {"echo busy >&2; exit 75", OUTBOX_LATER, "busy"},
    {"/no/such/program 2>/dev/null", OUTBOX_LATER, "exit code 127"},
    /* the last line counts, and standard output does not */
    {"echo one >&2; echo two >&2; echo three; exit 75", OUTBOX_LATER, "two"},
    {"printf 'one\\n  two  \\n\\n' >&2; exit 75", OUTBOX_LATER, "two"},
    /* a line that comes in pieces is one line */
    {"printf 'no such ' >&2; sleep 0.1; echo host >&2; exit 75", OUTBOX_LATER,
     "no such host"},
    /* SIGPIPE ends what writes into a pipe that nobody reads, as ever */
    {"yes | head -n 1 >/dev/null; exit 75", OUTBOX_LATER, "exit code 75"},
    /* nobody knows */
    {"kill -9 $$", OUTBOX_UNSURE, "ended by signal 9"},
    {"echo half >&2; kill -15 $$", OUTBOX_UNSURE, "ended by signal 15"},
};

static void test_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(ends); i++) {
        const char *why;
        enum outbox_verdict v = run_it(ends[i].command, PATIENT_MS, &why);
        if (v != ends[i].verdict || strcmp(why, ends[i].why) != 0)
            fail_msg("%s: %d, '%s'", ends[i].command, v, why);
    }
}

static void test_too_long(void **state)
{
    (void)state;
    static const char *const endless[] = {
        "exec sleep 1000",
        "sleep 1000; exit 0", /* a child of the shell is ended with it */
        "exec >&- 2>&- <&-; sleep 1000",
        "while echo again >&2; do sleep 0.01; done",
    };
    for (size_t i = 0; i < ROWS(endless); i++) {
        const char *why;
        assert_int_equal(run_it(endless[i], SHORT_MS, &why), OUTBOX_UNSURE);
        assert_string_equal(why, "it took too long");
    }
}

static void test_long_complaint(void **state)
{
    (void)state;
    const char *why;
    /* a megabyte on stderr does not stop the program, nor overrun the line */
    assert_int_equal(
        run_it("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 75",
               PATIENT_MS, &why),
        OUTBOX_LATER);
    assert_true(strlen(why) < SENDER_WHY_BYTES);
    assert_true(why[0] == 'x');
}

/* What the program got on its standard input. */
static json_t *got(const char *path)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err e = {0};
    json_t *o = NULL;
    if (file_read(path, &b, &e) || json_read(buf_str(&b), 1 << 20, &o, &e))
        fail_msg("%s", e.msg);
    assert_true(b.ptr[b.len - 1] == '\n');
    buf_free(&b);
    return o;
}

static const char *field(const json_t *o, const char *name)
{
    const char *t = json_string_value(json_object_get(o, name));
    return t ? t : "(none)";
}

static void test_input(void **state)
{
    (void)state;
    static const char *const fields[][2] = {
        {"id", "7"},          {"ticket", "3"},
        {"channel", "email"}, {"recipient", "\"v\"@b.ru"},
        {"dedup", "reply:7"}, {"subject", "Принтер"},
        {"text", "Готово\n"},
    };
    const char *why;
    const char *path = arena_printf(arena, "%s/got", folder);
    const char *command = arena_printf(arena, "exec cat >%s", path);
    assert_int_equal(run_it(command, PATIENT_MS, &why), OUTBOX_SENT);
    json_t *o = got(path);
    for (size_t i = 0; i < ROWS(fields); i++)
        assert_string_equal(field(o, fields[i][0]), fields[i][1]);
    json_decref(o);
    /* a body without fields, and one that is larger than any pipe */
    struct outbox_item m = letter;
    char line[SENDER_WHY_BYTES];
    m.body = STR("{}");
    assert_int_equal(sender_run(command, PATIENT_MS, &m, line), OUTBOX_SENT);
    o = got(path);
    assert_int_equal(json_object_size(o), 5);
    json_decref(o);
    enum { LONG = 400000 };
    static char text[LONG + 1];
    memset(text, 'y', LONG);
    m.body = str_from(arena_printf(arena, "{\"text\":\"%s\"}", text));
    assert_int_equal(sender_run(command, PATIENT_MS, &m, line), OUTBOX_SENT);
    o = got(path);
    assert_string_equal(field(o, "text"), text);
    json_decref(o);
    /* who does not read to the end is believed all the same */
    assert_int_equal(sender_run("exit 0", PATIENT_MS, &m, line), OUTBOX_SENT);
    assert_int_equal(
        sender_run("head -c 9 >/dev/null; exit 75", PATIENT_MS, &m, line),
        OUTBOX_LATER);
}

/* ---- all that is due -------------------------------------------------------
 */

static int put_all(struct db_tx *tx, void *arg, struct err *e)
{
    static const char *const recipients[] = {
        "good@b.ru", "busy@b.ru", "gone@b.ru", "odd@b.ru", "good@c.ru"};
    int r = 0;
    for (size_t i = 0; !r && i < ROWS(recipients); i++) {
        const struct outbox_new m = {.channel = "email",
                                     .recipient = str_from(recipients[i]),
                                     .body = STR("{}"),
                                     .dedup = recipients[i]};
        r = outbox_put(tx, &m, *(int64_t *)arg, e);
    }
    return r;
}

struct listing {
    struct outbox_item *items;
    size_t n;
};

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    struct listing *x = arg;
    return outbox_list(tx, STR(""), 0, 9, arena, &x->items, &x->n, e);
}

/* The same folder, with this command. */
static struct desk *desk_with(const char *command)
{
    struct desk *d;
    struct err e = {0};
    const char *const set[] = {
        arena_printf(arena, "outbox.command=%s", command)};
    struct desk_options o = {
        .folder = folder, .overrides = set, .n_overrides = 1};
    if (desk_open(&o, &d, &e))
        fail_msg("%s", e.msg);
    return d;
}

static void test_work(void **state)
{
    (void)state;
    static const char *const states[] = {"sent", "waiting", "failed", "unsure",
                                         "sent"};
    size_t sent = 99;
    struct err e = {0};
    int64_t now = clock_wall(&clock_real) - 1000;
    write_desk(put_all, &now);
    /* no command: nothing is touched */
    assert_int_equal(sender_work(desk, "s1", &sent, &e), 0);
    assert_int_equal(sent, 0);
    struct listing x;
    read_desk(list, &x);
    for (size_t i = 0; i < x.n; i++)
        assert_int_equal(x.items[i].attempts, 0);
    struct desk *d = desk_with(
        "m=$(cat); case $m in *good*) exit 0;; *busy*) echo later >&2; exit "
        "75;; *gone*) exit 67;; *) kill -9 $$;; esac");
    assert_int_equal(sender_work(d, "s1", &sent, &e), 0);
    assert_int_equal(sent, 2);
    read_desk(list, &x);
    assert_int_equal(x.n, ROWS(states));
    for (size_t i = 0; i < x.n; i++) { /* newest first */
        assert_true(str_is(x.items[i].state, states[x.n - 1 - i]));
        assert_int_equal(x.items[i].attempts, 1);
    }
    assert_true(str_is(x.items[3].last_error, "later"));
    assert_int_equal(sender_work(d, "s1", &sent, &e), 0);
    assert_int_equal(sent, 0); /* the busy one waits for its pause */
    desk_close(d);
}

static int open_for_sender(void **state)
{
    /* as the program does: who is sent to may hang up */
    (void)signal(SIGPIPE, SIG_IGN);
    return open_desk(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),           cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_long_complaint), cmocka_unit_test(test_input),
        cmocka_unit_test(test_work),
    };
    return cmocka_run_group_tests(tests, open_for_sender, close_desk);
}
