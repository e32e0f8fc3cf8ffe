/* tests/unit/net/play.h - a file on a server that misbehaves as a test says */
#ifndef OTK_TESTS_NET_PLAY_H
#define OTK_TESTS_NET_PLAY_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "net/download.h"
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

static inline void send_file(int fd, const char *request)
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

static inline void answer(struct server *s, int fd, const char *request)
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

static inline int play_set_up(void **state)
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

static inline int play_tear_down(void **state)
{
    (void)state;
    server_stop(server);
    server = NULL;
    return 0;
}

static inline int try_it(struct download *d, struct download_result *ret,
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
    server_settle();
    int r = download_file(d, ret, e);
    server_settle();
    if (d->source.url == url)
        d->source.url = NULL;
    return r;
}

static inline void succeeds(struct download *d, int64_t fetched)
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

static inline void fails(struct download *d, int code, const char *holds)
{
    struct download_result ret;
    struct err e;
    int r = try_it(d, &ret, &e);
    if (r != code || !strstr(e.msg, holds) || !strstr(e.msg, "http"))
        fail_msg("%d instead of %d '%s': %s", r, code, holds, e.msg);
    assert_false(file_exists(path));
}

static inline long size_of(const char *name)
{
    struct stat st;
    return stat(name, &st) ? -1 : (long)st.st_size;
}

static inline void make_sum(void)
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

static inline int play_make_folder(void **state)
{
    /* a proxy of the machine is not for its own loopback */
    (void)setenv("no_proxy", "127.0.0.1", 1);
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    (void)snprintf(part, sizeof(part), "%s.part", path);
    (void)snprintf(side, sizeof(side), "%s.etag", part);
    (void)play_set_up(state);
    make_sum();
    return play_tear_down(state);
}

static inline int play_remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(part);
    (void)unlink(side);
    return rmdir(folder);
}

#endif
