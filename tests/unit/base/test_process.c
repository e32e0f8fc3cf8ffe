/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "test.h"

static struct process_done run(const char *script, struct str input, int ms,
                               struct buf *out)
{
    char sh[] = "/bin/sh", c[] = "-c";
    char line[512];
    char *argv[] = {sh, c, line, NULL};
    struct process_ask ask = {argv, input, ms};
    struct process_done done;
    struct err e = {0};
    (void)snprintf(line, sizeof(line), "%s", script);
    if (process_run(&ask, out, &done, &e))
        fail_msg("%s", e.msg);
    return done;
}

static void test_both_ways(void **state)
{
    (void)state;
    enum { MANY = 3 << 20 };
    struct buf out = BUF_INIT(MANY + 10);
    char *in = malloc(MANY);
    memset(in, 'x', MANY);
    struct process_done d =
        run("cat; echo end", (struct str){in, MANY}, 30000, &out);
    assert_int_equal(d.end, PROCESS_EXITED);
    assert_int_equal(d.status, 0);
    assert_int_equal(out.len, MANY + 4);
    assert_memory_equal(out.ptr, in, MANY);
    assert_int_equal(process_check(&d, "cat", NULL), 0);
    free(in);
    buf_free(&out);
}

static void test_ends(void **state)
{
    (void)state;
    struct err e = {0};
    struct process_done d =
        run("echo one >&2; echo two >&2; exit 7", STR("unread"), 30000, NULL);
    assert_int_equal(d.end, PROCESS_EXITED);
    assert_int_equal(d.status, 7);
    assert_string_equal(d.tail, "two");
    assert_int_equal(process_check(&d, "it", &e), OTK_EFORMAT);
    assert_string_equal(e.msg, "it: two");
    d = run("kill -9 $$", STR(""), 30000, NULL);
    assert_int_equal(d.end, PROCESS_KILLED);
    assert_int_equal(d.status, SIGKILL);
    assert_int_equal(process_check(&d, "it", &e), OTK_EAGAIN);
}

/* Its children go with it. */
static void test_too_late(void **state)
{
    (void)state;
    int64_t begun = clock_mono(&clock_real);
    struct process_done d = run("sleep 100 & sleep 100", STR(""), 300, NULL);
    assert_int_equal(d.end, PROCESS_TOO_LATE);
    assert_true(clock_mono(&clock_real) - begun < 50000);
}

static void test_too_much(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf out = BUF_INIT(100000);
    struct process_done d = run("yes", STR(""), 30000, &out);
    assert_int_equal(d.end, PROCESS_TOO_MUCH);
    assert_int_equal(process_check(&d, "yes", &e), OTK_ELIMIT);
    buf_free(&out);
}

static void test_not_there(void **state)
{
    (void)state;
    char name[] = "otklik-no-such-program";
    char *argv[] = {name, NULL};
    struct process_ask ask = {argv, STR(""), 1000};
    struct process_done done;
    struct err e = {0};
    assert_int_equal(process_run(&ask, NULL, &done, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, name));
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways), cmocka_unit_test(test_ends),
        cmocka_unit_test(test_too_late),  cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
