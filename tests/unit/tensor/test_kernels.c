/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels beside reference.c: whole tables, then the routines made of them. */
#include "tensor/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tensor/linear.h"
#include "tensor/reference.h"
#include "tensor/team.h"
#include "tensor/workspace.h"
#include "tensor_cases.h"
#include "test.h"

/* What OTKLIK_ISA names, or NULL. `*ret_has`: this machine has it. */
static const char *asked_for(bool *ret_has)
{
    const char *asked = getenv("OTKLIK_ISA");
    const struct kernels *const *all = kernels_all();
    if (!asked || !*asked)
        asked = NULL;
    *ret_has = !asked;
    for (size_t i = 0; asked && all[i]; i++)
        *ret_has |= strcmp(all[i]->name, asked) == 0;
    return asked;
}

static void pass(const char *what)
{
    if (what)
        fail_msg("%s", what);
}

static void test_tables(void **state)
{
    (void)state;
    const struct kernels *const *all = kernels_all();
    bool listed = false;
    bool has;
    assert_string_equal(all[0]->name, "plain");
    for (size_t i = 0; all[i]; i++)
        listed |= all[i] == kernels();
    assert_true(listed);
    const char *asked = asked_for(&has);
    if (asked && has)
        assert_string_equal(kernels()->name, asked);
    pass(case_tables());
    print_message("kernels: %s\n", kernels_reason());
}

/* A table with one wrong function is found out. */
static void no_gelu(float *x, size_t n)
{
    (void)x;
    (void)n;
}

static void test_wrong_table(void **state)
{
    (void)state;
    struct kernels k = *kernels();
    k.gelu = no_gelu;
    assert_string_equal(kernels_check(&k), "gelu");
}

static void test_linear(void **state)
{
    (void)state;
    pass(case_linear());
}

static void test_outliers(void **state)
{
    (void)state;
    pass(case_outliers());
}

static void test_product(void **state)
{
    (void)state;
    pass(case_product());
}

/* The same block in other memory gives the same numbers. */
static void check_mapped(const struct shape *s, enum precision p)
{
    struct err e = {0};
    struct linear *l[2] = {NULL, NULL};
    struct team *t = team_new(1);
    struct workspace *w = workspace_new();
    float *x = numbers(s->rows * s->in, 2);
    float *weights = numbers(s->outs * s->in, 1);
    float *y[2];
    assert_int_equal(linear_new(weights, NULL, s->outs, s->in, p, &l[0], &e),
                     0);
    struct str block = linear_block(l[0]);
    char *copy = aligned_alloc(ALIGNMENT, block.n);
    assert_non_null(copy);
    assert_int_equal(block.n, linear_block_bytes(s->outs, s->in, p));
    memcpy(copy, block.p, block.n);
    block.p = copy;
    assert_int_equal(linear_map(block, s->outs, s->in, p, &l[1], &e), 0);
    for (int i = 0; i < 2; i++) {
        y[i] = numbers(s->rows * s->outs, 1);
        linear_apply(t, w,
                     &(struct linear_job){.l = l[i],
                                          .x = x,
                                          .rows = s->rows,
                                          .ldx = s->in,
                                          .y = y[i],
                                          .ldy = s->outs});
    }
    assert_memory_equal(y[0], y[1], s->rows * s->outs * sizeof(float));
    linear_free(l[0]);
    linear_free(l[1]);
    block.n -= ALIGNMENT;
    assert_int_equal(linear_map(block, s->outs, s->in, p, &l[1], &e),
                     OTK_EFORMAT);
    block.n += ALIGNMENT;
    /* a scale that is not finite, behind all biases */
    size_t columns = (s->outs + PANEL - 1) / PANEL * PANEL;
    size_t behind = 2 * columns;
    if (p == PRECISION_I8) /* the spare panel, and whose outputs it has */
        behind += 3 * PANEL;
    memset(copy + block.n - behind * sizeof(float), 0xff, sizeof(float));
    assert_int_equal(linear_map(block, s->outs, s->in, p, &l[1], &e),
                     OTK_EFORMAT);
    team_free(t);
    workspace_free(w);
    free(copy);
    free(x);
    free(weights);
    free(y[0]);
    free(y[1]);
}

static void test_mapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(shapes); i++) {
        for (int p = 0; p < PRECISIONS; p++)
            check_mapped(&shapes[i], (enum precision)p);
    }
}

/* One weight far outside the others does not make its output coarse. */
static void test_far_out(void **state)
{
    (void)state;
    enum { OUTS = 100, IN = 256, ROWS_N = 9 };
    struct err e = {0};
    struct linear *l = NULL;
    struct team *t = team_new(2);
    struct workspace *w = workspace_new();
    float *x = numbers((size_t)ROWS_N * IN, 1);
    float *weights = numbers((size_t)OUTS * IN, 1);
    float *y = numbers((size_t)ROWS_N * OUTS, 1);
    float *expected = numbers((size_t)ROWS_N * OUTS, 1);
    weights[3 * IN + 7] = 60;
    weights[99 * IN] = -45;
    for (size_t r = 0; r < ROWS_N; r++)
        x[r * IN + 7] = x[r * IN] = 0; /* what is left is the others' error */
    reference_linear(ROWS_N, IN, OUTS, x, weights, NULL, expected);
    assert_int_equal(linear_new(weights, NULL, OUTS, IN, PRECISION_I8, &l, &e),
                     0);
    linear_apply(
        t, w,
        &(struct linear_job){
            .l = l, .x = x, .rows = ROWS_N, .ldx = IN, .y = y, .ldy = OUTS});
    for (size_t r = 0; r < ROWS_N; r++) {
        assert_true(fabsf(y[r * OUTS + 3] - expected[r * OUTS + 3]) < 0.2F);
        assert_true(fabsf(y[r * OUTS + 99] - expected[r * OUTS + 99]) < 0.2F);
        assert_true(fabsf(y[r * OUTS + 4] - expected[r * OUTS + 4]) < 0.2F);
    }
    linear_free(l);
    team_free(t);
    workspace_free(w);
    free(x);
    free(weights);
    free(y);
    free(expected);
}

static void test_attention(void **state)
{
    (void)state;
    pass(case_attention());
}

static void test_workspace(void **state)
{
    (void)state;
    struct workspace *w = workspace_new();
    char *a = workspace_take(w, 100);
    size_t mark = workspace_mark(w);
    char *b = workspace_take(w, 1 << 20);
    char *c = workspace_take(w, 1 << 22);
    assert_int_equal((uintptr_t)a % 64 + (uintptr_t)b % 64 + (uintptr_t)c % 64,
                     0);
    memset(a, 1, 100);
    memset(b, 2, 1 << 20);
    memset(c, 3, 1 << 22);
    assert_int_equal(a[99], 1);
    assert_int_equal(b[(1 << 20) - 1], 2);
    workspace_reset(w, mark);
    assert_ptr_equal(workspace_take(w, 1 << 20), b); /* nothing is new */
    assert_ptr_equal(workspace_take(w, 1 << 22), c);
    workspace_reset(w, 0);
    assert_ptr_equal(workspace_take(w, 1), a);
    workspace_free(w);
}

static void count(void *arg, int i, int n)
{
    int *seen = arg;
    seen[i] += n;
}

static void test_team(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++) {
        struct team *t = team_new(n);
        int seen[5] = {0};
        assert_int_equal(team_size(t), n);
        for (int i = 0; i < 300; i++)
            team_run(t, count, seen);
        for (int i = 0; i < n; i++)
            assert_int_equal(seen[i], 300 * n);
        team_free(t);
    }
    team_free(NULL);
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        size_t from, to;
        team_share(50, 8, i, 3, &from, &to);
        assert_int_equal(from, at);
        at = to;
    }
    assert_int_equal(at, 50);
}

static void test_precision(void **state)
{
    (void)state;
    enum precision p;
    struct err e = {0};
    assert_int_equal(precision_from(STR("int8"), &p, &e), 0);
    assert_int_equal(p, PRECISION_I8);
    assert_string_equal(precision_name(PRECISION_BF16), "bf16");
    assert_int_equal(precision_from(STR("int4"), &p, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "int4"));
    assert_int_equal(linear_new(NULL, NULL, 0, 4, PRECISION_F32, NULL, &e),
                     OTK_ELIMIT);
}

/* Rounding and ranges of the plain forms, by hand. */
static void test_reference(void **state)
{
    (void)state;
    assert_int_equal(reference_bf16(1.0F), 0x3f80);
    assert_int_equal(reference_bf16(1.00390625F), 0x3f80); /* a tie: even */
    assert_int_equal(reference_bf16(1.01171875F), 0x3f82);
    assert_true(isnan(reference_of_bf16(reference_bf16(NAN))));
    const float x[] = {-1, 0, 0.5F, 1};
    uint8_t q[4];
    struct quantized_row row;
    struct row_range range;
    reference_range(x, 4, &range);
    assert_true(range.least == -1 && range.most == 1 && range.squares == 2.25F);
    reference_quantize_row(x, 4, &range, 255, q, &row);
    assert_int_equal(q[0], 0);
    assert_int_equal(q[1], row.zero);
    assert_in_range(q[3], 254, 255);
    reference_range(x + 1, 1, &range); /* all zero */
    reference_quantize_row(x + 1, 1, &range, 255, q, &row);
    assert_int_equal(q[0] - row.zero, 0);
    int8_t w[4];
    assert_true(reference_quantize_weights(x, 4, w) > 0);
    assert_int_equal(w[0], -127);
    float g[] = {0, 1, -1};
    reference_gelu(g, 3);
    assert_true(fabsf(g[1] - 0.8413447F) < 1e-6F && g[0] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),    cmocka_unit_test(test_wrong_table),
        cmocka_unit_test(test_linear),    cmocka_unit_test(test_outliers),
        cmocka_unit_test(test_product),   cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_far_out),   cmocka_unit_test(test_attention),
        cmocka_unit_test(test_workspace), cmocka_unit_test(test_team),
        cmocka_unit_test(test_precision), cmocka_unit_test(test_reference),
    };
    enum { SKIPPED = 77 }; /* as tests/CMakeLists.txt tells CTest */
    bool has;
    rand_init(&chance, 7);
    (void)asked_for(&has);
    if (!has) {
        print_message("kernels: %s\n", kernels_reason());
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
