/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over a cache beside plain loops. */
#include "tensor/cache.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "tensor/reference.h"
#include "tensor/team.h"
#include "tensor/workspace.h"
#include "test.h"

enum {
    HEADS = 3,
    WIDTH = 20, /* no whole strip */
    ALL = HEADS * WIDTH,
    MOST = 70,
    ROWS_MAX = 11,
};

static float keys[MOST * ALL], values[MOST * ALL], q[ROWS_MAX * ALL];
static float y[ROWS_MAX * ALL], weights[ROWS_MAX * HEADS * MOST];

static void expect(const float *row, size_t seen, size_t head, double *ret,
                   double *ret_weights)
{
    double sum = 0;
    for (size_t i = 0; i < seen; i++) {
        double s = 0;
        for (size_t c = 0; c < WIDTH; c++)
            s += (double)row[head * WIDTH + c] *
                 (double)keys[i * ALL + head * WIDTH + c];
        ret_weights[i] = exp(s / sqrt(WIDTH));
        sum += ret_weights[i];
    }
    memset(ret, 0, WIDTH * sizeof(*ret));
    for (size_t i = 0; i < seen; i++) {
        ret_weights[i] /= sum;
        for (size_t c = 0; c < WIDTH; c++)
            ret[c] +=
                ret_weights[i] * (double)values[i * ALL + head * WIDTH + c];
    }
}

static void compare(const struct cache_row *rows, size_t n, double near)
{
    for (size_t r = 0; r < n; r++) {
        for (size_t h = 0; h < HEADS; h++) {
            double expected[WIDTH];
            double looked[MOST];
            expect(q + r * ALL, rows[r].seen, h, expected, looked);
            for (size_t c = 0; c < WIDTH; c++)
                assert_true(fabs((double)y[r * ALL + h * WIDTH + c] -
                                 expected[c]) < near);
            for (size_t i = 0; i < rows[r].seen; i++)
                assert_true(fabs((double)weights[(r * HEADS + h) * MOST + i] -
                                 looked[i]) < near);
        }
    }
}

static void fill(struct rand *r, float *x, size_t n, bool rounds)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(rand_real(r) * 2 - 1);
        if (rounds)
            x[i] = reference_of_bf16(reference_bf16(x[i]));
    }
}

/* Rows that see the same, more than a tile of them, and others between; the
 * tokens came in two pieces and went through a copy. */
static void as_plain_loops(enum precision p, int threads)
{
    struct rand r;
    struct team *t = team_new(threads);
    struct workspace *w = workspace_new();
    struct cache *first = cache_new(HEADS, WIDTH, MOST, p);
    struct cache *c = cache_new(HEADS, WIDTH, MOST, p);
    struct cache_row rows[ROWS_MAX];
    rand_init(&r, 7);
    fill(&r, keys, MOST * ALL, p != PRECISION_F32);
    fill(&r, values, MOST * ALL, p != PRECISION_F32);
    fill(&r, q, ROWS_MAX * ALL, false);
    cache_put(first, 0, 40, keys, values, ALL);
    cache_copy(c, first, 40);
    cache_put(c, 40, 30, keys + 40 * ALL, values + 40 * ALL, ALL);
    for (size_t i = 0; i < ROWS_MAX; i++)
        rows[i] = (struct cache_row){i == 9 ? first : c, i == 9    ? 33
                                                         : i == 10 ? 1
                                                                   : MOST};
    struct cache_job j = {
        .rows = rows, .n = ROWS_MAX, .q = q, .ldq = ALL, .ldweights = MOST};
    j.y = y;
    j.weights = weights;
    cache_apply(t, w, &j);
    compare(rows, ROWS_MAX, 1e-5);
    assert_int_equal(cache_bytes(c) * (p == PRECISION_F32 ? 1 : 2),
                     (ALL * 96 + HEADS * 96 * 32) * sizeof(float));
    cache_free(c);
    cache_free(first);
    workspace_free(w);
    team_free(t);
}

static void f32_one_thread(void **state)
{
    (void)state;
    as_plain_loops(PRECISION_F32, 1);
}

static void bf16_three_threads(void **state)
{
    (void)state;
    as_plain_loops(PRECISION_I8, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_one_thread),
        cmocka_unit_test(bf16_three_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
