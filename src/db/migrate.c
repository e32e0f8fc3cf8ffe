/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/embed.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "db/driver.h"

enum { PATH_BYTES = 4096 };

struct upgrade {
    const struct embed *files;
    int64_t from, to;
};

static int64_t number_of(const struct embed *f)
{
    int64_t n = 0;
    (void)str_to_int(str_sub(str_from(f->name), 0, 4), &n);
    return n;
}

static int make_table(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e,
                   "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT "
                   "NOT NULL)",
                   "");
}

static int read_version(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(
        tx, arg, e, "SELECT COALESCE(MAX(version), 0) FROM schema_version", "");
}

int db_version(struct db *db, int64_t *ret, struct err *e)
{
    return db_read(db, 0, read_version, ret, e);
}

/* All steps in one transaction: a half-migrated store does not exist. */
static int run_files(struct db_tx *tx, void *arg, struct err *e)
{
    struct upgrade *u = arg;
    int64_t now;
    int r = read_version(tx, &now, e);
    if (r || now != u->from)
        return r; /* another process was faster */
    for (const struct embed *f = u->files; f->name; f++) {
        if (number_of(f) <= u->from)
            continue;
        r = tx->ops->script(tx, embed_bytes(f), e);
        if (r)
            return err_wrap(e, r, "migration %s", f->name);
    }
    r = db_exec(tx, e, "DELETE FROM schema_version", "");
    if (!r)
        r = db_exec(tx, e, "INSERT INTO schema_version (version) VALUES (?1)",
                    "i", u->to);
    return r;
}

static int backup_first(struct db *db, const char *dir, int64_t version,
                        struct err *e)
{
    int r = file_make_dir(dir, e);
    if (r)
        return r;
    char when[TIME_TEXT];
    time_print(clock_wall(&clock_real), when);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/before-upgrade-%lld-%s.db", dir,
                   (long long)version, when);
    log_info("db", "schema %lld: backup to %s", (long long)version, path);
    return db_backup(db, path, e);
}

int db_migrate(struct db *db, const struct embed *files, const char *backup_dir,
               struct err *e)
{
    struct upgrade u = {.files = files};
    for (const struct embed *f = files; f->name; f++)
        u.to = number_of(f) > u.to ? number_of(f) : u.to;
    int r = db_write(db, 0, make_table, NULL, e);
    if (!r)
        r = db_version(db, &u.from, e);
    if (r)
        return r;
    if (u.from > u.to)
        return err_set(e, OTK_EDENIED,
                       "the store has schema %lld, this program knows %lld; "
                       "use a newer otklik",
                       (long long)u.from, (long long)u.to);
    if (u.from == u.to)
        return OTK_OK;
    if (u.from > 0 && backup_dir)
        r = backup_first(db, backup_dir, u.from, e);
    enum { LONG_MS = 600000 };
    return r ? r : db_write(db, LONG_MS, run_files, &u, e);
}
