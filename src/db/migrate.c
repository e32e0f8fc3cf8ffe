/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/embed.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/driver.h"

enum { PATH_BYTES = 4096, DIGITS = 4, LONG_MS = 600000 };

/* "0012_name.sql" is 12. */
static int64_t number_of(const struct embed *f)
{
    int64_t n = 0;
    if (str_to_int(str_sub(str_from(f->name), 0, DIGITS), &n) || n <= 0)
        bug("the migration %s has no number", f->name);
    return n;
}

static int64_t newest(const struct embed *files)
{
    int64_t n = 0;
    for (const struct embed *f = files; f->name; f++) {
        if (number_of(f) <= n)
            bug("the migration %s is out of order", f->name);
        n = number_of(f);
    }
    return n;
}

struct state {
    int64_t tables;  /* of anybody */
    int64_t version; /* 0: none of ours */
};

static int read_state(struct db_tx *tx, void *arg, struct err *e)
{
    struct state *s = arg;
    int64_t ours = 0;
    s->version = 0;
    int r = tx->ops->tables(tx, NULL, &s->tables, e);
    if (!r)
        r = tx->ops->tables(tx, "schema_version", &ours, e);
    if (!r && ours)
        r = db_int_of(tx, &s->version, e,
                      "SELECT COALESCE(MAX(version), 0) FROM schema_version",
                      "");
    return r;
}

int db_version(struct db *db, int64_t *ret, struct err *e)
{
    struct state s = {0};
    int r = db_read(db, 0, read_state, &s, e);
    if (!r)
        *ret = s.version;
    return r;
}

static int check_state(const struct state *s, int64_t to, struct err *e)
{
    if (s->version > to)
        return err_set(e, OTK_EDENIED,
                       "the store has schema %lld, this program knows %lld; "
                       "use a newer otklik",
                       (long long)s->version, (long long)to);
    if (s->version == 0 && s->tables > 0)
        return err_set(e, OTK_EDENIED,
                       "this database belongs to another program; give Otklik "
                       "one of its own");
    return OTK_OK;
}

int db_migratable(struct db *db, const struct embed *files, struct err *e)
{
    struct state s = {0};
    int r = db_read(db, 0, read_state, &s, e);
    if (!r)
        r = check_state(&s, newest(files), e);
    return r || s.version ? r : err_set(e, OTK_ENOENT, "nothing is in it");
}

static int store_version(struct db_tx *tx, int64_t version, struct err *e)
{
    int r = db_exec(tx, e,
                    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT "
                    "NOT NULL)",
                    "");
    if (!r)
        r = db_exec(tx, e, "DELETE FROM schema_version", "");
    if (!r)
        r = db_exec(tx, e, "INSERT INTO schema_version (version) VALUES (?1)",
                    "i", version);
    return r;
}

/* All steps in one transaction: a half-migrated store does not exist. What
 * another process did in the meantime is seen here. */
static int run_files(struct db_tx *tx, void *arg, struct err *e)
{
    const struct embed *files = arg;
    struct state s = {0};
    int r = read_state(tx, &s, e);
    if (!r)
        r = check_state(&s, newest(files), e);
    for (const struct embed *f = files; !r && f->name; f++) {
        if (number_of(f) <= s.version)
            continue;
        r = tx->ops->script(tx, embed_bytes(f), e);
        if (r)
            return err_wrap(e, r, "migration %s", f->name);
    }
    return r ? r : store_version(tx, newest(files), e);
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
    int n = snprintf(path, sizeof(path), "%s/before-upgrade-%lld-%s.db", dir,
                     (long long)version, when);
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_set(e, OTK_EINVAL, "the path of the backups is too long");
    log_info("db", "schema %lld: backup to %s", (long long)version, path);
    return db_backup(db, path, e);
}

int db_migrate(struct db *db, const struct embed *files, const char *backup_dir,
               struct err *e)
{
    struct state s = {0};
    int64_t to = newest(files);
    int r = db_read(db, 0, read_state, &s, e);
    if (!r)
        r = check_state(&s, to, e);
    if (r || s.version == to)
        return r;
    if (s.version > 0 && backup_dir)
        r = backup_first(db, backup_dir, s.version, e);
    union {
        const struct embed *files;
        void *arg;
    } u = {.files = files};
    return r ? r : db_upgrade(db, LONG_MS, run_files, u.arg, e);
}
