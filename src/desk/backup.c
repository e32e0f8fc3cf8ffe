/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/backup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "db/db.h"
#include "desk/desk.h"

enum { PATH_BYTES = 4096 + 256, DEPTH_MAX = 8 };

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int join(char ret[PATH_BYTES], const char *folder, const char *name,
                struct err *e)
{
    int n = snprintf(ret, PATH_BYTES, "%s/%s", folder, name);
    return n < 0 || n >= PATH_BYTES
               ? err_set(e, OTK_EINVAL, "the path %s/… is too long", folder)
               : OTK_OK;
}

/* ---- trees
 * ------------------------------------------------------------------------- */

typedef int entry_fn(const char *from, const char *to, int depth,
                     struct err *e);

/* `fn` for every entry of the folder; fine when it is not there. */
static int each_entry(const char *from, const char *to, int depth, entry_fn *fn,
                      struct err *e)
{
    DIR *d = opendir(from);
    if (!d)
        return errno == ENOENT ? OTK_OK : err_errno(e, OTK_EIO, "%s", from);
    int r = OTK_OK;
    for (const struct dirent *x; !r && (x = readdir(d));) {
        char a[PATH_BYTES];
        char b[PATH_BYTES];
        struct str name = str_from(x->d_name);
        /* what is not whole yet: uploads, and models on their way */
        if (name.p[0] == '.' || str_ends(name, ".part") ||
            str_ends(name, ".pull") || str_ends(name, ".checkpoint"))
            continue;
        r = join(a, from, x->d_name, e);
        if (!r)
            r = join(b, to, x->d_name, e);
        if (!r)
            r = fn(a, b, depth, e);
    }
    (void)closedir(d);
    return r;
}

/* Blobs never change: another name for one is as good as a copy. */
static int link_entry(const char *from, const char *to, int depth,
                      struct err *e)
{
    if (depth < DEPTH_MAX && is_folder(from)) {
        int r = file_make_dir(to, e);
        return r ? r : each_entry(from, to, depth + 1, link_entry, e);
    }
    if (link(from, to) == 0 || errno == EEXIST)
        return OTK_OK;
    return file_copy(from, to, e);
}

static int copy_entry(const char *from, const char *to, int depth,
                      struct err *e)
{
    if (depth < DEPTH_MAX && is_folder(from)) {
        int r = file_make_dir(to, e);
        return r ? r : each_entry(from, to, depth + 1, copy_entry, e);
    }
    return file_copy(from, to, e);
}

static int take_tree(const char *from, const char *to, const char *name,
                     entry_fn *fn, struct err *e)
{
    char a[PATH_BYTES];
    char b[PATH_BYTES];
    int r = join(a, from, name, e);
    if (!r)
        r = join(b, to, name, e);
    if (r || !is_folder(a))
        return r;
    r = file_make_dir(b, e);
    return r ? r : each_entry(a, b, 0, fn, e);
}

static int take_file(const char *from, const char *to, const char *name,
                     struct err *e)
{
    char a[PATH_BYTES];
    char b[PATH_BYTES];
    int r = join(a, from, name, e);
    if (!r)
        r = join(b, to, name, e);
    return r || !file_exists(a) ? r : file_copy(a, b, e);
}

/* ---- making one
 * --------------------------------------------------------------------- */

/* The store before the files: whatever its rows name is there. */
static int fill(struct desk *d, const char *to, struct err *e)
{
    char path[PATH_BYTES];
    const char *from = desk_folder(d);
    int r = join(path, to, "otklik.db", e);
    if (!r)
        r = db_backup(desk_db(d), path, e);
    if (!r)
        r = take_file(from, to, "otklik.yaml", e);
    if (!r)
        r = take_file(from, to, "phone.yaml", e);
    if (!r)
        r = take_tree(from, to, "models", copy_entry, e);
    return r ? r : take_tree(from, to, "files", link_entry, e);
}

int backup_make(struct desk *d, const char *folder, struct err *e)
{
    char part[PATH_BYTES];
    if (file_exists(folder))
        return err_set(e, OTK_ECONFLICT, "%s exists already", folder);
    int n = snprintf(part, sizeof(part), "%s.part", folder);
    if (n < 0 || (size_t)n >= sizeof(part))
        return err_set(e, OTK_EINVAL, "the path of the backup is too long");
    if (file_exists(part))
        return err_set(e, OTK_ECONFLICT,
                       "%s is left of a backup that did not get to its end: "
                       "remove it",
                       part);
    int r = file_make_dir(part, e);
    if (!r)
        r = fill(d, part, e);
    if (!r && rename(part, folder))
        r = err_errno(e, OTK_EIO, "rename %s", part);
    return r;
}

/* ---- taking it back
 * ------------------------------------------------------------------- */

/* Is it a sound store that this program can read? */
static int check_store(const char *path, const char *named, struct err *e)
{
    static const char *const beside[] = {"-wal", "-shm"};
    struct db *db = NULL;
    struct db_options o = {.read_only = true};
    int r = db_open(path, &o, &db, e);
    if (!r)
        r = db_verify(db, e);
    if (!r) /* an empty file is a sound store, too */
        r = db_migratable(db, db_migrations, e);
    db_close(db);
    for (int i = 0; i < 2; i++) {
        char extra[PATH_BYTES + 16];
        (void)snprintf(extra, sizeof(extra), "%s%s", path, beside[i]);
        (void)unlink(extra);
    }
    return r ? err_wrap(e, r, "%s is no usable backup", named) : OTK_OK;
}

/* The old store with its log: what a crash left in the log stays with it. */
static int set_aside(const char *path, const char *when, struct err *e)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char from[PATH_BYTES + 8];
        char to[PATH_BYTES + 80];
        (void)snprintf(from, sizeof(from), "%s%s", path, parts[i]);
        (void)snprintf(to, sizeof(to), "%s.before-restore-%s%s", path, when,
                       parts[i]);
        if (file_exists(from) && rename(from, to))
            return err_errno(e, OTK_EIO, "rename %s", from);
    }
    return OTK_OK;
}

/* Models that are there go aside, files stay: they are named by content. */
static int restore_rest(const char *folder, const char *from, const char *when,
                        struct err *e)
{
    char models[PATH_BYTES];
    char theirs[PATH_BYTES];
    char settings[PATH_BYTES];
    char script[PATH_BYTES];
    int r = join(models, folder, "models", e);
    if (!r)
        r = join(theirs, from, "models", e);
    if (!r)
        r = join(settings, folder, "otklik.yaml", e);
    if (!r)
        r = join(script, folder, "phone.yaml", e);
    if (!r && is_folder(theirs))
        r = set_aside(models, when, e);
    if (!r)
        r = take_tree(from, folder, "models", copy_entry, e);
    if (!r && !file_exists(settings))
        r = take_file(from, folder, "otklik.yaml", e);
    if (!r && !file_exists(script))
        r = take_file(from, folder, "phone.yaml", e);
    return r ? r : take_tree(from, folder, "files", link_entry, e);
}

int backup_restore(const char *folder, const char *from, bool force,
                   struct err *e)
{
    char store[PATH_BYTES];
    char part[PATH_BYTES + 8];
    char source[PATH_BYTES];
    char when[TIME_TEXT];
    bool whole = is_folder(from);
    time_print(clock_wall(&clock_real), when);
    int r = join(store, folder, "otklik.db", e);
    (void)snprintf(part, sizeof(part), "%s.part", store);
    if (!r && whole)
        r = join(source, from, "otklik.db", e);
    else
        (void)snprintf(source, sizeof(source), "%s", from);
    if (!r && file_exists(store) && !force)
        r = err_set(e, OTK_ECONFLICT,
                    "%s exists; stop the desk and say --force: it is kept "
                    "under another name",
                    store);
    if (!r)
        r = file_make_dir(folder, e);
    if (!r)
        r = file_copy(source, part, e);
    if (!r && (r = check_store(part, source, e)))
        (void)unlink(part);
    if (!r)
        r = set_aside(store, when, e);
    if (!r && rename(part, store))
        r = err_errno(e, OTK_EIO, "rename %s", part);
    return r || !whole ? r : restore_rest(folder, from, when, e);
}
