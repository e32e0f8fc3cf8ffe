/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts a second of an encoder: model_bench_encoder FOLDER PRECISION TEXTS
 * TOKENS THREADS [SECONDS]. Prints the median and the tenth percentile of a
 * forward, and how much of a processor's time loading took: over a packed file
 * (otklik model pack) when there is one that fits, else out of the weights.
 *
 * model_bench_encoder FOLDER PRECISION takes turns with a peer instead: each
 * line "TEXTS TOKENS THREADS RUNS" of stdin is answered by a line with the
 * seconds of each run; one more run before them is not counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/names.h"
#include "model/packed.h"
#include "model/weights.h"
#include "tensor/kernels.h"

enum { RUNS_MAX = 20000, RUNS_MIN = 9, ARGS = 6, TURNS_ARGS = 3 };

static clockid_t by = CLOCK_PROCESS_CPUTIME_ID; /* of loading */

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(by, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static int fail(const struct err *e)
{
    (void)fprintf(stderr, "%s %s\n", e->field, e->msg);
    return 1;
}

/* Texts of the same length, and where their vectors and times go. */
struct load {
    struct batch batch;
    uint32_t *ids;
    size_t *offsets;
    float *y;
    double *took; /* RUNS_MAX */
};

static int load_make(const struct encoder *x, size_t texts, size_t tokens,
                     struct load *ret)
{
    const struct model_config *c = encoder_config(x);
    uint32_t *ids = malloc(texts * tokens * sizeof(*ids));
    size_t *offsets = malloc((texts + 1) * sizeof(*offsets));
    *ret = (struct load){
        .batch = {ids, offsets, texts},
        .ids = ids,
        .offsets = offsets,
        .y = malloc(texts * tokens * c->hidden * sizeof(float)),
        .took = malloc(RUNS_MAX * sizeof(double)),
    };
    if (!ids || !offsets || !ret->y || !ret->took)
        return 1;
    for (size_t i = 0; i < texts * tokens; i++)
        ids[i] = (uint32_t)(i * 7919 % c->vocab);
    for (size_t i = 0; i <= texts; i++)
        offsets[i] = i * tokens;
    return 0;
}

static void load_free(struct load *l)
{
    free(l->ids);
    free(l->offsets);
    free(l->y);
    free(l->took);
}

static int forward(const struct encoder *x, struct session *s, struct load *l,
                   double *ret, struct err *e)
{
    double from = now();
    int r = encoder_run(x, s, &l->batch, WANT_TOKENS, l->y, e);
    *ret = now() - from;
    return r;
}

static int measure(const struct encoder *x, struct session *s, size_t texts,
                   size_t tokens, double seconds, const char *what)
{
    struct load l;
    struct err e = {0};
    int n = 0;
    int r = load_make(x, texts, tokens, &l);
    double end = now() + seconds;
    while (!r && n < RUNS_MAX && (n < RUNS_MIN || now() < end)) {
        r = forward(x, s, &l, &l.took[n], &e);
        n++;
    }
    if (!r) {
        qsort(l.took, (size_t)n, sizeof(*l.took), by_size);
        printf("%s,%zu,%zu: median %.3f ms %.1f/s, p10 %.3f ms %.1f/s, %d "
               "runs\n",
               what, texts, tokens, 1e3 * l.took[n / 2],
               (double)texts / l.took[n / 2], 1e3 * l.took[n / 10],
               (double)texts / l.took[n / 10], n);
    }
    load_free(&l);
    return r ? fail(&e) : 0;
}

/* One thread is timed by what it got of a processor, which other programs do
 * not change; several by the clock on the wall. */
static struct session *start(int threads)
{
    by = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    return session_new(threads);
}

/* A line of stdin and its answer. */
static int turn(const struct encoder *x, size_t texts, size_t tokens,
                int threads, int runs)
{
    struct load l;
    struct err e = {0};
    struct session *s = start(threads);
    int r = load_make(x, texts, tokens, &l);
    for (int i = 0; !r && i <= runs; i++)
        r = forward(x, s, &l, &l.took[i > 0 ? i - 1 : 0], &e);
    for (int i = 0; !r && i < runs; i++)
        printf("%.9f%c", l.took[i], i + 1 < runs ? ' ' : '\n');
    (void)fflush(stdout);
    load_free(&l);
    session_free(s);
    return r ? fail(&e) : 0;
}

static int take_turns(const struct encoder *x)
{
    enum { LINE = 100, NUMBERS = 4 };
    char line[LINE];
    int r = 0;
    (void)fflush(stdout); /* what loading took */
    while (!r && fgets(line, sizeof(line), stdin)) {
        long n[NUMBERS];
        char *at = line;
        for (int i = 0; i < NUMBERS; i++)
            n[i] = strtol(at, &at, 10);
        r = n[0] < 1 || n[1] < 1 || n[2] < 1 || n[3] < 1 || n[3] > RUNS_MAX;
        if (!r)
            r = turn(x, (size_t)n[0], (size_t)n[1], (int)n[2], (int)n[3]);
    }
    return r;
}

static int load(const char *folder, const struct names *n, enum precision p,
                struct packed **ret_packed, struct encoder **ret, struct err *e)
{
    struct packed_source source;
    int r = packed_source(folder, n->weights, &source, e);
    if (r)
        return r;
    if (packed_open(folder, n->config, p, &source, ret_packed, NULL))
        return encoder_new(n, p, ret, e);
    return encoder_map(n->config, p, packed_parts(*ret_packed), ret, e);
}

int main(int argc, char **argv)
{
    if (argc < ARGS && argc != TURNS_ARGS) {
        (void)fprintf(stderr, "FOLDER PRECISION [TEXTS TOKENS THREADS "
                              "[SECONDS]]\n");
        return 2;
    }
    struct err e = {0};
    struct arena *a = arena_new();
    struct model_config c;
    struct weights *w = NULL;
    struct encoder *x = NULL;
    struct packed *packed = NULL;
    struct names names;
    enum precision p;
    char what[64];
    (void)kernels(); /* their check is the program's start, not the load */
    double from = now();
    int r = precision_from(str_from(argv[2]), &p, &e);
    if (!r)
        r = model_config_read(argv[1], a, &c, &e);
    if (!r)
        r = weights_open(argv[1], &w, &e);
    if (!r)
        r = names_init(&names, w, &c, &e);
    if (!r)
        r = load(argv[1], &names, p, &packed, &x, &e);
    if (r)
        return fail(&e);
    printf("load %.1f ms, %.1f MB %s, %s\n", 1e3 * (now() - from),
           1e-6 * (double)encoder_bytes(x), packed ? "mapped" : "packed",
           kernels_reason());
    if (argc == TURNS_ARGS) {
        r = take_turns(x);
    } else {
        struct session *s = start(atoi(argv[5]));
        (void)snprintf(what, sizeof(what), "%s,%s,%s threads", argv[2], argv[5],
                       model_family_name(c.family));
        r = measure(x, s, (size_t)atoi(argv[3]), (size_t)atoi(argv[4]),
                    argc > ARGS ? atof(argv[ARGS]) : 2, what);
        session_free(s);
    }
    encoder_free(x);
    packed_close(packed);
    weights_close(w);
    arena_free(a);
    return r;
}
