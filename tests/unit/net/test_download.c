/* SPDX-License-Identifier: Apache-2.0 */
#include "net/download.h"

#include "base/buf.h"
#include "unit/net/play.h"

/* ---- the whole -------------------------------------------------------------
 */

static int64_t told;

static void tell(void *ctx, int64_t bytes, int64_t total)
{
    (void)ctx;
    assert_int_equal(total, BYTES);
    assert_true(bytes > told);
    told = bytes;
}

static void test_whole(void **state)
{
    (void)state;
    struct download d = {.bytes = BYTES, .sha256 = sum, .progress = tell};
    told = 0;
    succeeds(&d, BYTES);
    assert_int_equal(told, BYTES);
    assert_true(server_heard(server, 0, "GET /file "));
    assert_true(server_heard(server, 0, "Accept-Encoding: identity"));
    assert_false(server_heard(server, 0, "Range"));
    assert_false(server_heard(server, 0, "Authorization"));
    struct download unknown = {.bytes = -1};
    succeeds(&unknown, BYTES);
}

static void test_promise_by_header(void **state)
{
    (void)state;
    struct download d = {.bytes = -1};
    struct download_result ret;
    struct err e;
    play.linked = sum;
    assert_int_equal(try_it(&d, &ret, &e), 0);
    assert_true(ret.checked);
    (void)unlink(path);
    play.linked = "00000000000000000000000000000000"
                  "00000000000000000000000000000000";
    fails(&d, OTK_EFORMAT, "SHA-256");
    play.linked = "\"some other tag\"";
    assert_int_equal(try_it(&d, &ret, &e), 0);
    assert_false(ret.checked);
}

/* ---- going on --------------------------------------------------------------
 */

static void cut_at(struct download *d, size_t n)
{
    play.cut = n;
    fails(d, OTK_EAGAIN, "again");
    assert_int_equal(size_of(part), (long)n);
    play.cut = 0;
}

static void test_resume(void **state)
{
    (void)state;
    struct download d = {.bytes = BYTES, .sha256 = sum};
    cut_at(&d, 100000);
    assert_int_equal(size_of(side), 5);
    succeeds(&d, BYTES - 100000);
    assert_true(server_heard(server, 1, "Range: bytes=100000-\r\n"));
    assert_true(server_heard(server, 1, "If-Range: \"one\"\r\n"));
}

static void test_resume_twice(void **state)
{
    (void)state;
    struct download d = {.bytes = -1};
    cut_at(&d, 50000);
    play.cut = 70000;
    fails(&d, OTK_EAGAIN, "again");
    assert_int_equal(size_of(part), 120000);
    play.cut = 0;
    succeeds(&d, BYTES - 120000);
}

static void test_changed(void **state)
{
    (void)state;
    struct download d = {.bytes = -1};
    cut_at(&d, 100000);
    play.etag = "\"two\"";
    memset(play.body, 'x', 1000);
    struct download_result ret;
    struct err e;
    struct buf b = BUF_INIT(BYTES);
    assert_int_equal(try_it(&d, &ret, &e), 0);
    assert_int_equal(ret.fetched, BYTES);
    assert_int_equal(file_read(path, &b, &e), 0);
    assert_memory_equal(b.ptr, play.body, BYTES);
    buf_free(&b);
}

static void test_no_ranges(void **state)
{
    (void)state;
    struct download d = {.bytes = BYTES, .sha256 = sum};
    cut_at(&d, 100000);
    play.no_ranges = true;
    succeeds(&d, BYTES);
    assert_int_equal(server_count(server), 2);
}

static void test_wrong_range(void **state)
{
    (void)state;
    struct download d = {.bytes = BYTES, .sha256 = sum};
    cut_at(&d, 100000);
    play.wrong_range = true;
    succeeds(&d, BYTES);
    assert_int_equal(server_count(server), 3);
    assert_false(server_heard(server, 2, "Range"));
}

static void test_no_etag(void **state)
{
    (void)state;
    static const char *const tags[] = {"", "W/\"weak\""};
    for (size_t i = 0; i < ROWS(tags); i++) {
        struct download blind = {.bytes = BYTES};
        struct download d = {.bytes = BYTES, .sha256 = sum};
        play.etag = tags[i];
        (void)unlink(path);
        cut_at(&blind, 100000);
        assert_false(file_exists(side));
        succeeds(&blind, BYTES);
        /* with a checksum that will tell, it goes on all the same */
        (void)unlink(path);
        cut_at(&d, 100000);
        succeeds(&d, BYTES - 100000);
    }
}

static void test_part_of_another(void **state)
{
    (void)state;
    struct download d = {.bytes = BYTES, .sha256 = sum};
    struct err e;
    /* the checksum finds the part wrong, and the second attempt is whole */
    assert_int_equal(file_write(part, STR("of another file"), 0600, &e), 0);
    succeeds(&d, BYTES - 15 + BYTES);
    /* longer than the file can be */
    (void)unlink(path);
    struct str longer = {play.body, BYTES};
    struct download less = {.bytes = 1000, .bytes_max = 1000};
    assert_int_equal(file_write(part, longer, 0600, &e), 0);
    fails(&less, OTK_ELIMIT, "limit");
    /* all of it is there: the server is not asked */
    int asked = server_count(server);
    assert_int_equal(file_write(part, longer, 0600, &e), 0);
    succeeds(&d, 0);
    assert_int_equal(server_count(server), asked);
}

/* ---- refusals --------------------------------------------------------------
 */

static void test_wrong_sum(void **state)
{
    (void)state;
    struct download d = {.bytes = BYTES, .sha256 = sum};
    play.body[BYTES / 2] ^= 1;
    fails(&d, OTK_EFORMAT, "SHA-256");
    assert_int_equal(size_of(part), 0);
    play.body[BYTES / 2] ^= 1;
    succeeds(&d, BYTES);
}

static void test_too_large(void **state)
{
    (void)state;
    struct download d = {.bytes = -1, .bytes_max = BYTES - 1};
    fails(&d, OTK_ELIMIT, "299999");
    struct download listed = {.bytes = BYTES - 1};
    fails(&listed, OTK_EFORMAT, "promised");
    struct download longer = {.bytes = BYTES + 1};
    fails(&longer, OTK_EAGAIN, "300000 of 300001");
}

int main(void)
{
#define TEST(fn)                                                               \
    cmocka_unit_test_setup_teardown(fn, play_set_up, play_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_whole),           TEST(test_promise_by_header),
        TEST(test_resume),          TEST(test_resume_twice),
        TEST(test_changed),         TEST(test_no_ranges),
        TEST(test_wrong_range),     TEST(test_no_etag),
        TEST(test_part_of_another), TEST(test_wrong_sum),
        TEST(test_too_large),
    };
    return cmocka_run_group_tests(tests, play_make_folder, play_remove_folder);
}
