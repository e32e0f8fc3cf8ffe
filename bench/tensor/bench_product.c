/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The products of a step of fine-tuning, each of its three forms: there
 * (activations · weightᵀ), back (slopes · weight) and weight (slopesᵀ ·
 * activations, added to what lies there). Matrices are as many as a model has,
 * so that they come from memory. Operations a second of the thread's own time,
 * the median of some rounds.
 *
 *   tensor_bench_product [TOKENS [THREADS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tensor/kernels.h"
#include "tensor/product.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

enum { ROUNDS = 7, NUMBERS = 24 << 20, CALLS = 6 };

/* in × out of DistilBERT, then of MiniLM */
static const size_t shapes[][2] = {
    {768, 2304}, {768, 768}, {768, 3072}, {3072, 768},
    {384, 1152}, {384, 384}, {384, 1536}, {1536, 384},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

static double now(clockid_t by)
{
    struct timespec t;
    (void)clock_gettime(by, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *filled(void)
{
    float *p = aligned_alloc(ALIGNMENT, NUMBERS * sizeof(*p));
    if (!p) {
        (void)fputs("no memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < NUMBERS; i++)
        p[i] = (float)(i % 17) / 16 - 0.5F;
    return p;
}

/* Where the three matrices lie; `at` goes on through their memory. */
struct memory {
    float *a, *b, *y;
    size_t at;
};

static size_t room(struct memory *m, size_t n)
{
    if (m->at + n > NUMBERS)
        m->at = 0;
    m->at += n;
    return m->at - n;
}

static struct product form(struct memory *x, int which, size_t rows, size_t in,
                           size_t outs)
{
    size_t weight = room(x, in * outs);
    if (which == 0)
        return (struct product){.m = rows,
                                .k = in,
                                .n = outs,
                                .a = {x->a, in, false},
                                .b = {x->b + weight, in, true},
                                .y = x->y,
                                .ldy = outs};
    if (which == 1)
        return (struct product){.m = rows,
                                .k = outs,
                                .n = in,
                                .a = {x->a, outs, false},
                                .b = {x->b + weight, in, false},
                                .y = x->y,
                                .ldy = in};
    return (struct product){.m = outs,
                            .k = rows,
                            .n = in,
                            .a = {x->a, outs, true},
                            .b = {x->b, in, false},
                            .y = x->y + weight,
                            .ldy = in,
                            .adds = true};
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"there", "back", "weight"};
    size_t rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 512;
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    clockid_t by = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    struct team *team = team_new(threads);
    struct workspace *space = workspace_new();
    struct memory x = {.a = filled(), .b = filled()};
    x.y = filled();
    (void)printf("%zu tokens, %s, Gop/s\n%4s %4s %8s %8s %8s\n", rows,
                 kernels_reason(), "in", "out", names[0], names[1], names[2]);
    for (size_t s = 0; s < SHAPES; s++) {
        (void)printf("%4zu %4zu", shapes[s][0], shapes[s][1]);
        for (int which = 0; which < 3; which++) {
            double took[ROUNDS];
            for (int i = -1; i < ROUNDS; i++) {
                double from = now(by);
                for (int c = 0; c < CALLS; c++) {
                    struct product p =
                        form(&x, which, rows, shapes[s][0], shapes[s][1]);
                    product_apply(team, space, &p);
                }
                took[i < 0 ? 0 : i] = now(by) - from;
            }
            qsort(took, ROUNDS, sizeof(*took), by_size);
            double ops = 2e-9 * (double)(rows * shapes[s][0] * shapes[s][1]);
            (void)printf(" %8.1f", ops * CALLS / took[ROUNDS / 2]);
            (void)fflush(stdout);
        }
        (void)printf("\n");
    }
    free(x.a);
    free(x.b);
    free(x.y);
    workspace_free(space);
    team_free(team);
    return 0;
}
