/* SPDX-License-Identifier: Apache-2.0 */
/* What pulled.json says, and whether it is so. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "model/pull_private.h"
#include "net/download.h"

enum { PULLED_BYTES = 1 << 18, FILE_MODE = 0640 };

const char *pulled_path(struct arena *a, const char *folder, const char *path,
                        struct err *e)
{
    enum { ENDS = 32 }; /* ".part.etag.tmp123" must fit too */
    const char *s = arena_printf(a, "%s/%s", folder, path);
    if (strlen(s) < PATH_MAX - ENDS)
        return s;
    (void)err_set(e, OTK_ELIMIT, "%.80s…: path too long", folder);
    return NULL;
}

/* ---- writing ---------------------------------------------------------------
 */

static void put_field(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, "\"%s\":", name);
    json_put_text(b, str_from(value));
}

int pulled_write(const char *folder, const struct pull_report *x, struct err *e)
{
    char path[PATH_MAX];
    struct buf b = BUF_INIT(PULLED_BYTES);
    const struct {
        const char *name, *value;
    } top[] = {{"name", x->name},
               {"revision", x->revision},
               {"commit", x->commit},
               {"hub", x->hub}};
    for (size_t i = 0; i < sizeof(top) / sizeof(top[0]); i++) {
        buf_puts(&b, i ? ",\n " : "{");
        put_field(&b, top[i].name, top[i].value);
    }
    buf_puts(&b, ",\n \"files\":[");
    for (size_t i = 0; i < x->n; i++) {
        const struct pull_file *f = &x->files[i];
        buf_puts(&b, i ? ",\n  {" : "\n  {");
        put_field(&b, "path", f->path);
        buf_printf(&b, ",\"size\":%lld,", (long long)f->bytes);
        put_field(&b, "sha256", f->sha256);
        buf_printf(&b, ",\"checked_by\":\"%s\"}",
                   f->checked ? "sha256" : "size");
    }
    buf_puts(&b, "]}\n");
    (void)snprintf(path, sizeof(path), "%s/" PULLED, folder);
    int r = buf_check(&b);
    r = r ? err_set(e, r, "%s: too long", path)
          : file_write(path, buf_str(&b), FILE_MODE, e);
    buf_free(&b);
    return r;
}

/* ---- reading ---------------------------------------------------------------
 */

static int text_of(struct arena *a, const json_t *o, const char *name,
                   const char **ret, struct err *e)
{
    struct json_want w = {name, true, 1, PATH_MAX};
    struct str s;
    int r = json_text(o, &w, &s, e);
    if (!r)
        *ret = arena_copy(a, s);
    return r;
}

static int read_file(struct arena *a, const json_t *o, struct pull_file *ret,
                     struct err *e)
{
    static const struct json_want size = {"size", true, 0, INT64_MAX};
    const char *by;
    int r = text_of(a, o, "path", &ret->path, e);
    if (!r)
        r = json_whole(o, &size, &ret->bytes, e);
    if (!r)
        r = text_of(a, o, "sha256", &ret->sha256, e);
    if (!r)
        r = text_of(a, o, "checked_by", &by, e);
    if (!r)
        ret->checked = strcmp(by, "sha256") == 0;
    return r;
}

static int read_report(struct arena *a, const json_t *top,
                       struct pull_report *ret, struct err *e)
{
    int r = text_of(a, top, "name", &ret->name, e);
    if (!r)
        r = text_of(a, top, "revision", &ret->revision, e);
    if (!r)
        r = text_of(a, top, "commit", &ret->commit, e);
    if (!r)
        r = text_of(a, top, "hub", &ret->hub, e);
    const json_t *files = json_object_get(top, "files");
    size_t n = json_array_size(files);
    if (!r && (!json_is_array(files) || n > HUB_FILES_MAX))
        r = err_field(e, OTK_EFORMAT, "files", "must be a list of at most %d",
                      HUB_FILES_MAX);
    for (size_t i = 0; !r && i < n; i++) {
        r = read_file(a, json_array_get(files, i), &ret->files[i], e);
        if (!r)
            ret->bytes += ret->files[ret->n++].bytes;
    }
    return r;
}

int pulled_read(struct arena *a, const char *folder, struct pull_report *ret,
                struct err *e)
{
    struct buf b = BUF_INIT(PULLED_BYTES);
    SCOPED(scope_json) json_t *top = NULL;
    const char *path = pulled_path(a, folder, PULLED, e);
    *ret = (struct pull_report){0};
    if (!path)
        return OTK_ELIMIT;
    int r = file_read(path, &b, e);
    if (!r) {
        r = json_read(buf_str(&b), PULLED_BYTES, &top, e);
        if (!r)
            r = read_report(a, top, ret, e);
        if (r)
            r = err_place(e, OTK_EFORMAT, "%s", path);
    }
    buf_free(&b);
    return r;
}

int pull_verify(struct arena *a, const char *folder, struct pull_report *ret,
                struct err *e)
{
    int r = pulled_read(a, folder, ret, e);
    for (size_t i = 0; !r && i < ret->n; i++) {
        const struct pull_file *f = &ret->files[i];
        char sha256[SHA256_HEX];
        int64_t bytes;
        const char *path = pulled_path(a, folder, f->path, e);
        r = path ? download_sha256(path, &bytes, sha256, e) : OTK_ELIMIT;
        if (!r && (bytes != f->bytes || strcmp(sha256, f->sha256) != 0))
            r = err_set(e, OTK_EFORMAT, "%s: not as it was pulled", path);
        if (r)
            r = err_wrap(e, OTK_EFORMAT,
                         "the model is damaged; remove its folder and pull "
                         "again");
    }
    return r;
}

/* ---- folders
 * ------------------------------------------------------------------------- */

bool pulled_is_empty(const char *folder)
{
    DIR *d = opendir(folder);
    const struct dirent *x;
    bool empty = d != NULL;
    while (empty && (x = readdir(d)))
        empty = strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0;
    if (d)
        (void)closedir(d);
    return empty;
}
