/* SPDX-License-Identifier: Apache-2.0 */
#include "net/download.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "unit/net/server.h"

enum { BYTES = 300000, URL_BYTES = 256 };

/* What the server does with the file that it has. */
static struct play {
    char body[BYTES];
    const char *etag; /* "" for none */
    size_t cut;       /* hang up after so many bytes; 0: do not */
    bool no_ranges, wrong_range, stall;
    const char *linked;
    const char *redirect; /* NULL: none */
    const char *status;   /* NULL: the file */
} play;

static struct server *server;
static char folder[] = "/tmp/otklik-net-XXXXXX";
static char path[64];
static char part[80];
static char side[96];
static char sum[SHA256_HEX]; /* of the body */

static void send_file(int fd, const char *request)
{
    char head[1024];
    const char *range = strstr(request, "\r\nRange: bytes=");
    const char *if_range = strstr(request, "\r\nIf-Range: ");
    long from = range && !play.no_ranges ? strtol(range + 15, NULL, 10) : 0;
    if (if_range && strncmp(if_range + 12, play.etag, strlen(play.etag)) != 0)
        from = 0;
    size_t n = BYTES - (size_t)from;
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: "
                       "%zu\r\n",
                       from ? "206 Partial" : "200 OK", n);
    if (from)
        len += snprintf(head + len, sizeof(head) - (size_t)len,
                        "Content-Range: bytes %ld-%d/%d\r\n",
                        play.wrong_range ? from + 1 : from, BYTES - 1, BYTES);
    if (play.etag[0])
        len += snprintf(head + len, sizeof(head) - (size_t)len, "ETag: %s\r\n",
                        play.etag);
    if (play.linked)
        len += snprintf(head + len, sizeof(head) - (size_t)len,
                        "X-Linked-Etag: \"%s\"\r\n", play.linked);
    (void)snprintf(head + len, sizeof(head) - (size_t)len, "\r\n");
    server_say(fd, head);
    server_send(fd, play.body + from, play.cut && play.cut < n ? play.cut : n);
    if (play.stall)
        server_wait(fd);
}

static void answer(struct server *s, int fd, const char *request)
{
    char location[URL_BYTES + 16];
    (void)s;
    if (play.status) {
        server_reply(fd, play.status, "", "sorry", 5);
    } else if (play.redirect && !strstr(request, "/there ")) {
        (void)snprintf(location, sizeof(location), "Location: %s\r\n",
                       play.redirect);
        server_reply(fd, "302 Found", location, "see there", 9);
    } else {
        send_file(fd, request);
    }
}

static int set_up(void **state)
{
    (void)state;
    const char *etag = "\"one\"";
    play = (struct play){.etag = etag};
    for (size_t i = 0; i < BYTES; i++)
        play.body[i] = (char)(i * 7 + i / 251);
    (void)unlink(path);
    (void)unlink(part);
    (void)unlink(side);
    server = server_start(answer, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(server);
    server = NULL;
    return 0;
}

static int try_it(struct download *d, struct download_result *ret,
                  struct err *e)
{
    char url[URL_BYTES];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/file", server->port);
    if (!d->source.url)
        d->source.url = url;
    d->path = path;
    if (!d->bytes_max)
        d->bytes_max = BYTES * 2;
    *ret = (struct download_result){0};
    *e = (struct err){0};
    int r = download_file(d, ret, e);
    if (d->source.url == url)
        d->source.url = NULL;
    return r;
}

static void succeeds(struct download *d, int64_t fetched)
{
    struct download_result ret;
    struct err e;
    struct buf b = BUF_INIT(BYTES);
    if (try_it(d, &ret, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(ret.bytes, BYTES);
    assert_int_equal(ret.fetched, fetched);
    assert_string_equal(ret.sha256, sum);
    assert_int_equal(file_read(path, &b, &e), 0);
    assert_memory_equal(b.ptr, play.body, BYTES);
    buf_free(&b);
    assert_false(file_exists(part));
    assert_false(file_exists(side));
}

static void fails(struct download *d, int code, const char *holds)
{
    struct download_result ret;
    struct err e;
    int r = try_it(d, &ret, &e);
    if (r != code || !strstr(e.msg, holds) || !strstr(e.msg, "http"))
        fail_msg("%d instead of %d '%s': %s", r, code, holds, e.msg);
    assert_false(file_exists(path));
}

static long size_of(const char *name)
{
    struct stat st;
    return stat(name, &st) ? -1 : (long)st.st_size;
}

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

static void make_sum(void)
{
    struct err e;
    int64_t n;
    assert_int_equal(file_write(path, (struct str){play.body, BYTES}, 0600, &e),
                     0);
    assert_int_equal(download_sha256(path, &n, sum, &e), 0);
    assert_int_equal(n, BYTES);
    assert_int_equal(file_write(path, STR("abc"), 0600, &e), 0);
    char abc[SHA256_HEX];
    assert_int_equal(download_sha256(path, &n, abc, &e), 0);
    /* FIPS 180-4, the first example */
    assert_string_equal(abc, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad");
    (void)unlink(path);
}

static int make_folder(void **state)
{
    /* a proxy of the machine is not for its own loopback */
    (void)setenv("no_proxy", "127.0.0.1", 1);
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    (void)snprintf(part, sizeof(part), "%s.part", path);
    (void)snprintf(side, sizeof(side), "%s.etag", part);
    (void)set_up(state);
    make_sum();
    return tear_down(state);
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(part);
    (void)unlink(side);
    return rmdir(folder);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_whole),           TEST(test_promise_by_header),
        TEST(test_resume),          TEST(test_resume_twice),
        TEST(test_changed),         TEST(test_no_ranges),
        TEST(test_wrong_range),     TEST(test_no_etag),
        TEST(test_part_of_another), TEST(test_wrong_sum),
        TEST(test_too_large),       TEST(test_statuses),
        TEST(test_offline),         TEST(test_bad_addresses),
        TEST(test_stall),           TEST(test_cancel),
        TEST(test_redirect),        TEST(test_redirect_away),
        TEST(test_bad_redirects),   TEST(test_text),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
