/* SPDX-License-Identifier: Apache-2.0 */
/* Losses by hand, slopes beside differences. */
#include "model/loss.h"

#include <math.h>
#include <string.h>

#include "test.h"

enum { ROWS_N = 3, CLASSES = 3 };
static const float scores[ROWS_N * CLASSES] = {1, 2, 3, 0.5F, -1, 0, 2, 0, 0};
static const int truth[ROWS_N] = {2, 0, 1};

static double find(float smoothing, const float *weights, const int *t,
                   float *slopes, size_t *right, size_t *known)
{
    int best[ROWS_N];
    const struct loss l = {CLASSES, weights, smoothing, best};
    memcpy(slopes, scores, sizeof(scores));
    double loss = loss_find(&l, t, ROWS_N, slopes, right, known);
    for (size_t i = 0; i < ROWS_N; i++) { /* also where no truth is known */
        for (size_t c = 0; c < CLASSES; c++)
            assert_true(scores[i * CLASSES + c] <=
                        scores[i * CLASSES + (size_t)best[i]]);
    }
    return loss;
}

static void test_loss(void **state)
{
    (void)state;
    static const float weights[] = {1, 2, 0.5F};
    static const int some[] = {2, -1, -1};
    static const int none[] = {-1, -1, -1};
    float g[ROWS_N * CLASSES];
    size_t right, known;
    /* -log softmax: 0.4076, 0.6041, 2.2395 */
    assert_true(fabs(find(0, NULL, truth, g, &right, &known) - 1.083764) <
                1e-5);
    assert_int_equal(right, 2);
    assert_int_equal(known, 3);
    assert_true(fabs(find(0, NULL, some, g, &right, &known) - 0.407606) < 1e-5);
    assert_int_equal(known, 1);
    for (size_t i = CLASSES; i < ROWS_N * CLASSES; i++)
        assert_true(g[i] == 0);
    /* (0.5·0.4076 + 1·0.6041 + 2·2.2395) / 3.5 */
    assert_true(fabs(find(0, weights, truth, g, &right, &known) - 1.510585) <
                1e-4);
    assert_true(find(0, NULL, none, g, &right, &known) == 0);
    assert_int_equal(known, 0);
}

/* Slopes beside differences, smoothed and weighted. */
static void test_slopes(void **state)
{
    (void)state;
    static const float weights[] = {1, 2, 0.5F};
    const struct loss l = {CLASSES, weights, 0.2F, NULL};
    float g[ROWS_N * CLASSES];
    size_t right, known;
    (void)find(0.2F, weights, truth, g, &right, &known);
    for (size_t i = 0; i < ROWS_N * CLASSES; i++) {
        double loss[2];
        for (int side = 0; side < 2; side++) {
            float x[ROWS_N * CLASSES];
            memcpy(x, scores, sizeof(x));
            x[i] += side ? -1e-2F : 1e-2F;
            loss[side] = loss_find(&l, truth, ROWS_N, x, &right, &known);
        }
        assert_true(fabs((loss[0] - loss[1]) / 2e-2 - (double)g[i]) < 1e-4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_slopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
