/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/buf.h"
#include "unit/net/play.h"

/* ---- answers and silence ---------------------------------------------------
 */

static const struct {
    const char *status;
    int code;
    const char *holds;
} statuses[] = {
    {"404 Not Found", OTK_ENOENT, "404"},
    {"410 Gone", OTK_ENOENT, "410"},
    {"401 Unauthorized", OTK_EDENIED, "401"},
    {"403 Forbidden", OTK_EDENIED, "403"},
    {"429 Too Many", OTK_EAGAIN, "429"},
    {"503 Busy", OTK_EAGAIN, "503"},
    {"418 Teapot", OTK_EFORMAT, "418"},
    {"304 Not Modified", OTK_EFORMAT, "304"},
    {"204 Nothing", OTK_EFORMAT, "204"},
};

static void test_statuses(void **state)
{
    (void)state;
    struct download d = {.bytes = BYTES, .sha256 = sum};
    for (size_t i = 0; i < ROWS(statuses); i++) {
        play.status = statuses[i].status;
        fails(&d, statuses[i].code, statuses[i].holds);
    }
}

static void test_offline(void **state)
{
    (void)state;
    char url[URL_BYTES];
    struct server *gone = server_start(answer, NULL);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/file", gone->port);
    server_stop(gone);
    struct download d = {.bytes = -1, .source.url = url};
    fails(&d, OTK_EAGAIN, "cannot be reached");
}

static void test_bad_addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "file:///etc/hostname#http",
        "ftp://127.0.0.1/http",
        "127.0.0.1/http",
        "http://",
        "http://user:secret@127.0.0.1/",
        "http://name@127.0.0.1/",
        "https:",
    };
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct download d = {.bytes = -1, .source.url = bad[i]};
        fails(&d, OTK_EINVAL, "address");
    }
    struct download d = {.bytes = -1, .source.token = "a\r\nX-Evil: 1"};
    fails(&d, OTK_EINVAL, "token");
    assert_int_equal(server_count(server), 0);
}

static void test_stall(void **state)
{
    (void)state;
    struct download d = {
        .bytes = BYTES, .sha256 = sum, .source.stall_seconds = 1};
    play.cut = 1000;
    play.stall = true;
    fails(&d, OTK_EAGAIN, "too slow");
    play.cut = 0;
    play.stall = false;
    succeeds(&d, BYTES - 1000);
}

static bool stop(void *ctx)
{
    (void)ctx;
    return true;
}

static void test_cancel(void **state)
{
    (void)state;
    struct download d = {.bytes = BYTES, .source.cancelled = stop};
    play.cut = 1000;
    play.stall = true;
    fails(&d, OTK_EAGAIN, "stopped");
}

/* ---- redirects -------------------------------------------------------------
 */

static void test_redirect(void **state)
{
    (void)state;
    struct download d = {
        .bytes = BYTES, .sha256 = sum, .source.token = "secret"};
    play.redirect = "/there";
    succeeds(&d, BYTES);
    assert_true(server_heard(server, 0, "Authorization: Bearer secret\r\n"));
    /* the same scheme, host and port */
    assert_true(server_heard(server, 1, "Authorization: Bearer secret\r\n"));
}

static void test_redirect_away(void **state)
{
    (void)state;
    char there[URL_BYTES];
    struct download d = {
        .bytes = BYTES, .sha256 = sum, .source.token = "secret"};
    struct server *other = server_start(answer, NULL);
    (void)snprintf(there, sizeof(there), "http://127.0.0.1:%d/there",
                   other->port);
    play.redirect = there;
    succeeds(&d, BYTES);
    assert_true(server_heard(server, 0, "secret"));
    assert_int_equal(server_count(other), 1);
    assert_false(server_heard(other, 0, "secret"));
    assert_false(server_heard(other, 0, "Authorization"));
    server_stop(other);
}

static void test_bad_redirects(void **state)
{
    (void)state;
    static const char *const bad[] = {"file:///etc/hostname",
                                      "ftp://127.0.0.1/x", "gopher://x/"};
    struct download d = {.bytes = -1};
    for (size_t i = 0; i < ROWS(bad); i++) {
        play.redirect = bad[i];
        fails(&d, OTK_EDENIED, "only http and https");
    }
    int before = server_count(server);
    play.redirect = "/round";
    fails(&d, OTK_EDENIED, "more than 10");
    assert_int_equal(server_count(server) - before, HTTP_HOPS_MAX + 1);
}

/* ---- texts -----------------------------------------------------------------
 */

static void test_text(void **state)
{
    (void)state;
    char url[URL_BYTES];
    struct buf b = BUF_INIT(BYTES);
    struct err e = {0};
    struct http_reply reply;
    struct http_source s = {.url = url};
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/t", server->port);
    assert_int_equal(http_get_text(&s, &b, &reply, &e), 0);
    assert_int_equal(b.len, BYTES);
    buf_free(&b);
    struct buf small = BUF_INIT(BYTES - 1);
    assert_int_equal(http_get_text(&s, &small, &reply, &e), OTK_ELIMIT);
    assert_int_equal(reply.status, 200);
    buf_free(&small);
}

int main(void)
{
#define TEST(fn)                                                               \
    cmocka_unit_test_setup_teardown(fn, play_set_up, play_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_statuses),      TEST(test_offline),
        TEST(test_bad_addresses), TEST(test_stall),
        TEST(test_cancel),        TEST(test_redirect),
        TEST(test_redirect_away), TEST(test_bad_redirects),
        TEST(test_text),
    };
    return cmocka_run_group_tests(tests, play_make_folder, play_remove_folder);
}
