/* SPDX-License-Identifier: Apache-2.0 */
/* Values of tensors as floats. */
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "model/weight.h"
#include "model/weights.h"
#include "test.h"

static struct weight make(const char *name, enum weight_type type,
                          const void *data, size_t rows, size_t columns)
{
    return (struct weight){.name = str_from(name),
                           .type = type,
                           .n_dims = 2,
                           .dims = {rows, columns},
                           .data = data,
                           .bytes = rows * columns * weight_type_size(type)};
}

static void test_rows(void **state)
{
    (void)state;
    static const float f32[] = {0, 1, 2, 3, 4, 5};
    const struct weight x = make("x", WEIGHT_F32, f32, 3, 2);
    const struct weight none = make("none", WEIGHT_F32, f32, 0, 2);
    struct err e = {0};
    float ret[6] = {0};
    assert_int_equal(weight_read_rows(&x, 1, 2, ret, NULL), 0);
    assert_true(ret[0] == 2 && ret[3] == 5 && ret[4] == 0);
    assert_int_equal(weight_read_rows(&x, 3, 0, ret, NULL), 0);
    assert_int_equal(weight_read_rows(&x, 2, 2, ret, &e), OTK_EINVAL);
    assert_int_equal(weight_read_rows(&x, 4, 0, ret, NULL), OTK_EINVAL);
    assert_int_equal(weight_read_rows(&x, 1, SIZE_MAX, ret, NULL), OTK_EINVAL);
    assert_int_equal(weight_read_rows(&none, 0, 0, ret, NULL), 0);
    assert_int_equal(weight_read_rows(&none, 0, 1, ret, NULL), OTK_EINVAL);
}

/* By the definition: (-1)^sign * 2^(exponent - 15) * 1.fraction. */
static double half(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double fraction = (h & 1023) / 1024.0;
    double x =
        exponent ? ldexp(1 + fraction, exponent - 15) : ldexp(fraction, -14);
    return h >> 15 ? -x : x;
}

/* Every number of 16 bits, also from an address that is not aligned. */
static void test_all_of_16_bits(void **state)
{
    (void)state;
    static char bytes[2 + 1];
    for (uint32_t i = 0; i < 1 << 16; i++) {
        uint16_t bits = (uint16_t)i;
        uint32_t wide = i << 16;
        float want;
        float got = 0;
        memcpy(bytes + 1, &bits, sizeof(bits));
        memcpy(&want, &wide, sizeof(want));
        const struct weight b = make("b", WEIGHT_BF16, bytes + 1, 1, 1);
        int r = weight_read(&b, &got, NULL);
        assert_int_equal(r, isfinite(want) ? 0 : OTK_EFORMAT);
        assert_true(r || (got == want && signbit(got) == signbit(want)));
        const struct weight h = make("h", WEIGHT_F16, bytes + 1, 1, 1);
        r = weight_read(&h, &got, NULL);
        assert_int_equal(r, (bits >> 10 & 31) < 31 ? 0 : OTK_EFORMAT);
        assert_true(
            r || ((double)got == half(bits) && !signbit(got) == !(bits >> 15)));
    }
}

static void test_not_finite(void **state)
{
    (void)state;
    enum { N = 5000, AT = 4321 };
    static float values[N];
    static float ret[N];
    static const char path[] = "/nowhere/bad.safetensors";
    struct err e = {0};
    const struct weight x = make("layer.7", WEIGHT_F32, values, N, 1);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < ROWS(bad); i++) {
        values[AT] = bad[i];
        assert_int_equal(weight_read(&x, ret, &e), OTK_EFORMAT);
        assert_non_null(strstr(e.msg, "'layer.7': value 4321 "));
        assert_int_equal(weight_read_rows(&x, AT + 1, 9, ret, NULL), 0);
        assert_int_equal(weight_read_rows(&x, AT, 1, ret, &e), OTK_EFORMAT);
        assert_non_null(strstr(e.msg, "value 4321 "));
        assert_int_equal(weights_write(path, &x, 1, &e), OTK_EFORMAT);
    }
}

static void test_texts(void **state)
{
    (void)state;
    const size_t dims[WEIGHT_DIMS_MAX] = {
        SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX,
        SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX,
    };
    char text[WEIGHT_SHAPE_TEXT];
    enum weight_type type;
    weight_print_shape(dims, 0, text);
    assert_string_equal(text, "[]");
    weight_print_shape(dims, WEIGHT_DIMS_MAX, text);
    assert_string_equal(text + strlen(text) - 3, "15]");
    for (int t = 0; t < WEIGHT_PLAIN_TYPES; t++) {
        struct str name = str_from(weight_type_name((enum weight_type)t));
        assert_true(weight_type_find(name, &type));
        assert_int_equal(type, t);
    }
    assert_false(weight_type_find(STR("f32"), &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_all_of_16_bits),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
