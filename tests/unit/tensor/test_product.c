/* SPDX-License-Identifier: Apache-2.0 */
/* Products of all ways to lie, beside plain sums in double. */
#include "tensor/product.h"

#include <math.h>
#include <string.h>

#include "base/rand.h"
#include "tensor/team.h"
#include "tensor/workspace.h"
#include "test.h"

enum { ROOM = 200 * 1024 };

static float a[ROOM], b[ROOM], bias[ROOM], y[ROOM], before[ROOM];

static double at(const struct side *s, size_t i, size_t k)
{
    return (double)(s->transposed ? s->p[k * s->ld + i] : s->p[i * s->ld + k]);
}

static void check(const struct product *p)
{
    for (size_t i = 0; i < p->m; i++) {
        for (size_t c = 0; c < p->n; c++) {
            double want = p->bias ? (double)p->bias[c] : 0;
            double size = 1;
            for (size_t k = 0; k < p->k; k++) {
                double x = at(&p->a, i, k) * at(&p->b, k, c);
                want += x;
                size += fabs(x);
            }
            want += p->adds ? (double)before[i * p->ldy + c] : 0;
            assert_true(fabs((double)p->y[i * p->ldy + c] - want) <
                        1e-6 * size);
        }
    }
}

/* `wide` numbers more between rows than there have to be; `way`: 1 a, 2 b lies
 * transposed, 4 there is a bias or 8 sums are added. */
static void compare(size_t m, size_t k, size_t n, size_t wide, int way)
{
    struct rand chance;
    rand_init(&chance, m + k + n);
    bool a_turned = way & 1;
    bool b_turned = way & 2;
    struct product p = {
        .m = m,
        .k = k,
        .n = n,
        .a = {a, (a_turned ? m : k) + wide, a_turned},
        .b = {b, (b_turned ? k : n) + wide, b_turned},
        .bias = way & 4 ? bias : NULL,
        .y = y,
        .ldy = n + wide,
        .adds = way & 8,
    };
    rand_normal(&chance, 1, a, ROOM);
    rand_normal(&chance, 1, b, ROOM);
    rand_normal(&chance, 1, bias, ROOM);
    rand_normal(&chance, 1, before, ROOM);
    static float first[ROOM];
    for (int threads = 1; threads <= 3; threads++) {
        struct team *t = team_new(threads);
        struct workspace *w = workspace_new();
        memcpy(y, before, sizeof(y));
        product_apply(t, w, &p);
        check(&p);
        for (size_t i = 0; i < m; i++) /* what is between rows stays */
            assert_memory_equal(y + i * p.ldy + n, before + i * p.ldy + n,
                                wide * sizeof(*y));
        if (threads == 1)
            memcpy(first, y, sizeof(y));
        assert_memory_equal(first, y, sizeof(y));
        team_free(t);
        workspace_free(w);
    }
}

static void test_ways(void **state)
{
    (void)state;
    for (int way = 0; way < 12; way++) {
        compare(1, 1, 1, 0, way);
        compare(9, 70, 50, 3, way);
        compare(40, 33, 96, 0, way);
    }
}

/* Rows a power of two apart. */
static void test_crowded(void **state)
{
    (void)state;
    for (int way = 0; way < 12; way++) {
        compare(20, 512, 49, 0, way);
        compare(20, 500, 48, 12, way);
        compare(512, 20, 30, 0, way);
    }
}

/* More rows than a block has, and more of k than a sliver. */
static void test_large(void **state)
{
    (void)state;
    for (int way = 0; way < 12; way++)
        compare(531, 380, 25, 0, way);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
