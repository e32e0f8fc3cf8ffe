/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of a few bits, byte by byte as the format says. */
#include "model/blocks.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "model/weight.h"
#include "test.h"

enum { HALF_ONE = 0x3c, HALF_TWO = 0x40 }; /* upper bytes of 1.0 and 2.0 */

static void four_bits(void **state)
{
    (void)state;
    char q4_0[18] = {0, HALF_TWO};
    char q4_1[20] = {0, HALF_TWO, 0, HALF_ONE};
    float x[BLOCK_VALUES];
    q4_0[2] = (char)0xf1; /* value 0 is 1, value 16 is 15 */
    q4_1[4] = (char)0xf1;
    assert_true(blocks_q4_0(q4_0, BLOCK_VALUES, x));
    assert_true(x[0] == 2 * (1 - 8) && x[16] == 2 * (15 - 8));
    assert_true(x[1] == -16 && x[31] == -16);
    assert_true(blocks_q4_1(q4_1, BLOCK_VALUES, x));
    assert_true(x[0] == 3 && x[16] == 31 && x[1] == 1);
}

static void five_bits(void **state)
{
    (void)state;
    char q5_0[22] = {0, HALF_ONE};
    char q5_1[24] = {0, HALF_ONE, 0, (char)(HALF_ONE | 0x80)}; /* m is -1 */
    float x[BLOCK_VALUES];
    q5_0[2] = 1;         /* fifth bit of value 0 */
    q5_0[5] = (char)128; /* of value 31 */
    q5_0[6] = 3;
    q5_1[4] = 2; /* of value 1 */
    assert_true(blocks_q5_0(q5_0, BLOCK_VALUES, x));
    assert_true(x[0] == 3 && x[31] == 0 && x[16] == -16 && x[1] == -16);
    assert_true(blocks_q5_1(q5_1, BLOCK_VALUES, x));
    assert_true(x[1] == 15 && x[0] == -1 && x[17] == -1);
}

static void eight_bits(void **state)
{
    (void)state;
    char two[2 * 34] = {0, HALF_TWO};
    float x[2 * BLOCK_VALUES];
    two[2] = -128;
    two[33] = 127;
    two[34] = 1; /* the smallest f16: 2^-24 */
    two[36] = 64;
    assert_true(blocks_q8_0(two, 2 * BLOCK_VALUES, x));
    assert_true(x[0] == -256 && x[31] == 254 && x[32] == 64 * 0x1p-24F);
}

/* A scale that is no number is told, with the tensor's name. */
static void not_finite(void **state)
{
    (void)state;
    char bad[3 * 34] = {0};
    float x[3 * BLOCK_VALUES];
    struct err e = {0};
    bad[69] = 0x7c; /* infinity, third block */
    const struct weight w = {.name = STR("layer"),
                             .type = WEIGHT_Q8_0,
                             .n_dims = 2,
                             .dims = {3, BLOCK_VALUES},
                             .data = bad,
                             .bytes = sizeof(bad)};
    assert_int_equal(weight_count(&w), 3 * BLOCK_VALUES);
    assert_int_equal(weight_read(&w, x, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "tensor 'layer': value 64"));
    assert_int_equal(weight_read_rows(&w, 1, 1, x, &e), OTK_OK);
    assert_int_equal(weight_read_rows(&w, 2, 1, x, &e), OTK_EFORMAT);
}

static void sizes(void **state)
{
    (void)state;
    size_t bytes;
    enum weight_type t;
    const size_t even[] = {5, 64};
    const size_t odd[] = {64, 33};
    assert_true(weight_size(WEIGHT_Q5_1, even, 2, &bytes));
    assert_int_equal(bytes, 5 * 2 * 24);
    assert_false(weight_size(WEIGHT_Q5_1, odd, 2, &bytes));
    assert_false(weight_size(WEIGHT_Q8_0, even, 0, &bytes));
    /* safetensors has no such types */
    assert_false(weight_type_find(STR("Q8_0"), &t));
    assert_true(weight_type_find(STR("BF16"), &t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_bits),  cmocka_unit_test(five_bits),
        cmocka_unit_test(eight_bits), cmocka_unit_test(not_finite),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
