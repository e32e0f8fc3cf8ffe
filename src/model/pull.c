/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/scope.h"
#include "model/pull_private.h"
#include "net/download.h"

/* One model on its way. */
struct pulling {
    struct arena *arena;
    const struct pull *p;
    struct hub_listing listing;
    struct pull_report *report;
    const char *begun; /* FOLDER.pull */
    int64_t done;      /* bytes of the files before this one */
    int shown;         /* progress, in thousandths */
};

static struct http_source source_of(const struct pull *p, const char *url)
{
    return (struct http_source){
        .url = url,
        .token = p->token,
        .stall_seconds = p->stall_seconds,
        .cancelled = p->cancelled,
        .ctx = p->ctx,
    };
}

/* ---- what there is ---------------------------------------------------------
 */

/* What a person can do about it, who asked a hub for this model. */
static int advise(const struct pull *p, int status, int r, struct err *e)
{
    enum { ROOM = 130 }; /* the advice must fit */
    char why[ERR_TEXT_MAX - ROOM];
    (void)snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1,
                   e ? e->msg : "");
    if (status == 404)
        return err_set(e, r, "%s: check the name and the revision '%.40s'", why,
                       p->name.revision);
    if (status == 401 || status == 403)
        return err_set(e, r,
                       "%s: no such model, or it is not for everybody: check "
                       "the name, or put a token of the hub into HF_TOKEN",
                       why);
    bool stopped = p->cancelled && p->cancelled(p->ctx);
    if (status == 0 && r == OTK_EAGAIN && !stopped)
        return err_set(e, r,
                       "%s. Another hub: --mirror URL. Without a network: copy "
                       "the folder of a machine that has the model",
                       why);
    return r;
}

static int list(struct pulling *x, struct err *e)
{
    const struct pull *p = x->p;
    struct buf b = BUF_INIT(HUB_LISTING_MAX);
    struct http_source s =
        source_of(p, hub_listing_url(x->arena, p->hub, &p->name));
    struct http_reply reply;
    int r = http_get_text(&s, &b, &reply, e);
    if (r) {
        r = advise(p, reply.status, r, e);
    } else {
        r = hub_listing_read(x->arena, buf_str(&b), &x->listing, e);
        if (r)
            err_place(e, r, "%.120s", s.url);
    }
    buf_free(&b);
    if (!r && x->listing.bytes > p->bytes_max)
        r = err_set(e, OTK_ELIMIT,
                    "%s is %.1f MB, the limit is %.1f MB; allow more with "
                    "--max-mb",
                    p->name.name, (double)x->listing.bytes / 1e6,
                    (double)p->bytes_max / 1e6);
    return r;
}

/* ---- the folder ------------------------------------------------------------
 */

/* Bytes of the files that are there, whole or in part. */
static int64_t bytes_there(struct pulling *x)
{
    int64_t sum = 0;
    for (size_t i = 0; i < x->listing.n; i++) {
        const char *path = x->listing.files[i].path;
        struct stat st;
        const char *whole = arena_printf(x->arena, "%s/%s", x->begun, path);
        const char *part = arena_printf(x->arena, "%s.part", whole);
        if (!stat(whole, &st) || !stat(part, &st))
            sum += st.st_size;
    }
    return sum;
}

static int check_room(struct pulling *x, struct err *e)
{
    struct statvfs disk;
    if (statvfs(x->begun, &disk))
        return err_errno(e, OTK_EIO, "%s", x->begun);
    double room = (double)disk.f_bavail * (double)disk.f_frsize;
    double want = (double)(x->listing.bytes - bytes_there(x));
    if (want > room)
        return err_set(e, OTK_EAGAIN,
                       "%s: %.1f MB are to come and the disk has %.1f MB; make "
                       "room, or choose another place with --to",
                       x->p->folder, want / 1e6, room / 1e6);
    return OTK_OK;
}

/* Lock the folder; `*ret` holds the lock until it is closed, also on failure.
 */
static int lock(const struct pulling *x, int *ret, struct err *e)
{
    struct stat ours;
    struct stat there;
    int fd = open(x->begun, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    *ret = fd;
    if (fd < 0)
        return err_errno(e, OTK_EIO, "%s", x->begun);
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK)
        return err_errno(e, OTK_EIO, "%s: lock", x->begun);
    /* who had the lock may have finished, and renamed it away */
    if (!locked || fstat(fd, &ours) || stat(x->begun, &there) ||
        ours.st_ino != there.st_ino)
        return err_set(e, OTK_EAGAIN,
                       "%s: another `model pull` is at it; wait for that one",
                       x->begun);
    return OTK_OK;
}

/* Go on with what is there, when it is of this model and commit: files of
 * another must not stay. */
static int take_up(struct pulling *x, struct err *e)
{
    struct pull_report *old = MEM_NEW(struct pull_report);
    int r = pulled_read(x->arena, x->begun, old, NULL);
    bool same = !r && strcmp(old->name, x->p->name.name) == 0 &&
                strcmp(old->commit, x->listing.commit) == 0;
    free(old);
    if (same)
        return OTK_OK;
    if (r == OTK_ENOENT && !pulled_is_empty(x->begun))
        return err_set(e, OTK_ECONFLICT,
                       "%s is in the way and was not begun by a pull; remove "
                       "it",
                       x->begun);
    r = file_empty_dir(x->begun, e);
    return r ? r : pulled_write(x->begun, x->report, e);
}

/* ---- fetching --------------------------------------------------------------
 */

static void show(struct pulling *x, int64_t bytes)
{
    enum { THOUSAND = 1000 };
    int64_t all = x->listing.bytes > 0 ? x->listing.bytes : 1;
    double share = (double)(x->done + bytes) / (double)all;
    int now = (int)(share * THOUSAND);
    if (!x->p->progress || now == x->shown)
        return;
    x->shown = now;
    /* the end is shown when the model is in its place */
    if (now < THOUSAND)
        x->p->progress(x->p->ctx, "pulling", share);
}

static void on_progress(void *ctx, int64_t bytes, int64_t total)
{
    (void)total;
    show(ctx, bytes);
}

/* A file of an earlier call that is whole; false: it is to be fetched. */
static bool is_there(const char *path, const struct hub_file *f,
                     struct download_result *ret)
{
    struct download_result there = {.checked = f->sha256[0] != '\0'};
    if (download_sha256(path, &there.bytes, there.sha256, NULL) ||
        there.bytes != f->bytes ||
        (there.checked && strcmp(there.sha256, f->sha256) != 0))
        return false;
    *ret = there;
    return true;
}

static int make_parent(const char *path, struct err *e)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return OTK_OK;
    *slash = '\0';
    return file_make_dir(folder, e);
}

static int fetch(struct pulling *x, const struct hub_file *f, struct err *e)
{
    const struct pull *p = x->p;
    struct pull_report *report = x->report;
    struct download_result got = {0};
    const char *path = pulled_path(x->arena, x->begun, f->path, e);
    int r = path ? make_parent(path, e) : OTK_ELIMIT;
    if (r)
        return r;
    struct download d = {
        .source = source_of(p, hub_file_url(x->arena, p->hub, &p->name,
                                            x->listing.commit, f->path)),
        .path = path,
        .bytes = f->bytes,
        .bytes_max = p->bytes_max,
        .sha256 = f->sha256,
        .progress = on_progress,
        .ctx = x,
    };
    if (!is_there(path, f, &got)) {
        r = download_file(&d, &got, e);
        if (r)
            return got.status == 0 ? r : advise(p, got.status, r, e);
    }
    report->files[report->n++] = (struct pull_file){
        .path = f->path,
        .bytes = got.bytes,
        .sha256 = arena_copy(x->arena, str_from(got.sha256)),
        .checked = got.checked,
    };
    report->bytes += got.bytes;
    report->fetched += got.fetched;
    x->done += got.bytes;
    show(x, 0);
    return OTK_OK;
}

static int finish(struct pulling *x, int folder, struct err *e)
{
    int r = pulled_write(x->begun, x->report, e);
    if (r)
        return r;
    /* the names in it are on the disk before its own is */
    if (fsync(folder) || rename(x->begun, x->p->folder))
        return err_errno(e, OTK_EIO, "%s", x->p->folder);
    if (x->p->progress)
        x->p->progress(x->p->ctx, "pulling", 1);
    return OTK_OK;
}

static int begin(struct pulling *x, int *ret_lock, struct err *e)
{
    int r = file_make_dir(x->begun, e);
    if (!r)
        r = lock(x, ret_lock, e);
    if (r)
        return r;
    r = take_up(x, e);
    return r ? r : check_room(x, e);
}

/* ---- the calls -------------------------------------------------------------
 */

/* OTK_ENOENT: the folder is not there, or empty. */
static int look(struct arena *a, const struct pull *p, struct pull_report *ret,
                struct err *e)
{
    int r = pulled_read(a, p->folder, ret, e);
    if (r == OTK_ENOENT) {
        if (!file_exists(p->folder) || pulled_is_empty(p->folder))
            return OTK_ENOENT;
        return err_set(e, OTK_ECONFLICT,
                       "%s is there and was not pulled from a hub; remove it, "
                       "or choose another place with --to",
                       p->folder);
    }
    if (r)
        return r;
    if (strcmp(ret->name, p->name.name) != 0 ||
        (strcmp(ret->revision, p->name.revision) != 0 &&
         strcmp(ret->commit, p->name.revision) != 0))
        return err_set(e, OTK_ECONFLICT,
                       "%s holds %.80s, revision %.40s; remove it, or choose "
                       "another place with --to",
                       p->folder, ret->name, ret->revision);
    r = pull_verify(a, p->folder, ret, e);
    ret->already = !r;
    return r;
}

static int pull_into(struct arena *a, const struct pull *p,
                     struct pull_report *ret, struct err *e)
{
    struct pulling x = {
        .arena = a, .p = p, .report = ret, .listing.commit = ""};
    SCOPED(scope_close) int held = -1;
    int r = look(a, p, ret, e);
    if (r != OTK_ENOENT)
        return r;
    if (e)
        *e = (struct err){0};
    r = list(&x, e);
    if (r)
        return r;
    *ret = (struct pull_report){
        .name = p->name.name,
        .revision = p->name.revision,
        .commit = x.listing.commit,
        .hub = p->hub,
    };
    x.begun = arena_printf(a, "%s.pull", p->folder);
    r = begin(&x, &held, e);
    for (size_t i = 0; !r && i < x.listing.n; i++)
        r = fetch(&x, &x.listing.files[i], e);
    return r ? r : finish(&x, held, e);
}

int pull_model(struct arena *a, const struct pull *p, struct pull_report *ret,
               struct err *e)
{
    struct pull own = *p;
    struct str folder = str_from(p->folder);
    while (folder.n && folder.p[folder.n - 1] == '/')
        folder.n--; /* or FOLDER.pull would lie in it, not beside it */
    if (!folder.n)
        return err_set(e, OTK_EINVAL, "'%s' is no folder for a model",
                       p->folder);
    own.folder = arena_copy(a, folder);
    return pull_into(a, &own, ret, e);
}
