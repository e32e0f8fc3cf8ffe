/* SPDX-License-Identifier: Apache-2.0 */
#include "db/jobs.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
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
    int64_t *run_at; /* of each of `jobs` */
    size_t max, n;
};

/* ---- leases that ran out ---- */

/* A job goes back to the waiting ones without its key when another waits by
 * it: one of them would do, but their payloads may differ. */
#define FREE_KEY                                                               \
    "CASE WHEN EXISTS (SELECT 1 FROM jobs other WHERE other.state = "          \
    "'waiting' AND other.dedup = jobs.dedup) THEN NULL ELSE dedup END"

static int wait_again(struct db_tx *tx, int64_t id, const char *owner,
                      const char *why, int64_t run_at, int64_t *ret_changed,
                      struct err *e)
{
    return db_change(
        tx, ret_changed, e,
        "UPDATE jobs SET state = 'waiting', dedup = " FREE_KEY
        ", lease_owner = NULL, lease_until "
        "= NULL, run_at = ?4, last_error = ?3 WHERE id = ?1 AND lease_owner = "
        "?2 AND state = 'running'",
        "itti", id, owner, why, run_at);
}

struct expired {
    int64_t id;
    bool is_last; /* it has no attempt left */
    char owner[JOB_OWNER_BYTES];
};

static const char died[] = "its worker died or was too slow";

static int free_one(struct db_tx *tx, const struct expired *x, int64_t now,
                    struct err *e)
{
    int64_t n;
    return x->is_last ? job_bury(tx, x->id, x->owner, died, e)
                      : wait_again(tx, x->id, x->owner, died, now, &n, e);
}

/* One that ran out counts as a failed attempt. A few at a time will do: each
 * job_take() comes by. */
static int free_expired(struct db_tx *tx, int64_t now, struct err *e)
{
    enum { AT_ONCE = 64 };
    struct expired found[AT_ONCE];
    size_t n = 0;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT id, CASE WHEN attempts >= max_attempts THEN 1 "
                     "ELSE 0 END, lease_owner FROM "
                     "jobs WHERE state = 'running' AND lease_until <= ?1 ORDER "
                     "BY lease_until LIMIT 64",
                     "i", now);
    if (r)
        return r;
    while (n < AT_ONCE && (r = db_next(rows, e)) > 0) {
        struct expired *x = &found[n++];
        struct str owner = db_text(rows, 2);
        *x = (struct expired){.id = db_int(rows, 0),
                              .is_last = db_int(rows, 1) != 0};
        if (owner.n >= sizeof(x->owner))
            bug("the owner of job %lld has a long name", (long long)x->id);
        memcpy(x->owner, owner.p, owner.n);
    }
    db_rows_free(rows);
    for (size_t i = 0; r >= 0 && i < n; i++)
        r = free_one(tx, &found[i], now, e);
    return r < 0 ? r : OTK_OK;
}

/* ---- taking ---- */

/* Put it in its place by run_at; the last one falls out of a full list. */
static void offer(struct take *t, const struct db_rows *rows)
{
    int64_t run_at = db_int(rows, 5);
    size_t at = t->n;
    while (at > 0 && t->run_at[at - 1] > run_at)
        at--;
    if (at == t->max)
        return;
    size_t moved = (t->n < t->max ? t->n : t->max - 1) - at;
    memmove(&t->jobs[at + 1], &t->jobs[at], moved * sizeof(t->jobs[0]));
    memmove(&t->run_at[at + 1], &t->run_at[at], moved * sizeof(t->run_at[0]));
    t->run_at[at] = run_at;
    t->jobs[at] = (struct job){
        .id = db_int(rows, 0),
        .kind = arena_copy(t->arena, db_text(rows, 1)),
        .payload = arena_str(t->arena, db_text(rows, 2)),
        .attempt = (int)db_int(rows, 3) + 1,
        .max_attempts = (int)db_int(rows, 4),
    };
    t->n += t->n < t->max;
}

/* Kind by kind, so that a heap of jobs of other kinds is not walked over. */
static int find_due(struct db_tx *tx, struct take *t, const char *kind,
                    struct err *e)
{
    struct db_rows *rows;
    int64_t max = (int64_t)t->max;
    int r = kind ? db_query(tx, &rows, e,
                            "SELECT id, kind, payload, attempts, max_attempts, "
                            "run_at FROM jobs WHERE state = 'waiting' AND kind "
                            "= ?1 AND run_at <= ?2 ORDER BY run_at, id LIMIT "
                            "?3",
                            "tii", kind, t->now, max)
                 : db_query(tx, &rows, e,
                            "SELECT id, kind, payload, attempts, max_attempts, "
                            "run_at FROM jobs WHERE state = 'waiting' AND "
                            "run_at <= ?1 ORDER BY run_at, id LIMIT ?2",
                            "ii", t->now, max);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        offer(t, rows);
    db_rows_free(rows);
    return r;
}

static int take(struct db_tx *tx, void *arg, struct err *e)
{
    struct take *t = arg;
    t->n = 0;
    int r = free_expired(tx, t->now, e);
    if (!r && !t->kinds)
        r = find_due(tx, t, NULL, e);
    for (const char *const *k = t->kinds; !r && k && *k; k++)
        r = find_due(tx, t, *k, e);
    for (size_t i = 0; !r && i < t->n; i++)
        r = db_exec(tx, e,
                    "UPDATE jobs SET state = 'running', attempts = attempts + "
                    "1, lease_owner = ?2, lease_until = ?3 WHERE id = ?1",
                    "iti", t->jobs[i].id, t->owner, t->until);
    return r;
}

static int found(int r, bool *ret)
{
    if (r == OTK_ENOENT)
        return OTK_OK;
    *ret |= r == OTK_OK;
    return r;
}

struct look {
    const char *const *kinds;
    int64_t now;
    bool any;
};

/* Look before locking: an idle runner must not write. */
static int look(struct db_tx *tx, void *arg, struct err *e)
{
    struct look *l = arg;
    int64_t id;
    l->any = false;
    int r = found(db_int_of(tx, &id, e,
                            "SELECT id FROM jobs WHERE state = 'running' AND "
                            "lease_until <= ?1 LIMIT 1",
                            "i", l->now),
                  &l->any);
    if (!r && !l->any && !l->kinds)
        r = found(db_int_of(tx, &id, e,
                            "SELECT id FROM jobs WHERE state = 'waiting' AND "
                            "run_at <= ?1 LIMIT 1",
                            "i", l->now),
                  &l->any);
    for (const char *const *k = l->kinds; !r && !l->any && k && *k; k++)
        r = found(db_int_of(tx, &id, e,
                            "SELECT id FROM jobs WHERE state = 'waiting' AND "
                            "kind = ?1 AND run_at <= ?2 LIMIT 1",
                            "ti", *k, l->now),
                  &l->any);
    return r;
}

int job_take(struct db *db, const char *owner, const char *const *kinds,
             int64_t now_ms, int lease_ms, struct arena *a, struct job *ret,
             size_t max, size_t *ret_n, struct err *e)
{
    struct look l = {.kinds = kinds, .now = now_ms};
    *ret_n = 0;
    int r = max ? db_read(db, 0, look, &l, e) : OTK_OK;
    if (r || !l.any)
        return r;
    struct take t = {
        .owner = owner,
        .kinds = kinds,
        .now = now_ms,
        .until = now_ms + (lease_ms ? lease_ms : JOB_LEASE_MS),
        .arena = a,
        .jobs = ret,
        .run_at = ARENA_ARRAY(a, int64_t, max),
        .max = max,
    };
    r = db_write(db, 0, take, &t, e);
    if (!r)
        *ret_n = t.n;
    return r;
}

/* ---- finishing ---- */

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

/* Doubling, up to an hour, and up to a half less by chance, so that jobs
 * which failed together do not come back together. */
static int64_t pause_ms(const struct job *j, int64_t now_ms)
{
    int64_t ms = JOB_BACKOFF_MS;
    for (int i = 1; i < j->attempt && ms < JOB_BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > JOB_BACKOFF_MAX_MS)
        ms = JOB_BACKOFF_MAX_MS;
    struct rand chance;
    rand_init(&chance, (uint64_t)j->id * 1000003u + (uint64_t)now_ms);
    return ms - (int64_t)rand_below(&chance, (uint32_t)(ms / 2));
}

int job_fail(struct db_tx *tx, const struct job *j, const char *owner,
             const char *why, int64_t now_ms, struct err *e)
{
    if (j->attempt >= j->max_attempts)
        return job_bury(tx, j->id, owner, why, e);
    int64_t n;
    int r =
        wait_again(tx, j->id, owner, why, now_ms + pause_ms(j, now_ms), &n, e);
    return one_row(r, n, e);
}

int job_give_back(struct db_tx *tx, const struct job *j, const char *owner,
                  int64_t now_ms, struct err *e)
{
    int64_t n;
    int r = db_change(tx, &n, e,
                      "UPDATE jobs SET state = 'waiting', dedup = " FREE_KEY
                      ", lease_owner = NULL, lease_until = NULL, run_at = ?3, "
                      "attempts = attempts - 1 WHERE id = ?1 AND lease_owner = "
                      "?2 AND state = 'running'",
                      "iti", j->id, owner, now_ms);
    return one_row(r, n, e);
}

int job_extend(struct db_tx *tx, int64_t id, const char *owner,
               int64_t until_ms, struct err *e)
{
    int64_t n;
    int r = db_change(tx, &n, e,
                      "UPDATE jobs SET lease_until = ?3 WHERE id = ?1 AND "
                      "lease_owner = ?2 AND state = 'running'",
                      "iti", id, owner, until_ms);
    return one_row(r, n, e);
}

int job_requeue(struct db_tx *tx, int64_t id, int64_t now_ms, struct err *e)
{
    int64_t n;
    int r =
        db_change(tx, &n, e,
                  "UPDATE jobs SET state = 'waiting', dedup = " FREE_KEY
                  ", attempts = 0, run_at = ?2, last_error = NULL WHERE id = "
                  "?1 AND state = 'dead'",
                  "ii", id, now_ms);
    if (!r && n != 1)
        return err_set(e, OTK_ENOENT, "no dead letter has this number");
    return r;
}
