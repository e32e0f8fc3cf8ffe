/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of bench/finetune.py: model_bench_finetune FOLDER
 *
 * Each line "BF16 THREADS DROPOUT RUNS LENGTH..." of stdin (BF16: 0, or 1 for
 * products in that) is answered by a line with the seconds of RUNS steps -
 * forward, backward, AdamW - over texts of those lengths; one more step before
 * them is not counted. One thread is timed by what it got of a processor,
 * several by the clock on the wall.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/adam.h"
#include "model/config.h"
#include "model/gradient.h"
#include "model/weights.h"
#include "tensor/kernels.h"
#include "tensor/team.h"

enum {
    TASKS = 2,
    TEXTS_MAX = 256,
    IDS_MAX = 1 << 16,
    LINE_BYTES = 4096,
    RUNS_MAX = 10000
};
static const struct head_shape heads[TASKS] = {{"topic", 8}, {"priority", 3}};
static const double RATE = 2e-5;

static double now(clockid_t by)
{
    struct timespec t;
    (void)clock_gettime(by, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What is learnt, and what of. */
struct learner {
    struct parameters p;
    float *slopes;
    struct adam adam;
    uint32_t ids[IDS_MAX];
    size_t offsets[TEXTS_MAX + 1];
    int truth[TASKS][TEXTS_MAX];
    size_t n;
};

/* Texts of the lengths that the line names; 1: it names none that fit. */
static int make_texts(struct learner *x, char *at)
{
    size_t n = 0;
    char *end;
    x->n = 0;
    for (long length = strtol(at, &end, 10); end != at;
         length = strtol(at, &end, 10)) {
        if (length < 1 || x->n == TEXTS_MAX || n + (size_t)length > IDS_MAX)
            return 1;
        for (size_t t = 0; t < TASKS; t++)
            x->truth[t][x->n] = (int)(x->n % heads[t].n);
        for (long i = 0; i < length; i++, n++)
            x->ids[n] = (uint32_t)(n * 7919 % x->p.config->vocab);
        x->offsets[++x->n] = n;
        at = end;
    }
    return x->n == 0;
}

static void steps(struct learner *x, bool bf16, int threads, double dropout,
                  long runs)
{
    size_t right[TASKS], known[TASKS];
    const int *truth[TASKS];
    const struct batch batch = {x->ids, x->offsets, x->n};
    clockid_t by = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    struct gradient *g = gradient_new(threads);
    struct team *team = team_new(threads);
    for (size_t t = 0; t < TASKS; t++)
        truth[t] = x->truth[t];
    struct gradient_job j = {
        .p = &x->p,
        .texts = &batch,
        .pooling = POOLING_MEAN,
        .truth = truth,
        .dropout = (float)dropout,
        .bf16 = bf16,
    };
    for (long i = 0; i <= runs; i++) {
        double from = now(by);
        j.seed = (uint64_t)i;
        (void)gradient_run(g, &j, x->slopes, right, known);
        (void)adam_step(&x->adam, team, &x->p, x->slopes, RATE);
        if (i > 0)
            (void)printf("%.9f%c", now(by) - from, i < runs ? ' ' : '\n');
    }
    (void)fflush(stdout);
    team_free(team);
    gradient_free(g);
}

static int take_turns(struct learner *x)
{
    char line[LINE_BYTES];
    int r = 0;
    while (!r && fgets(line, sizeof(line), stdin)) {
        char *at = line;
        long bf16 = strtol(at, &at, 10);
        long threads = strtol(at, &at, 10);
        double dropout = strtod(at, &at);
        long runs = strtol(at, &at, 10);
        r = threads < 1 || threads > 64 || runs < 1 || runs > RUNS_MAX ||
            make_texts(x, at);
        if (!r)
            steps(x, bf16 != 0, (int)threads, dropout, runs);
    }
    return r;
}

static int prepare(struct learner *x, struct err *e)
{
    static const struct adam_options o = {.beta1 = 0.9,
                                          .beta2 = 0.999,
                                          .eps = 1e-8,
                                          .decay = 0.01,
                                          .clip = 1,
                                          .head_rate = 1,
                                          .layer_decay = 1};
    x->slopes = mem_new(x->p.n, sizeof(*x->slopes));
    return adam_init(&x->adam, &x->p, &o, e);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct arena *a = arena_new();
    struct model_config c;
    struct weights *w = NULL;
    struct names names;
    struct learner *x = MEM_NEW(struct learner);
    if (argc != 2) {
        (void)fprintf(stderr, "FOLDER\n");
        return 2;
    }
    int r = model_config_read(argv[1], a, &c, &e);
    if (!r)
        r = weights_open(argv[1], &w, &e);
    if (!r)
        r = names_init(&names, w, &c, &e);
    if (!r)
        r = parameters_read(&names, heads, TASKS, 1, a, &x->p, &e);
    if (!r)
        r = prepare(x, &e);
    if (r)
        (void)fprintf(stderr, "%s %s\n", e.field, e.msg);
    else
        (void)printf("%zu parameters, %s\n", x->p.n, kernels_reason());
    (void)fflush(stdout);
    r = r || take_turns(x);
    adam_free(&x->adam);
    free(x->slopes);
    parameters_free(&x->p);
    free(x);
    weights_close(w);
    arena_free(a);
    return r;
}
