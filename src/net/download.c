/* SPDX-License-Identifier: Apache-2.0 */
#include "net/download.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"

enum { CHUNK = 256 << 10, FILE_MODE = 0640 };

/* One file on its way. */
struct way {
    const struct download *d;
    struct download_result result;
    char part[PATH_MAX];
    char side[PATH_MAX];
    int fd;
    int64_t have;   /* bytes in the part */
    int64_t resume; /* where this attempt began; 0: at the beginning */
    bool again;     /* the part does not fit: once more, without it */
    crypto_hash_sha256_state hash;
    char linked[HTTP_ETAG_MAX];
};

/* ---- the part --------------------------------------------------------------
 */

static int name_files(struct way *w, struct err *e)
{
    int n = snprintf(w->part, sizeof(w->part), "%s.part", w->d->path);
    int m = snprintf(w->side, sizeof(w->side), "%s.part.etag", w->d->path);
    if (n < 0 || m < 0 || (size_t)m >= sizeof(w->side))
        return err_set(e, OTK_ELIMIT, "%s: path too long", w->d->path);
    return OTK_OK;
}

static int disk_error(struct err *e, const char *path)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    return full ? err_set(e, OTK_EAGAIN,
                          "%s: the disk is full; make room and go on from here",
                          path)
                : err_errno(e, OTK_EIO, "%s", path);
}

/* Empty the part; the next bytes are the first. */
static int restart(struct way *w, struct err *e)
{
    w->have = 0;
    crypto_hash_sha256_init(&w->hash);
    (void)unlink(w->side); /* or it is not there, which is as well */
    if (ftruncate(w->fd, 0) || lseek(w->fd, 0, SEEK_SET) < 0)
        return disk_error(e, w->part);
    return OTK_OK;
}

/* Hash from where `fd` stands to its end. */
static int hash_rest(int fd, crypto_hash_sha256_state *hash, int64_t *bytes)
{
    static _Thread_local unsigned char chunk[CHUNK];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? OTK_EIO : OTK_OK;
        crypto_hash_sha256_update(hash, chunk, (unsigned long long)n);
        *bytes += n;
    }
}

static void hash_print(crypto_hash_sha256_state *hash, char ret[SHA256_HEX])
{
    unsigned char raw[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(hash, raw);
    (void)sodium_bin2hex(ret, SHA256_HEX, raw, sizeof(raw));
}

static bool promised(const struct download *d)
{
    return d->sha256 && d->sha256[0];
}

/* A strong ETag, or "": a weak one says nothing of single bytes. */
static void strong(const char *etag, char ret[HTTP_ETAG_MAX])
{
    (void)snprintf(ret, HTTP_ETAG_MAX, "%s", etag[0] == '"' ? etag : "");
}

/* Open the part with what is there, if that can be gone on from. */
static int take_up(struct way *w, char etag[HTTP_ETAG_MAX], struct err *e)
{
    struct buf b = BUF_INIT(HTTP_ETAG_MAX - 1);
    etag[0] = '\0';
    crypto_hash_sha256_init(&w->hash);
    w->fd = open(w->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (w->fd < 0)
        return disk_error(e, w->part);
    if (!file_read(w->side, &b, NULL))
        strong(b.ptr, etag);
    buf_free(&b);
    int64_t most = w->d->bytes >= 0 ? w->d->bytes : w->d->bytes_max;
    if (hash_rest(w->fd, &w->hash, &w->have))
        return err_errno(e, OTK_EIO, "%s", w->part);
    if (w->have > most || !(etag[0] || promised(w->d)))
        return restart(w, e);
    return OTK_OK;
}

/* ---- what comes ------------------------------------------------------------
 */

static int check_size(const struct way *w, int64_t total, struct err *e)
{
    const struct download *d = w->d;
    if (total > d->bytes_max)
        return err_set(e, OTK_ELIMIT, "larger than %lld bytes, the limit",
                       (long long)d->bytes_max);
    if (d->bytes >= 0 && total > d->bytes)
        return err_set(e, OTK_EFORMAT,
                       "larger than the %lld bytes that were promised; the "
                       "file or its listing is wrong",
                       (long long)d->bytes);
    return OTK_OK;
}

static int on_begin(void *ctx, const struct http_reply *r, struct err *e)
{
    struct way *w = ctx;
    char etag[HTTP_ETAG_MAX];
    (void)snprintf(w->linked, sizeof(w->linked), "%s", r->linked);
    if (r->status == 206) {
        w->again = w->resume == 0 || r->from != w->resume;
        if (w->again)
            return err_set(e, OTK_EFORMAT,
                           "sent other bytes than it was asked for");
        return check_size(w, w->have + (r->bytes > 0 ? r->bytes : 0), e);
    }
    int rc = restart(w, e);
    strong(r->etag, etag);
    if (!rc)
        rc = check_size(w, r->bytes, e);
    if (!rc && etag[0])
        rc = file_write(w->side, str_from(etag), FILE_MODE, e);
    return rc;
}

static int on_put(void *ctx, const void *p, size_t n, struct err *e)
{
    struct way *w = ctx;
    struct str left = {p, n};
    int r = check_size(w, w->have + (int64_t)n, e);
    if (r)
        return r;
    while (left.n) {
        ssize_t k = write(w->fd, left.p, left.n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return disk_error(e, w->part);
        left = str_sub(left, (size_t)k, left.n);
    }
    crypto_hash_sha256_update(&w->hash, p, n);
    w->have += (int64_t)n;
    w->result.fetched += (int64_t)n;
    if (w->d->progress)
        w->d->progress(w->d->ctx, w->have, w->d->bytes);
    return OTK_OK;
}

static int fetch(struct way *w, const char *etag, struct err *e)
{
    enum { UNSATISFIABLE = 416 };
    struct http_reply reply;
    struct http_part part = {w->have, etag};
    struct http_sink sink = {on_begin, on_put, w};
    w->resume = w->have;
    w->again = false;
    int r = http_get(&w->d->source, w->resume ? &part : NULL, &sink, &reply, e);
    w->result.status = reply.status;
    w->again |=
        w->resume && (r == OTK_EFORMAT || reply.status == UNSATISFIABLE);
    return r;
}

/* ---- the end ---------------------------------------------------------------
 */

static bool is_sha256(const char *s)
{
    return strlen(s) == SHA256_HEX - 1 &&
           strspn(s, "0123456789abcdef") == SHA256_HEX - 1;
}

/* Is it what was promised? What is not is thrown away. */
static int check(struct way *w, struct err *e)
{
    const struct download *d = w->d;
    const char *want = promised(d)            ? d->sha256
                       : is_sha256(w->linked) ? w->linked
                                              : NULL;
    if (d->bytes >= 0 && w->have < d->bytes)
        return err_set(e, OTK_EAGAIN,
                       "ended after %lld of %lld bytes; again, it goes on from "
                       "there",
                       (long long)w->have, (long long)d->bytes);
    hash_print(&w->hash, w->result.sha256);
    w->result.bytes = w->have;
    w->result.checked = want != NULL;
    if (!want || strcmp(want, w->result.sha256) == 0)
        return OTK_OK;
    w->again = w->resume > 0;
    (void)restart(w, NULL); /* a part that stays is found wrong again */
    return err_set(e, OTK_EFORMAT,
                   "SHA-256 is %.16s… and not %.16s…: damaged or replaced on "
                   "its way; try again, or another mirror",
                   w->result.sha256, want);
}

static int keep(struct way *w, struct err *e)
{
    if (fsync(w->fd) || rename(w->part, w->d->path))
        return disk_error(e, w->d->path);
    (void)unlink(w->side); /* or there was none */
    return OTK_OK;
}

int download_file(const struct download *d, struct download_result *ret,
                  struct err *e)
{
    enum { SHOWN = 120 };
    struct way w = {.d = d, .fd = -1};
    char etag[HTTP_ETAG_MAX];
    int r = name_files(&w, e);
    if (!r)
        r = take_up(&w, etag, e);
    /* a part that turns out not to fit is given up, once */
    for (int attempt = 0; !r && attempt < 2; attempt++) {
        bool all = promised(d) && d->bytes >= 0 && w.have == d->bytes;
        if (!all)
            r = fetch(&w, etag, e);
        else
            w.resume = w.have;
        if (!r) {
            r = check(&w, e);
            if (r)
                err_wrap(e, r, "%.*s", SHOWN, d->source.url);
        }
        if (!r || !w.again || attempt > 0)
            break;
        if (e)
            *e = (struct err){0};
        r = restart(&w, e);
        etag[0] = '\0';
    }
    if (!r)
        r = keep(&w, e);
    if (w.fd >= 0 && close(w.fd) && !r)
        r = disk_error(e, d->path);
    if (r)
        ret->status = w.result.status;
    else
        *ret = w.result;
    return r;
}

int download_sha256(const char *path, int64_t *ret_bytes, char ret[SHA256_HEX],
                    struct err *e)
{
    crypto_hash_sha256_state hash;
    int64_t bytes = 0;
    SCOPED(scope_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno == ENOENT ? OTK_ENOENT : OTK_EIO, "%s", path);
    crypto_hash_sha256_init(&hash);
    if (hash_rest(fd, &hash, &bytes))
        return err_errno(e, OTK_EIO, "%s", path);
    hash_print(&hash, ret);
    *ret_bytes = bytes;
    return OTK_OK;
}
