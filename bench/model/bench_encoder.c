/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts a second of an encoder: model_bench_encoder FOLDER PRECISION TEXTS
 * TOKENS THREADS [SECONDS]. Prints the median and the tenth percentile of a
 * forward, and how long loading took.
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
#include "model/weights.h"
#include "tensor/kernels.h"

enum { RUNS_MAX = 20000, RUNS_MIN = 9, ARGS = 6 };

/* One thread is timed by what it got of a processor, which other programs do
 * not change; several by the clock on the wall. */
static clockid_t by = CLOCK_MONOTONIC;

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

static int measure(const struct encoder *x, struct session *s, size_t texts,
                   size_t tokens, double seconds, const char *what)
{
    const struct model_config *c = encoder_config(x);
    uint32_t *ids = malloc(texts * tokens * sizeof(*ids));
    size_t *offsets = malloc((texts + 1) * sizeof(*offsets));
    float *y = malloc(texts * tokens * c->hidden * sizeof(*y));
    double *took = malloc(RUNS_MAX * sizeof(*took));
    struct err e = {0};
    int n = 0;
    int r = ids && offsets && y && took ? 0 : 1;
    for (size_t i = 0; !r && i < texts * tokens; i++)
        ids[i] = (uint32_t)(i * 7919 % c->vocab);
    for (size_t i = 0; !r && i <= texts; i++)
        offsets[i] = i * tokens;
    const struct batch b = {ids, offsets, texts};
    double end = now() + seconds;
    while (!r && n < RUNS_MAX && (n < RUNS_MIN || now() < end)) {
        double from = now();
        r = encoder_run(x, s, &b, WANT_TOKENS, y, &e);
        took[n++] = now() - from;
    }
    if (!r) {
        qsort(took, (size_t)n, sizeof(*took), by_size);
        printf("%s,%zu,%zu: median %.3f ms %.1f/s, p10 %.3f ms %.1f/s, %d "
               "runs\n",
               what, texts, tokens, 1e3 * took[n / 2],
               (double)texts / took[n / 2], 1e3 * took[n / 10],
               (double)texts / took[n / 10], n);
    }
    free(ids);
    free(offsets);
    free(y);
    free(took);
    return r ? fail(&e) : 0;
}

int main(int argc, char **argv)
{
    if (argc < ARGS) {
        (void)fprintf(stderr, "FOLDER PRECISION TEXTS TOKENS THREADS "
                              "[SECONDS]\n");
        return 2;
    }
    struct err e = {0};
    struct arena *a = arena_new();
    struct model_config c;
    struct weights *w = NULL;
    struct encoder *x = NULL;
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
        r = encoder_new(&names, p, &x, &e);
    if (r)
        return fail(&e);
    printf("load %.0f ms, %.1f MB packed, %s\n", 1e3 * (now() - from),
           1e-6 * (double)encoder_bytes(x), kernels_reason());
    struct session *s = session_new(atoi(argv[5]));
    by = atoi(argv[5]) == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    (void)snprintf(what, sizeof(what), "%s,%s,%s threads", argv[2], argv[5],
                   model_family_name(c.family));
    r = measure(x, s, (size_t)atoi(argv[3]), (size_t)atoi(argv[4]),
                argc > ARGS ? atof(argv[ARGS]) : 2, what);
    session_free(s);
    encoder_free(x);
    weights_close(w);
    arena_free(a);
    return r;
}
