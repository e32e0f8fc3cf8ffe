/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/recording.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/scope.h"
#include "speech/resample.h"
#include "speech/sound.h"

enum {
    PATH_BYTES = 4096 + RECORDING_NAME_MAX + 8,
    KEEP_MS = 500,
    PIECE_BYTES = 64 * 1024,
    ABOUT_AT = 16,
};

static const char magic[8] = "OTKCALL1";

struct recording {
    char path[PATH_BYTES];
    char name[RECORDING_NAME_MAX + 1];
    char about[RECORDING_ABOUT_MAX + 1];
    int fd, rate_hz;
    uint64_t written; /* samples in the file */
    size_t n_kept, keep;
    int16_t *kept; /* samples that are not in the file yet */
};

static int fail_write(struct err *e, const char *path)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    return err_errno(e, full ? OTK_EAGAIN : OTK_EIO, "write %s", path);
}

static int put_all(struct recording *r, const void *p, size_t n, struct err *e)
{
    const char *at = p;
    while (n) {
        ssize_t did = write(r->fd, at, n);
        if (did < 0 && errno == EINTR)
            continue;
        if (did < 0)
            return fail_write(e, r->path);
        at += did;
        n -= (size_t)did;
    }
    return OTK_OK;
}

static struct recording *new_recording(const char *folder, const char *name)
{
    struct recording *r = MEM_NEW(struct recording);
    (void)snprintf(r->name, sizeof(r->name), "%s", name);
    (void)snprintf(r->path, sizeof(r->path), "%.4096s/%s.call", folder,
                   r->name);
    return r;
}

static void ready(struct recording *r)
{
    r->keep = (size_t)r->rate_hz * KEEP_MS / 1000;
    r->kept = mem_new(r->keep, sizeof(*r->kept));
}

static bool is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
                            "YZ0123456789-");
    return n > 0 && n <= RECORDING_NAME_MAX && !name[n];
}

static int put_head(struct recording *r, struct str about, struct err *e)
{
    char head[RECORDING_HEAD] = {0};
    uint32_t rate = (uint32_t)r->rate_hz;
    memcpy(head, magic, sizeof(magic));
    memcpy(head + sizeof(magic), &rate, sizeof(rate));
    memcpy(head + ABOUT_AT, about.p, about.n);
    memcpy(r->about, about.p, about.n);
    return put_all(r, head, sizeof(head), e);
}

int recording_begin(const char *folder, const char *name, int rate_hz,
                    struct str about, struct recording **ret, struct err *e)
{
    if (!is_name(name) || about.n == 0 || about.n > RECORDING_ABOUT_MAX)
        return err_set(e, OTK_EINVAL, "a recording cannot be called '%.64s'",
                       name);
    int err = file_make_dir(folder, e);
    if (err)
        return err;
    struct recording *r = new_recording(folder, name);
    r->rate_hz = rate_hz;
    ready(r);
    r->fd =
        open(r->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (r->fd < 0)
        err = fail_write(e, r->path);
    /* before the head: without one nobody takes it for a dead call's */
    if (!err && flock(r->fd, LOCK_EX | LOCK_NB))
        err = err_errno(e, OTK_EIO, "lock %s", r->path);
    if (!err)
        err = put_head(r, about, e);
    if (err) {
        if (r->fd >= 0)
            recording_remove(r);
        else
            recording_close(r);
        return err;
    }
    *ret = r;
    return OTK_OK;
}

int recording_flush(struct recording *r, struct err *e)
{
    int err = put_all(r, r->kept, r->n_kept * sizeof(*r->kept), e);
    r->written += err ? 0 : r->n_kept;
    r->n_kept = 0;
    return err;
}

int recording_put(struct recording *r, const int16_t *samples, size_t n,
                  struct err *e)
{
    int err = OTK_OK;
    while (n && !err) {
        size_t room = r->keep - r->n_kept;
        size_t take = n < room ? n : room;
        memcpy(r->kept + r->n_kept, samples, take * sizeof(*samples));
        r->n_kept += take;
        samples += take;
        n -= take;
        if (r->n_kept == r->keep)
            err = recording_flush(r, e);
    }
    return err;
}

int recording_rate_hz(const struct recording *r)
{
    return r->rate_hz;
}

/* ---- marks
 * ------------------------------------------------------------------------- */

static void marks_path(const struct recording *r, char ret[PATH_BYTES])
{
    size_t n = strlen(r->path) - strlen(".call");
    (void)snprintf(ret, PATH_BYTES, "%.*s.marks", (int)n, r->path);
}

int recording_mark(struct recording *r, struct str line, struct err *e)
{
    char path[PATH_BYTES];
    char whole[RECORDING_MARK_MAX + 1];
    struct stat st;
    if (line.n > RECORDING_MARK_MAX)
        return err_set(e, OTK_ELIMIT, "a mark of %zu bytes", line.n);
    marks_path(r, path);
    memcpy(whole, line.p, line.n);
    whole[line.n] = '\n';
    SCOPED(scope_close)
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &st))
        return fail_write(e, path);
    if (st.st_size + (off_t)line.n + 1 > RECORDING_MARKS_BYTES)
        return err_set(e, OTK_ELIMIT, "%s is too long", path);
    ssize_t did = write(fd, whole, line.n + 1);
    return did == (ssize_t)line.n + 1 ? OTK_OK : fail_write(e, path);
}

int recording_marks(struct recording *r, struct buf *ret, struct err *e)
{
    char path[PATH_BYTES];
    struct buf all = BUF_INIT(RECORDING_MARKS_BYTES);
    marks_path(r, path);
    int err = file_exists(path) ? file_read(path, &all, e) : OTK_OK;
    size_t n = all.len;
    while (n && all.ptr[n - 1] != '\n')
        n--;
    if (!err)
        buf_put(ret, all.ptr, n);
    buf_free(&all);
    return err;
}

int64_t recording_ms(const struct recording *r)
{
    return (int64_t)((r->written + r->n_kept) * 1000 / (uint64_t)r->rate_hz);
}

const char *recording_name(const struct recording *r)
{
    return r->name;
}

struct str recording_about(const struct recording *r)
{
    return str_from(r->about);
}

static ssize_t read_piece(const struct recording *r, char *p, size_t n,
                          off_t at)
{
    ssize_t got;
    do
        got = pread(r->fd, p, n, at);
    while (got < 0 && errno == EINTR);
    return got;
}

int recording_read(struct recording *r, recording_put_fn *put, void *ctx,
                   int64_t *ret_ms, struct err *e)
{
    unsigned char head[SOUND_WAV_HEAD];
    int err = recording_flush(r, e);
    uint64_t left = r->written * sizeof(int16_t);
    off_t at = RECORDING_HEAD;
    sound_wav_head(head, r->rate_hz, (size_t)r->written);
    if (!err)
        err = put(ctx, (struct str){(const char *)head, sizeof(head)}, e);
    char *piece = mem_new(PIECE_BYTES, 1);
    while (!err && left) {
        size_t want = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        ssize_t got = read_piece(r, piece, want, at);
        if (got <= 0)
            err = err_errno(e, OTK_EIO, "read %s", r->path);
        else
            err = put(ctx, (struct str){piece, (size_t)got}, e);
        at += got > 0 ? got : 0;
        left -= got > 0 ? (uint64_t)got : 0;
    }
    free(piece);
    *ret_ms = recording_ms(r);
    return err;
}

void recording_remove(struct recording *r)
{
    if (!r)
        return;
    char marks[PATH_BYTES];
    marks_path(r, marks);
    (void)unlink(marks);   /* first: alone nobody would find them */
    (void)unlink(r->path); /* what stays is taken up at the next start */
    recording_close(r);
}

void recording_close(struct recording *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    free(r->kept);
    free(r);
}

/* ---- what a process that died left
 * ------------------------------------------------- */

static void scope_dir(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

/* 1: it is one; 0: not, or somebody holds it. Removes one without a head. */
static int adopt(struct recording *r)
{
    char head[RECORDING_HEAD];
    struct stat st;
    uint32_t rate;
    r->fd = open(r->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (r->fd < 0 || flock(r->fd, LOCK_EX | LOCK_NB) || fstat(r->fd, &st) ||
        !S_ISREG(st.st_mode))
        return 0;
    if (read_piece(r, head, sizeof(head), 0) != RECORDING_HEAD) {
        (void)unlink(r->path);
        return 0;
    }
    memcpy(&rate, head + sizeof(magic), sizeof(rate));
    if (memcmp(head, magic, sizeof(magic)) != 0 || rate < RESAMPLE_RATE_MIN ||
        rate > RESAMPLE_RATE_MAX)
        return 0;
    r->rate_hz = (int)rate;
    r->written = (uint64_t)(st.st_size - RECORDING_HEAD) / sizeof(int16_t);
    memcpy(r->about, head + ABOUT_AT, RECORDING_ABOUT_MAX);
    ready(r);
    return 1;
}

static int take_up(const char *folder, struct str name, recording_fn *fn,
                   void *ctx, struct err *e)
{
    char plain[RECORDING_NAME_MAX + 1];
    enum { SUFFIX = sizeof(".call") - 1 };
    if (!str_ends(name, ".call") || name.n > RECORDING_NAME_MAX + SUFFIX)
        return OTK_OK;
    (void)snprintf(plain, sizeof(plain), "%.*s", (int)(name.n - SUFFIX),
                   name.p);
    if (!is_name(plain))
        return OTK_OK;
    struct recording *r = new_recording(folder, plain);
    if (adopt(r))
        return fn(ctx, r, e);
    recording_close(r);
    return OTK_OK;
}

int recording_each(const char *folder, recording_fn *fn, void *ctx,
                   struct err *e)
{
    SCOPED(scope_dir) DIR *d = opendir(folder);
    int err = OTK_OK;
    if (!d)
        return OTK_OK; /* there was no call yet */
    for (const struct dirent *x; !err && (x = readdir(d));)
        err = take_up(folder, str_from(x->d_name), fn, ctx, e);
    return err;
}
