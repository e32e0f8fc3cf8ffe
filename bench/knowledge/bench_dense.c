/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact search among random vectors: knowledge_bench_dense VECTORS SIZE
 * THREADS [QUESTIONS]. Prints the median and the 95th percentile of all dot
 * products with one question, and what the vectors take.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "knowledge/dense.h"
#include "model/encoder.h"

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

static void fill(float *x, size_t n)
{
    static unsigned seed = 1;
    float scale = 1 / sqrtf((float)n / 3); /* of about length one */
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525U + 1013904223U;
        x[i] = scale * ((float)(seed >> 8) / (float)(1 << 23) - 1);
    }
}

static size_t number(char **argv, int i, int argc, size_t fallback)
{
    return i < argc ? strtoul(argv[i], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
    size_t n = number(argv, 1, argc, 100000);
    size_t size = number(argv, 2, argc, 384);
    size_t threads = number(argv, 3, argc, 1);
    size_t questions = number(argv, 4, argc, 200);
    struct err e = {0};
    int r = n && size && questions && threads && threads <= 64
                ? 0
                : err_set(&e, OTK_EINVAL, "numbers above 0, threads up to 64");
    if (r) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    if (threads == 1)
        by = CLOCK_THREAD_CPUTIME_ID;
    struct dense *d = dense_new(size);
    struct session *s = session_new((int)threads);
    float *x = malloc(DENSE_PART * size * sizeof(*x));
    float *dots = malloc(n * sizeof(*dots));
    double *took = malloc(questions * sizeof(*took));
    for (size_t i = 0; !r && x && i < n; i += DENSE_PART) {
        size_t some = n - i < DENSE_PART ? n - i : DENSE_PART;
        fill(x, some * size);
        r = dense_add(d, x, some, &e);
    }
    for (size_t i = 0; !r && x && dots && took && i < questions; i++) {
        fill(x, size);
        double begin = now();
        dense_dots(d, s, x, dots);
        took[i] = now() - begin;
    }
    if (!r && x && dots && took) {
        qsort(took, questions, sizeof(*took), by_size);
        (void)printf("%zu vectors of %zu, %zu threads: median %.2f ms, p95 "
                     "%.2f ms, %.1f MB\n",
                     n, size, threads, 1e3 * took[questions / 2],
                     1e3 * took[questions * 95 / 100],
                     (double)dense_bytes(d) / 1e6);
    }
    free(x);
    free(dots);
    free(took);
    session_free(s);
    dense_free(d);
    return r ? 1 : 0;
}
