/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/scope.h"
#include "db/db.h"

enum { PATH_BYTES = 4096 + 128, HASH_RAW = 32, TOKEN = 8 };

struct blob_writer {
    char folder[PATH_BYTES]; /* DESK/files */
    char path[PATH_BYTES + 64];
    int fd;
    uint64_t size, max;
    crypto_generichash_state hash;
};

/* Whoever sends a file is told that the disk is full, not where it is. */
static int fail_write(struct err *e, const char *path)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_set(e, OTK_EAGAIN, "the disk is full");
    return err_errno(e, OTK_EIO, "write %s", path);
}

static int make_dir(const char *path, struct err *e)
{
    int r = file_make_dir(path, e);
    return r ? fail_write(e, path) : OTK_OK;
}

int blob_begin(const char *folder, uint64_t max, struct blob_writer **ret,
               struct err *e)
{
    char token[2 * TOKEN + 1];
    struct blob_writer *w = MEM_NEW(struct blob_writer);
    w->fd = -1;
    w->max = max;
    (void)snprintf(w->folder, sizeof(w->folder), "%s/files", folder);
    int r = make_dir(w->folder, e);
    rand_token(token, TOKEN);
    (void)snprintf(w->path, sizeof(w->path), "%s/%s.part", w->folder, token);
    if (!r) {
        w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (w->fd < 0)
            r = fail_write(e, w->path);
    }
    if (r) {
        blob_drop(w);
        return r;
    }
    (void)crypto_generichash_init(&w->hash, NULL, 0, HASH_RAW);
    *ret = w;
    return OTK_OK;
}

int blob_write(struct blob_writer *w, struct str bytes, struct err *e)
{
    if (bytes.n > w->max - w->size)
        return err_set(e, OTK_ELIMIT, "the file has more than %llu bytes",
                       (unsigned long long)w->max);
    (void)crypto_generichash_update(&w->hash, (const unsigned char *)bytes.p,
                                    bytes.n);
    w->size += bytes.n;
    while (bytes.n) {
        ssize_t n = write(w->fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_write(e, w->path);
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OTK_OK;
}

static int sync_folder(const char *path, struct err *e)
{
    SCOPED(scope_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd))
        return fail_write(e, path);
    return OTK_OK;
}

/* Give the temporary file its name, or make the one that has it young. */
static int settle(struct blob_writer *w, const char *hash, struct err *e)
{
    char shelf[PATH_BYTES + 8];
    char path[PATH_BYTES + 80];
    (void)snprintf(shelf, sizeof(shelf), "%s/%.2s", w->folder, hash);
    (void)snprintf(path, sizeof(path), "%s/%s", shelf, hash);
    if (utimensat(AT_FDCWD, path, NULL, 0) == 0) {
        (void)unlink(w->path);
        return OTK_OK;
    }
    int r = make_dir(shelf, e);
    if (r)
        return r;
    if (rename(w->path, path))
        return fail_write(e, path);
    return sync_folder(shelf, e);
}

int blob_finish(struct blob_writer *w, char ret_hash[BLOB_HASH_BYTES],
                uint64_t *ret_size, struct err *e)
{
    unsigned char raw[HASH_RAW];
    (void)crypto_generichash_final(&w->hash, raw, sizeof(raw));
    (void)sodium_bin2hex(ret_hash, BLOB_HASH_BYTES, raw, sizeof(raw));
    *ret_size = w->size;
    int r = fsync(w->fd) ? fail_write(e, w->path) : settle(w, ret_hash, e);
    blob_drop(w);
    return r;
}

void blob_drop(struct blob_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0) {
        (void)close(w->fd);
        (void)unlink(w->path); /* it has its name already, or goes */
    }
    free(w);
}

static bool is_hash(struct str s)
{
    size_t i = 0;
    while (i < s.n && s.p[i] && strchr("0123456789abcdef", s.p[i]))
        i++;
    return i == s.n && s.n == BLOB_HASH_BYTES - 1;
}

static void path_of(const char *folder, struct str hash, char ret[PATH_BYTES])
{
    (void)snprintf(ret, PATH_BYTES, "%s/files/%.2s/" STR_FMT, folder, hash.p,
                   STR_ARG(hash));
}

int blob_open(const char *folder, struct str hash, int *ret_fd,
              uint64_t *ret_size, struct err *e)
{
    char path[PATH_BYTES];
    struct stat st;
    if (!is_hash(hash))
        return err_set(e, OTK_ENOENT, "no such file");
    path_of(folder, hash, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        int r = errno == ENOENT ? OTK_ENOENT : OTK_EIO;
        if (fd >= 0)
            (void)close(fd);
        return err_errno(e, r, "open %s", path);
    }
    *ret_fd = fd;
    *ret_size = (uint64_t)st.st_size;
    return OTK_OK;
}

int blob_remove(const char *folder, struct str hash, struct err *e)
{
    char path[PATH_BYTES];
    if (!is_hash(hash))
        return OTK_OK;
    path_of(folder, hash, path);
    if (unlink(path) && errno != ENOENT)
        return err_errno(e, OTK_EIO, "remove %s", path);
    return OTK_OK;
}

/* ---- sweeping
 * --------------------------------------------------------------------- */

struct sweep {
    struct db_tx *tx;
    time_t before;
    size_t removed;
};

static int is_needed(struct sweep *s, const char *hash, bool *ret,
                     struct err *e)
{
    int64_t n = 0;
    int r = db_int_of(s->tx, &n, e,
                      "SELECT COUNT(*) FROM attachments WHERE hash = ?1", "t",
                      hash);
    *ret = n > 0;
    return r;
}

/* A file of `files` itself (half an upload) or of a shelf (a blob). */
static int sweep_file(struct sweep *s, int folder, const char *name,
                      struct err *e)
{
    struct stat st;
    bool needed = false;
    bool blob = is_hash(str_from(name));
    if (!blob && !str_ends(str_from(name), ".part"))
        return OTK_OK;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) ||
        !S_ISREG(st.st_mode) || st.st_mtime > s->before)
        return OTK_OK;
    int r = blob ? is_needed(s, name, &needed, e) : OTK_OK;
    if (!r && !needed && unlinkat(folder, name, 0) == 0)
        s->removed++;
    return r;
}

static void scope_dir(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

static int sweep_shelf(struct sweep *s, const char *path, struct err *e)
{
    SCOPED(scope_dir) DIR *d = opendir(path);
    if (!d)
        return OTK_OK;
    int r = OTK_OK;
    for (const struct dirent *x; !r && (x = readdir(d));)
        r = sweep_file(s, dirfd(d), x->d_name, e);
    return r;
}

int blob_sweep(struct db_tx *tx, const char *folder, unsigned shelf,
               int64_t age_s, size_t *ret_removed, struct err *e)
{
    char path[PATH_BYTES];
    struct sweep s = {.tx = tx, .before = time(NULL) - (time_t)age_s};
    if (shelf < BLOB_SHELVES - 1)
        (void)snprintf(path, sizeof(path), "%s/files/%02x", folder, shelf);
    else
        (void)snprintf(path, sizeof(path), "%s/files", folder);
    int r = sweep_shelf(&s, path, e);
    *ret_removed += s.removed;
    return r;
}
