/*
 * db/jobs.h - the job queue: work that must happen, sooner or later
 *
 * A job is a row: it is pushed in the transaction that makes it necessary,
 * taken under a lease, and finished in the transaction that stores its
 * effect. Whoever dies with a job in hand loses the lease, and another takes
 * it. A job that fails is tried again after a growing pause and, after its
 * last attempt, becomes a dead letter that a person can look at and requeue.
 */
#ifndef OTK_DB_JOBS_H
#define OTK_DB_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct clock;
struct db;
struct db_tx;
struct err;

enum {
    JOB_ATTEMPTS = 8,             /* default of max_attempts */
    JOB_LEASE_MS = 60 * 1000,     /* default lease */
    JOB_RUN_MAX_MS = 3600 * 1000, /* so long the runner keeps a lease */
    /* The first pause doubles up to the last; up to half less by chance. */
    JOB_BACKOFF_MS = 2000,
    JOB_BACKOFF_MAX_MS = 3600 * 1000,
    JOB_OWNER_BYTES = 64, /* with the final NUL */
    JOB_KINDS_MAX = 32,
};

struct job_new {
    const char *kind;   /* "intake", "giveback", … */
    struct str payload; /* JSON */
    const char *dedup;  /* NULL, or: at most one waiting job has this key */
    int64_t run_at;     /* wall ms; 0: now */
    int max_attempts;   /* 0: JOB_ATTEMPTS */
};

struct job_runner;

struct job {
    int64_t id;
    const char *kind;
    struct str payload;
    int attempt; /* this one, from 1 */
    int max_attempts;
    struct job_runner *runner; /* that runs it; NULL: none does */
};

/* *ret_id (may be NULL) is 0 when `dedup` held it back. */
int job_push(struct db_tx *tx, const struct job_new *j, int64_t now_ms,
             int64_t *ret_id, struct err *e);

/*
 * Take up to `max` due jobs of the given kinds (ends with NULL; NULL: all)
 * for `owner`, longest due first. Texts live in `a`.
 */
int job_take(struct db *db, const char *owner, const char *const *kinds,
             int64_t now_ms, int lease_ms, struct arena *a, struct job *ret,
             size_t max, size_t *ret_n, struct err *e);

/* Finish, in the transaction of the effect; OTK_ECONFLICT: lease was lost. */
int job_done(struct db_tx *tx, int64_t id, const char *owner, struct err *e);

/* Failed: try again later, or bury it when attempts are used up. */
int job_fail(struct db_tx *tx, const struct job *j, const char *owner,
             const char *why, int64_t now_ms, struct err *e);

/* Not now: it waits as if it had not been taken. OTK_ECONFLICT: the lease was
 * lost. */
int job_give_back(struct db_tx *tx, const struct job *j, const char *owner,
                  int64_t now_ms, struct err *e);

/* Hold it longer: the lease ends at `until_ms`; OTK_ECONFLICT: it was lost. */
int job_extend(struct db_tx *tx, int64_t id, const char *owner,
               int64_t until_ms, struct err *e);

/* Refused for good: straight to the dead letters. */
int job_bury(struct db_tx *tx, int64_t id, const char *owner, const char *why,
             struct err *e);

/* A dead letter again from the start; OTK_ENOENT: it is none. */
int job_requeue(struct db_tx *tx, int64_t id, int64_t now_ms, struct err *e);

/*
 * The runner: threads that take jobs and call the handler of their kind.
 * A handler gets the job outside a transaction and calls job_done() in its
 * own; returning an error lets the runner fail (OTK_EAGAIN, OTK_EIO, …) or
 * bury (OTK_EDENIED, OTK_EFORMAT, OTK_EINVAL, OTK_ENOENT) the job. While it
 * works, the runner keeps its lease, for at most JOB_RUN_MAX_MS; a handler
 * that returns 0 without job_done() sees the job again when the lease ends.
 *
 * A handler that may take longer than a stop should asks job_is_recalled() now
 * and then and returns OTK_EAGAIN when it is: the job is given back then.
 */
struct job_handler {
    const char *kind;
    int (*run)(void *ctx, struct db *db, const struct job *j, const char *owner,
               struct err *e);
    void *ctx;
};

/* Does its runner want to end? Any thread. */
bool job_is_recalled(const struct job *j);

/* `handlers` (at most JOB_KINDS_MAX) ends with kind == NULL and is borrowed
 * until job_runner_free(), as are `db` and `clock`. */
int job_runner_start(struct db *db, const struct clock *clock,
                     const struct job_handler *handlers, int threads,
                     struct job_runner **ret, struct err *e);
void job_runner_wake(struct job_runner *r); /* see db_on_commit() */
void job_runner_free(struct job_runner *r); /* what is in hand ends first */

#endif
