/* SPDX-License-Identifier: Apache-2.0 */
#include "db/jobs.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "db/db.h"

int job_push(struct db_tx *tx, const struct job_new *j, int64_t now_ms,
             int64_t *ret_id, struct err *e)
{
    int64_t id = 0;
    int r = db_int_of(
        tx, &id, e,
        "INSERT INTO jobs (kind, payload, dedup, state, run_at, max_attempts, "
        "created_at) VALUES (?1, ?2, ?3, 'waiting', ?4, ?5, ?6) "
        "ON CONFLICT DO NOTHING RETURNING id",
        "tstiii", j->kind, j->payload.n ? j->payload : STR("{}"), j->dedup,
        j->run_at ? j->run_at : now_ms,
        (int64_t)(j->max_attempts ? j->max_attempts : JOB_ATTEMPTS), now_ms);
    if (r && r != OTK_ENOENT)
        return r;
    if (ret_id)
        *ret_id = id;
    return OTK_OK;
}

struct take {
    const char *owner;
    const char *const *kinds;
    int64_t now, until;
    struct arena *arena;
    struct job *jobs;
    size_t max, n;
};

static bool wanted(const struct take *t, struct str kind)
{
    if (!t->kinds)
        return true;
    for (const char *const *k = t->kinds; *k; k++) {
        if (str_is(kind, *k))
            return true;
    }
    return false;
}

/* A lease that ran out counts as a failed attempt. */
static int free_expired(struct db_tx *tx, int64_t now, struct err *e)
{
    int r = db_exec(tx, e,
                    "UPDATE jobs SET state = 'dead', lease_owner = NULL, "
                    "lease_until = NULL, last_error = 'its worker died' WHERE "
                    "state = 'running' AND lease_until <= ?1 AND attempts >= "
                    "max_attempts",
                    "i", now);
    if (r)
        return r;
    return db_exec(tx, e,
                   "UPDATE jobs SET state = 'waiting', dedup = NULL, "
                   "lease_owner = NULL, lease_until = NULL, run_at = ?1 WHERE "
                   "state = 'running' AND lease_until <= ?1",
                   "i", now);
}

static int find_due(struct db_tx *tx, struct take *t, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT id, kind, payload, attempts, max_attempts FROM "
                     "jobs WHERE state = 'waiting' AND run_at <= ?1 ORDER BY "
                     "run_at, id LIMIT 1000",
                     "i", t->now);
    if (r)
        return r;
    t->n = 0;
    while (t->n < t->max && (r = db_next(rows, e)) > 0) {
        struct str kind = db_text(rows, 1);
        if (!wanted(t, kind))
            continue;
        t->jobs[t->n++] = (struct job){
            .id = db_int(rows, 0),
            .kind = arena_copy(t->arena, kind),
            .payload = arena_str(t->arena, db_text(rows, 2)),
            .attempt = (int)db_int(rows, 3) + 1,
            .max_attempts = (int)db_int(rows, 4),
        };
    }
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int take(struct db_tx *tx, void *arg, struct err *e)
{
    struct take *t = arg;
    int r = free_expired(tx, t->now, e);
    if (!r)
        r = find_due(tx, t, e);
    for (size_t i = 0; !r && i < t->n; i++)
        r = db_exec(tx, e,
                    "UPDATE jobs SET state = 'running', attempts = attempts + "
                    "1, lease_owner = ?2, lease_until = ?3 WHERE id = ?1",
                    "iti", t->jobs[i].id, t->owner, t->until);
    return r;
}

/* Look before locking: an idle runner must not write. */
static int any_due(struct db_tx *tx, void *arg, struct err *e)
{
    struct take *t = arg;
    int64_t n = 0;
    int r = db_int_of(tx, &n, e,
                      "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE "
                      "state = 'waiting' AND run_at <= ?1 LIMIT 1)) + (SELECT "
                      "COUNT(*) FROM (SELECT 1 FROM jobs WHERE state = "
                      "'running' AND lease_until <= ?1 LIMIT 1))",
                      "i", t->now);
    t->n = (size_t)n;
    return r;
}

int job_take(struct db *db, const char *owner, const char *const *kinds,
             int64_t now_ms, int lease_ms, struct arena *a, struct job *ret,
             size_t max, size_t *ret_n, struct err *e)
{
    struct take t = {
        .owner = owner,
        .kinds = kinds,
        .now = now_ms,
        .until = now_ms + (lease_ms ? lease_ms : JOB_LEASE_MS),
        .arena = a,
        .jobs = ret,
        .max = max,
    };
    *ret_n = 0;
    int r = db_read(db, 0, any_due, &t, e);
    if (!r && t.n)
        r = db_write(db, 0, take, &t, e);
    if (!r)
        *ret_n = t.n;
    return r;
}

static int one_row(int r, int64_t changed, struct err *e)
{
    if (!r && changed != 1)
        return err_set(e, OTK_ECONFLICT, "the lease on this job was lost");
    return r;
}

int job_done(struct db_tx *tx, int64_t id, const char *owner, struct err *e)
{
    int64_t n;
    int r = db_change(tx, &n, e,
                      "DELETE FROM jobs WHERE id = ?1 AND lease_owner = ?2 AND "
                      "state = 'running'",
                      "it", id, owner);
    return one_row(r, n, e);
}

int job_bury(struct db_tx *tx, int64_t id, const char *owner, const char *why,
             struct err *e)
{
    int64_t n;
    int r = db_change(tx, &n, e,
                      "UPDATE jobs SET state = 'dead', lease_owner = NULL, "
                      "lease_until = NULL, last_error = ?3 WHERE id = ?1 AND "
                      "lease_owner = ?2 AND state = 'running'",
                      "itt", id, owner, why);
    return one_row(r, n, e);
}

/* Doubling, up to an hour, and up to a half more by chance, so that jobs
 * which failed together do not come back together. */
static int64_t pause_ms(int attempt)
{
    int64_t ms = JOB_BACKOFF_MS;
    for (int i = 1; i < attempt && ms < JOB_BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > JOB_BACKOFF_MAX_MS)
        ms = JOB_BACKOFF_MAX_MS;
    char hex[9];
    rand_token(hex, 4);
    uint64_t by_chance = str_hash(str_from(hex)) % (uint64_t)(ms / 2);
    return ms + (int64_t)by_chance;
}

int job_fail(struct db_tx *tx, const struct job *j, const char *owner,
             const char *why, int64_t now_ms, struct err *e)
{
    if (j->attempt >= j->max_attempts)
        return job_bury(tx, j->id, owner, why, e);
    int64_t n;
    int r = db_change(tx, &n, e,
                      "UPDATE jobs SET state = 'waiting', dedup = NULL, "
                      "lease_owner = NULL, lease_until = NULL, run_at = ?4, "
                      "last_error = ?3 WHERE id = ?1 AND lease_owner = ?2 AND "
                      "state = 'running'",
                      "itti", j->id, owner, why, now_ms + pause_ms(j->attempt));
    return one_row(r, n, e);
}

int job_requeue(struct db_tx *tx, int64_t id, int64_t now_ms, struct err *e)
{
    int64_t n;
    int r = db_change(tx, &n, e,
                      "UPDATE jobs SET state = 'waiting', dedup = NULL, "
                      "attempts = 0, run_at = ?2 WHERE id = ?1 AND state = "
                      "'dead'",
                      "ii", id, now_ms);
    if (!r && n != 1)
        return err_set(e, OTK_ENOENT, "no dead letter has this number");
    return r;
}
