/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many requests a second become durable: `threads` callers, each waiting
 * for its own commit, write what one incoming request writes (nine rows).
 *
 *   db_bench_write [PATH [THREADS [SECONDS]]]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "db/db.h"

enum { THREADS_MAX = 256, SAMPLES_MAX = 1 << 16 };

struct caller {
    struct db *db;
    int number;
    long done, failed;
    int n_samples;
    double *samples; /* ms */
};

struct request {
    char token[48];
    int64_t now;
};

static atomic_bool stop;

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static const char question[] =
    "Добрый день! После обновления принтер на третьем этаже не печатает, "
    "пишет «нет бумаги», хотя лоток полный. Подскажите, что делать?";

static int write_person(struct db_tx *tx, const struct request *q,
                        int64_t *ret_id, struct err *e)
{
    int r = db_int_of(tx, ret_id, e,
                      "INSERT INTO people (name, created_at, updated_at) "
                      "VALUES (?1, ?2, ?2) RETURNING id",
                      "ti", "Anna", q->now);
    if (r)
        return r;
    return db_exec(tx, e,
                   "INSERT INTO identities (person_id, kind, value, "
                   "created_at) VALUES (?1, 'email', ?2, ?3)",
                   "iti", *ret_id, q->token, q->now);
}

static int write_ticket(struct db_tx *tx, const struct request *q,
                        int64_t person, int64_t *ret_id, struct err *e)
{
    int r = db_int_of(tx, ret_id, e,
                      "INSERT INTO tickets (subject, state, person_id, "
                      "channel, created_at, updated_at) VALUES (?1, 'new', "
                      "?2, 'form', ?3, ?3) RETURNING id",
                      "tii", "Принтер не печатает", person, q->now);
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO messages (ticket_id, kind, author_id, body, "
                    "created_at) VALUES (?1, 'request', ?2, ?3, ?4)",
                    "iiti", *ret_id, person, question, q->now);
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO inbox (channel, dedup, person_id, text, "
                    "stage, token, ticket_id, received_at) VALUES ('form', "
                    "?1, ?2, ?3, 'ticket', ?1, ?4, ?5)",
                    "titii", q->token, person, question, *ret_id, q->now);
    return r;
}

static int write_trail(struct db_tx *tx, const struct request *q,
                       int64_t ticket, struct err *e)
{
    static const char *const tasks[] = {"topic", "priority"};
    int r = OTK_OK;
    for (int i = 0; !r && i < 2; i++)
        r = db_exec(tx, e,
                    "INSERT INTO predictions (ticket_id, task, model, label, "
                    "confidence, mode, created_at) VALUES (?1, ?2, 'linear-1', "
                    "'printer', 0.9, 'auto', ?3)",
                    "iti", ticket, tasks[i], q->now);
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO events (kind, ticket_id, body_json, "
                    "created_at) VALUES ('ticket.created', ?1, '{}', ?2)",
                    "ii", ticket, q->now);
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO jobs (kind, payload, state, run_at, "
                    "max_attempts, created_at) VALUES ('giveback', ?1, "
                    "'waiting', ?2, 8, ?2)",
                    "ti", q->token, q->now);
    return r;
}

static int write_request(struct db_tx *tx, void *arg, struct err *e)
{
    const struct request *q = arg;
    int64_t person, ticket;
    int r = write_person(tx, q, &person, e);
    if (!r)
        r = write_ticket(tx, q, person, &ticket, e);
    return r ? r : write_trail(tx, q, ticket, e);
}

static void *call(void *arg)
{
    struct caller *c = arg;
    for (long i = 0; !atomic_load(&stop); i++) {
        struct request q = {.now = 1700000000000 + i};
        (void)snprintf(q.token, sizeof(q.token), "%d-%ld-%d", c->number, i,
                       getpid());
        struct err e = {0};
        double begin = now_ms();
        int r = db_write(c->db, 0, write_request, &q, &e);
        if (r && !c->failed)
            (void)fprintf(stderr, "%s\n", e.msg);
        c->done += !r;
        c->failed += !!r;
        if (c->n_samples < SAMPLES_MAX)
            c->samples[c->n_samples++] = now_ms() - begin;
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(struct caller *c, int threads, double seconds)
{
    double *all = malloc(sizeof(*all) * SAMPLES_MAX * (size_t)threads);
    long done = 0, failed = 0;
    size_t n = 0;
    if (!all)
        abort();
    for (int i = 0; i < threads; i++) {
        done += c[i].done;
        failed += c[i].failed;
        for (int k = 0; k < c[i].n_samples; k++)
            all[n++] = c[i].samples[k];
    }
    qsort(all, n, sizeof(*all), by_size);
    printf("%d callers: %.0f requests/s (%ld failed), p50 %.2f ms, p99 %.2f "
           "ms, worst %.2f ms\n",
           threads, (double)done / seconds, failed, n ? all[n / 2] : 0,
           n ? all[n * 99 / 100] : 0, n ? all[n - 1] : 0);
    free(all);
}

int main(int argc, char **argv)
{
    static struct caller c[THREADS_MAX];
    pthread_t t[THREADS_MAX];
    const char *path = argc > 1 ? argv[1] : "bench.db";
    long threads = argc > 2 ? strtol(argv[2], NULL, 10) : 32;
    long seconds = argc > 3 ? strtol(argv[3], NULL, 10) : 5;
    struct db *db = NULL;
    struct err e = {0};
    if (threads < 1 || threads > THREADS_MAX || db_open(path, NULL, &db, &e) ||
        db_migrate(db, db_migrations, NULL, &e)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    for (int i = 0; i < threads; i++) {
        c[i] = (struct caller){.db = db, .number = i};
        c[i].samples = malloc(sizeof(double) * SAMPLES_MAX);
        if (!c[i].samples || pthread_create(&t[i], NULL, call, &c[i]))
            return 1;
    }
    double begin = now_ms();
    (void)sleep((unsigned)seconds);
    atomic_store(&stop, true);
    for (int i = 0; i < threads; i++)
        (void)pthread_join(t[i], NULL);
    report(c, (int)threads, (now_ms() - begin) / 1e3);
    for (int i = 0; i < threads; i++)
        free(c[i].samples);
    db_close(db);
    return 0;
}
