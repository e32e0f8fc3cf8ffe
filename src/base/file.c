/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/scope.h"

int file_read(const char *path, struct buf *ret, struct err *e)
{
    enum { CHUNK = 64 << 10 };
    SCOPED(scope_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, errno == ENOENT ? OTK_ENOENT : OTK_EIO, "%s", path);
    for (;;) {
        size_t room = ret->max - ret->len;
        size_t want = room < CHUNK ? room + 1 : CHUNK;
        char chunk[CHUNK];
        ssize_t n = read(fd, chunk, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, OTK_EIO, "%s", path);
        if (n == 0)
            return OTK_OK;
        buf_put(ret, chunk, (size_t)n);
        if (buf_check(ret))
            return err_set(e, OTK_ELIMIT, "%s: larger than %zu bytes", path,
                           ret->max);
    }
}

static int write_all(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return OTK_EIO;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OTK_OK;
}

static int write_parts(int fd, const struct str *parts, size_t n)
{
    int r = OTK_OK;
    for (size_t i = 0; !r && i < n; i++)
        r = write_all(fd, parts[i]);
    return r;
}

int file_write_parts(const char *path, const struct str *parts, size_t n,
                     unsigned mode, struct err *e)
{
    char tmp[PATH_MAX];
    int len = snprintf(tmp, sizeof(tmp), "%s.tmp%d", path, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof(tmp))
        return err_set(e, OTK_ELIMIT, "%s: path too long", path);
    SCOPED(scope_close)
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_errno(e, OTK_EIO, "%s", tmp);
    if (write_parts(fd, parts, n) || fsync(fd) || rename(tmp, path)) {
        err_errno(e, OTK_EIO, "%s", path);
        (void)unlink(tmp);
        return OTK_EIO;
    }
    return OTK_OK;
}

int file_write(const char *path, struct str bytes, unsigned mode, struct err *e)
{
    return file_write_parts(path, &bytes, 1, mode, e);
}

int file_write_stream(const char *path, file_put put, void *ctx, unsigned mode,
                      struct err *e)
{
    char tmp[PATH_MAX];
    int len = snprintf(tmp, sizeof(tmp), "%s.tmp%d", path, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof(tmp))
        return err_set(e, OTK_ELIMIT, "%s: path too long", path);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_errno(e, OTK_EIO, "%s", tmp);
    FILE *f = fdopen(fd, "wb");
    if (!f) {
        int r = err_errno(e, OTK_EIO, "%s", tmp);
        (void)close(fd);
        (void)unlink(tmp);
        return r;
    }
    int r = put(ctx, f, e);
    if (!r && (ferror(f) || fflush(f) || fsync(fd)))
        r = err_errno(e, OTK_EIO, "%s", path);
    if (fclose(f) && !r)
        r = err_errno(e, OTK_EIO, "%s", path);
    if (!r && rename(tmp, path))
        r = err_errno(e, OTK_EIO, "%s", path);
    if (r)
        (void)unlink(tmp);
    return r;
}

static int copy_bytes(int from, int to)
{
    enum { CHUNK = 256 << 10 };
    static _Thread_local char chunk[CHUNK];
    for (;;) {
        ssize_t n = read(from, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? OTK_EIO : OTK_OK;
        if (write_all(to, (struct str){chunk, (size_t)n}))
            return OTK_EIO;
    }
}

int file_copy(const char *from, const char *to, struct err *e)
{
    char tmp[PATH_MAX];
    struct stat st;
    int n = snprintf(tmp, sizeof(tmp), "%s.tmp%d", to, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof(tmp))
        return err_set(e, OTK_ELIMIT, "%s: path too long", to);
    SCOPED(scope_close) int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0 || fstat(in, &st))
        return err_errno(e, errno == ENOENT ? OTK_ENOENT : OTK_EIO, "%s", from);
    SCOPED(scope_close)
    int out =
        open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 0777);
    if (out < 0)
        return err_errno(e, OTK_EIO, "%s", tmp);
    if (copy_bytes(in, out) || fsync(out) || rename(tmp, to)) {
        err_errno(e, OTK_EIO, "copy %s to %s", from, to);
        (void)unlink(tmp);
        return OTK_EIO;
    }
    return OTK_OK;
}

int file_make_dir(const char *path, struct err *e)
{
    enum { MODE = 0750 };
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part))
        return err_set(e, OTK_ELIMIT, "%s: path too long", path);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, MODE) && errno != EEXIST)
            return err_errno(e, OTK_EIO, "%s", part);
    }
    struct stat st;
    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return err_set(e, OTK_EIO, "%s: not a folder", path);
    return OTK_OK;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static int remove_inner(const char *path, const struct stat *st, int kind,
                        struct FTW *at)
{
    (void)st;
    (void)kind;
    return at->level > 0 && remove(path) && errno != ENOENT;
}

int file_empty_dir(const char *path, struct err *e)
{
    enum { OPEN_FOLDERS = 16 };
    if (nftw(path, remove_inner, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS))
        return err_errno(e, OTK_EIO, "empty %s", path);
    return OTK_OK;
}

int file_remove_dir(const char *path, struct err *e)
{
    if (!file_exists(path))
        return OTK_OK;
    int r = file_empty_dir(path, e);
    if (!r && rmdir(path) && errno != ENOENT)
        r = err_errno(e, OTK_EIO, "remove %s", path);
    return r;
}
