/* SPDX-License-Identifier: Apache-2.0 */
/* otklik restore: a backup takes the place of the store. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/cli.h"
#include "db/db.h"
#include "desk/desk.h"

enum { PATH_BYTES = 4096 };

/* Is it a sound store that this program can read? */
static int check_backup(const char *path, struct err *e)
{
    struct db *db = NULL;
    struct db_options o = {.read_only = true};
    int64_t version = 0;
    int r = db_open(path, &o, &db, e);
    if (!r)
        r = db_verify(db, e);
    if (!r)
        r = db_version(db, &version, e);
    db_close(db);
    return r ? err_wrap(e, r, "%s is no usable backup", path) : OTK_OK;
}

/* The old store with its log: what a crash left in the log stays with it. */
static int set_aside(const char *store, const char *kept, struct err *e)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char from[PATH_BYTES + 8];
        char to[PATH_BYTES + 80];
        (void)snprintf(from, sizeof(from), "%s%s", store, parts[i]);
        (void)snprintf(to, sizeof(to), "%s%s", kept, parts[i]);
        if (file_exists(from) && rename(from, to))
            return err_errno(e, OTK_EIO, "rename %s", from);
    }
    return OTK_OK;
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    char store[PATH_BYTES];
    char kept[PATH_BYTES + 64];
    char when[TIME_TEXT];
    struct db *from = NULL;
    struct db_options read_only = {.read_only = true};
    const char *backup = a->words[0];
    (void)snprintf(store, sizeof(store), "%s/otklik.db", cli_folder(a));
    time_print(clock_wall(&clock_real), when);
    (void)snprintf(kept, sizeof(kept), "%s.before-restore-%s", store, when);
    int r = check_backup(backup, &e);
    if (!r && file_exists(store) && !args_has(a, "force"))
        r = err_set(&e, OTK_ECONFLICT,
                    "%s exists; stop the desk and say --force: it is kept as "
                    "%s",
                    store, kept);
    if (!r)
        r = set_aside(store, kept, &e);
    if (!r)
        r = db_open(backup, &read_only, &from, &e);
    if (!r)
        r = db_backup(from, store, &e);
    db_close(from);
    if (r)
        return cli_fail(r, &e);
    (void)printf("%s is restored from %s\n", store, backup);
    return EXIT_OK;
}

static const struct arg_option options[] = {
    {0, "force", NULL, "put it in the place of a store; the old one is kept"},
    {0},
};

const struct arg_command cmd_restore = {
    .name = "restore",
    .words = "BACKUP",
    .min_words = 1,
    .max_words = 1,
    .summary = "Put a backup in the place of the store",
    .about = "Stop the desk first. The store that was there is kept beside "
             "it.\n",
    .options = options,
    .run = run,
};
