/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/recording.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "speech/sound.h"
#include "test.h"

static char folder[] = "/tmp/otklik-recording-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_dir(folder, NULL);
}

static struct recording *begin(const char *name)
{
    struct recording *r;
    struct err e = {0};
    if (recording_begin(folder, name, 8000, STR("{\"id\":1}"), &r, &e))
        fail_msg("%s", e.msg);
    return r;
}

static void put(struct recording *r, int from, int n)
{
    struct err e = {0};
    for (int i = from; i < from + n; i++) {
        int16_t x = (int16_t)i;
        assert_int_equal(recording_put(r, &x, 1, &e), 0);
    }
}

static int collect(void *ctx, struct str bytes, struct err *e)
{
    (void)e;
    buf_put_str(ctx, bytes);
    return 0;
}

/* Samples 0, 1, 2 … of a recording that is read back. */
static void check(struct recording *r, size_t n)
{
    struct buf b = BUF_INIT(1 << 20);
    struct sound s;
    struct err e = {0};
    int64_t ms;
    assert_int_equal(recording_read(r, collect, &b, &ms, &e), 0);
    assert_int_equal(sound_read_wav(buf_str(&b), &s, &e), 0);
    assert_int_equal(s.n, n);
    assert_int_equal(ms, n / 8);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(s.samples[i], (int16_t)i);
    sound_free(&s);
    buf_free(&b);
}

struct found {
    int n;
    size_t samples;
    bool keeps;
};

static int find(void *ctx, struct recording *r, struct err *e)
{
    struct found *f = ctx;
    (void)e;
    f->n++;
    assert_true(str_is(recording_about(r), "{\"id\":1}"));
    check(r, f->samples);
    if (f->keeps)
        recording_close(r);
    else
        recording_remove(r);
    return 0;
}

static int found(size_t samples, bool keeps)
{
    struct found f = {.samples = samples, .keeps = keeps};
    struct err e = {0};
    assert_int_equal(recording_each(folder, find, &f, &e), 0);
    return f.n;
}

/* The lines of a recording; *ctx is what they should be. */
static int look_at_marks(void *ctx, struct recording *r, struct err *e)
{
    struct buf b = BUF_INIT(RECORDING_MARKS_BYTES);
    assert_int_equal(recording_marks(r, &b, e), 0);
    assert_string_equal(b.ptr, ctx);
    buf_free(&b);
    recording_remove(r);
    return 0;
}

static void test_marks(void **state)
{
    (void)state;
    char path[400];
    char want[] = "one\ntwo\n";
    char long_line[RECORDING_MARK_MAX] = {0};
    struct err e = {0};
    struct buf b = BUF_INIT(RECORDING_MARKS_BYTES);
    struct recording *r = begin("marks-1");
    assert_int_equal(recording_marks(r, &b, &e), 0);
    assert_int_equal(b.len, 0);
    assert_int_equal(recording_mark(r, STR("one"), &e), 0);
    put(r, 0, 100);
    assert_int_equal(recording_mark(r, STR("two"), &e), 0);
    assert_int_equal(
        recording_mark(r, (struct str){long_line, RECORDING_MARK_MAX + 1}, &e),
        OTK_ELIMIT);
    recording_close(r); /* as if the process died while it wrote a third */
    (void)snprintf(path, sizeof(path), "%s/marks-1.marks", folder);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    assert_true(fputs("thr", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(recording_each(folder, look_at_marks, want, &e), 0);
    assert_false(file_exists(path)); /* goes with the recording */
    /* there is an end to them */
    int n = 0;
    int err = OTK_OK;
    memset(long_line, 'x', sizeof(long_line));
    r = begin("marks-2");
    while (!err && n++ < 1000)
        err = recording_mark(r, (struct str){long_line, sizeof(long_line)}, &e);
    assert_int_equal(err, OTK_ELIMIT);
    assert_int_equal(n - 1, RECORDING_MARKS_BYTES / (RECORDING_MARK_MAX + 1));
    recording_remove(r);
    buf_free(&b);
}

static void test_whole(void **state)
{
    (void)state;
    struct recording *r = begin("a-1");
    put(r, 0, 10001);
    assert_int_equal(recording_ms(r), 1250);
    check(r, 10001);
    put(r, 10001, 5); /* reading does not end it */
    check(r, 10006);
    assert_int_equal(found(0, false), 0); /* somebody holds it */
    recording_close(r);
    assert_int_equal(found(10006, true), 1);
    assert_int_equal(found(10006, false), 1);
    assert_int_equal(found(0, false), 0);
}

/* A process that is killed leaves all that was written. */
static void test_killed(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        struct recording *r;
        int16_t x[4000];
        for (int i = 0; i < 4000; i++)
            x[i] = (int16_t)i;
        if (recording_begin(folder, "dead", 8000, STR("{\"id\":1}"), &r,
                            NULL) ||
            recording_put(r, x, 4000, NULL) || recording_put(r, x, 9, NULL))
            _exit(1);
        (void)raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(found(4000, false), 1);
}

static void test_odd_files(void **state)
{
    (void)state;
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/short.call", folder);
    assert_int_equal(file_write(path, STR("OTK"), 0600, NULL), 0);
    (void)snprintf(path, sizeof(path), "%s/other.call", folder);
    char other[RECORDING_HEAD + 8] = "something else";
    assert_int_equal(
        file_write(path, (struct str){other, sizeof(other)}, 0600, NULL), 0);
    (void)snprintf(path, sizeof(path), "%s/.call", folder);
    assert_int_equal(file_write(path, STR(""), 0600, NULL), 0);
    assert_int_equal(found(0, false), 0);
    (void)snprintf(path, sizeof(path), "%s/short.call", folder);
    assert_false(file_exists(path)); /* cut off in its head */
    (void)snprintf(path, sizeof(path), "%s/other.call", folder);
    assert_true(file_exists(path));
}

/* The last byte of a sample may be missing. */
static void test_half_sample(void **state)
{
    (void)state;
    char path[300];
    struct recording *r = begin("half");
    put(r, 0, 4000);
    recording_close(r);
    (void)snprintf(path, sizeof(path), "%s/half.call", folder);
    assert_int_equal(truncate(path, RECORDING_HEAD + 3999 * 2 + 1), 0);
    assert_int_equal(found(3999, false), 1);
}

static void test_bad_names(void **state)
{
    (void)state;
    static const char *const names[] = {"", "../x", "a/b", "a.b", "a b"};
    struct recording *r = NULL;
    for (size_t i = 0; i < ROWS(names); i++)
        assert_int_equal(
            recording_begin(folder, names[i], 8000, STR("{}"), &r, NULL),
            OTK_EINVAL);
    struct recording *one = begin("same");
    assert_int_equal(recording_begin(folder, "same", 8000, STR("{}"), &r, NULL),
                     OTK_EIO);
    recording_remove(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),       cmocka_unit_test(test_marks),
        cmocka_unit_test(test_killed),      cmocka_unit_test(test_odd_files),
        cmocka_unit_test(test_half_sample), cmocka_unit_test(test_bad_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
