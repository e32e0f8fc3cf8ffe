/* SPDX-License-Identifier: Apache-2.0 */
/* Safetensors: good files of all kinds, then every kind of lie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "model/safetensors.h"
#include "model/weights.h"
#include "test.h"

static char top[] = "/tmp/otklik-weights-XXXXXX";

enum { PATH_BYTES = 300, FILE_BYTES = 64 << 20 };

/* A folder of its own for each case. */
static void make_folder(char ret[PATH_BYTES])
{
    static int n;
    (void)snprintf(ret, PATH_BYTES, "%s/%d", top, n++);
    assert_int_equal(file_make_dir(ret, NULL), 0);
}

static void put(const char *folder, const char *name, struct str bytes)
{
    char path[PATH_BYTES * 2];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(file_write(path, bytes, 0644, NULL), 0);
}

/* A file of `header` as it is and `n` bytes of zeros. */
static void put_file(const char *folder, const char *name, struct str header,
                     size_t n)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    uint64_t len = header.n;
    buf_put(&b, &len, sizeof(len));
    buf_put_str(&b, header);
    while (n--)
        buf_putc(&b, '\0');
    put(folder, name, buf_str(&b));
    buf_free(&b);
}

/* The folder must not open, and say `why` and which file. */
static void refuse(const char *folder, int code, const char *why)
{
    struct weights *w = NULL;
    struct err e = {0};
    int r = weights_open(folder, &w, &e);
    assert_null(w);
    if (r != code || !strstr(e.msg, why) || !strstr(e.msg, folder))
        fail_msg("%d '%s', wanted %d '%s'", r, e.msg, code, why);
}

static const struct weight *find(const struct weights *w, const char *name)
{
    const struct weight *x = weights_find(w, str_from(name));
    if (!x)
        fail_msg("no tensor %s", name);
    return x;
}

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

static void test_round_trip(void **state)
{
    (void)state;
    static const float f32[] = {0, -0.0F, 1.5F, -3e38F, 1e-45F, 7};
    static const uint16_t bf16[] = {0x3f80, 0xc000, 0x0001};
    static const int64_t ids[] = {1, -2};
    struct weight list[] = {
        make("слой.b", WEIGHT_BF16, bf16, 3, 1),
        make("a \"quoted\\\"", WEIGHT_F32, f32, 3, 2),
        make("ids", WEIGHT_I64, ids, 1, 2),
        make("nothing", WEIGHT_F32, f32, 0, 5),
        {.name = STR("one"), .type = WEIGHT_F32, .data = f32 + 5, .bytes = 4},
    };
    char folder[PATH_BYTES];
    char path[PATH_BYTES * 2];
    struct err e = {0};
    struct weights *w = NULL;
    make_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    for (int twice = 0; twice < 2; twice++) {
        if (weights_write(path, list, ROWS(list), &e) ||
            weights_open(folder, &w, &e))
            fail_msg("%s", e.msg);
        assert_int_equal(weights_len(w), ROWS(list));
        for (size_t i = 0; i < ROWS(list); i++) {
            const struct weight *x = weights_find(w, list[i].name);
            assert_non_null(x);
            assert_int_equal(x->type, list[i].type);
            assert_int_equal(x->n_dims, list[i].n_dims);
            assert_int_equal(x->bytes, list[i].bytes);
            assert_memory_equal(x->dims, list[i].dims, sizeof(x->dims));
            if (x->bytes)
                assert_memory_equal(x->data, list[i].data, x->bytes);
            assert_int_equal((uintptr_t)x->data % weight_type_size(x->type), 0);
        }
        float ret[6];
        assert_int_equal(weight_read(find(w, "слой.b"), ret, NULL), 0);
        assert_true(ret[0] == 1 && ret[1] == -2 && ret[2] == 0x1p-133F);
        assert_int_equal(weight_read(find(w, "one"), ret, NULL), 0);
        assert_true(ret[0] == 7);
        assert_int_equal(weight_read(find(w, "ids"), ret, &e), OTK_EFORMAT);
        assert_non_null(strstr(e.msg, "'ids' is of type I64"));
        assert_null(weights_find(w, STR("none")));
        weights_close(w);
    }
    weights_close(NULL);
}

static void test_writing_refuses(void **state)
{
    (void)state;
    static const float f32[4];
    const struct weight twice[] = {make("x", WEIGHT_F32, f32, 2, 2),
                                   make("x", WEIGHT_F32, f32, 2, 2)};
    struct weight bad[] = {
        make("", WEIGHT_F32, f32, 1, 1),
        make("\xff", WEIGHT_F32, f32, 1, 1),
        make("two\nlines", WEIGHT_F32, f32, 1, 1),
        make(SAFETENSORS_METADATA, WEIGHT_F32, f32, 1, 1),
        make("more", WEIGHT_F32, f32, 2, 2),
        make("overflow", WEIGHT_F32, f32, SIZE_MAX, SIZE_MAX),
    };
    char path[PATH_BYTES];
    struct err e = {0};
    bad[4].bytes = 12;
    (void)snprintf(path, sizeof(path), "%s/never.safetensors", top);
    assert_int_equal(weights_write(path, twice, 2, &e), OTK_EINVAL);
    for (size_t i = 0; i < ROWS(bad); i++) {
        assert_int_equal(weights_write(path, &bad[i], 1, &e), OTK_EINVAL);
        assert_non_null(strstr(e.msg, path));
    }
    assert_false(file_exists(path));
    assert_int_equal(weights_write("/nowhere/x", twice, 1, &e), OTK_EIO);
}

#define ONE(name, type, shape, from, to)                                       \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape                    \
    ",\"data_offsets\":[" from "," to "]}"
#define A ONE("a", "F32", "[2]", "0", "8")

/* Headers over eight bytes of data. */
static void test_lies(void **state)
{
    (void)state;
    static const struct {
        struct str header;
        int code;
        const char *why;
    } rows[] = {
        {STR(""), OTK_EFORMAT, "begin with '{'"},
        {STR(" {}"), OTK_EFORMAT, "begin with '{'"},
        {STR("{}"), OTK_EFORMAT, "8 bytes after the last"},
        {STR("{\"a\""), OTK_EFORMAT, "JSON line 1"},
        {STR("{" A "} x"), OTK_EFORMAT, "JSON line 1"},
        {STR("{" A "," A "}"), OTK_EFORMAT, "duplicate"},
        {STR("{\"a\xff\":1," A "}"), OTK_EFORMAT, "JSON"},
        {STR("{\"a\\u0000\":1," A "}"), OTK_EFORMAT, "JSON"},
        {STR("{\"\":1," A "}"), OTK_EFORMAT, "name of 0 bytes"},
        {STR("{\"x\\n\":1," A "}"), OTK_EFORMAT, "control"},
        {STR("{\"a\":[[[1]]]}"), OTK_ELIMIT, "deeper"},
        {STR("{\"a\":1}"), OTK_EFORMAT, "'a': it must be an object"},
        {STR("{\"a\":{}}"), OTK_EFORMAT, "'a': 'dtype'"},
        {STR("{" ONE("a", "F31", "[2]", "0", "8") "}"), OTK_EFORMAT, "'dtype'"},
        {STR("{" ONE("a", "F32", "2", "0", "8") "}"), OTK_EFORMAT, "'shape'"},
        {STR("{" ONE("a", "F32", "[1,1,1,1,1,1,1,1,2]", "0", "8") "}"),
         OTK_EFORMAT, "'shape'"},
        {STR("{" ONE("a", "F32", "[2.0]", "0", "8") "}"), OTK_EFORMAT,
         "'shape'"},
        {STR("{" ONE("a", "F32", "[-2]", "0", "8") "}"), OTK_EFORMAT,
         "below zero"},
        {STR("{" ONE("a", "F32", "[99999999999999999999]", "0", "8") "}"),
         OTK_EFORMAT, "too big"},
        {STR("{" ONE("a", "F32", "[9223372036854775807,2]", "0", "8") "}"),
         OTK_EFORMAT, "F32 of shape [9223372036854775807, 2]"},
        /* 2^62 floats are 2^64 bytes, which would be none */
        {STR("{" ONE("a", "F32", "[4611686018427387904]", "0", "0") "}"),
         OTK_EFORMAT, "0 bytes are not what"},
        {STR("{" ONE("a", "F32", "[3]", "0", "8") "}"), OTK_EFORMAT,
         "8 bytes are not what F32 of shape [3] takes"},
        {STR("{" ONE("a", "F32", "[1]", "0", "8") "}"), OTK_EFORMAT,
         "8 bytes are not what F32 of shape [1] takes"},
        {STR("{" ONE("a", "F32", "[2]", "0", "9") "}"), OTK_EFORMAT,
         "but there are 8"},
        {STR("{" ONE("a", "F32", "[2]", "8", "0") "}"), OTK_EFORMAT,
         "bytes 8 to 0"},
        {STR("{" ONE("a", "F32", "[2]", "-8", "0") "}"), OTK_EFORMAT,
         "bytes -8 to 0"},
        {STR("{" ONE("a", "F32", "[2]", "0", "8.0") "}"), OTK_EFORMAT,
         "'data_offsets'"},
        {STR("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],"
             "\"data_offsets\":[0,8,8]}}"),
         OTK_EFORMAT, "'data_offsets'"},
        {STR("{" A "," ONE("b", "F32", "[1]", "4", "8") "}"), OTK_EFORMAT,
         "'b' begins at byte 4, the one before it ends at 8: they overlap"},
        {STR("{" ONE("b", "F32", "[1]", "4", "8") "}"), OTK_EFORMAT, "a hole"},
        {STR("{" A "," ONE("b", "F32", "[0]", "4", "4") "}"), OTK_EFORMAT,
         "overlap"},
        {STR("{" ONE("b", "F32", "[1]", "0", "4") "}"), OTK_EFORMAT,
         "4 bytes after"},
        {STR("{\"__metadata__\":[]," A "}"), OTK_EFORMAT, "__metadata__"},
        {STR("{\"__metadata__\":{\"a\":1}," A "}"), OTK_EFORMAT,
         "__metadata__"},
    };
    char folder[PATH_BYTES];
    make_folder(folder);
    for (size_t i = 0; i < ROWS(rows); i++) {
        put_file(folder, "model.safetensors", rows[i].header, 8);
        refuse(folder, rows[i].code, rows[i].why);
    }
    struct weights *w = NULL;
    put_file(folder, "model.safetensors",
             STR("{\"__metadata__\":{\"format\":\"pt\"}," A
                 "," ONE("empty", "BOOL", "[0,3]", "8", "8") "}   "),
             8);
    assert_int_equal(weights_open(folder, &w, NULL), 0);
    assert_int_equal(weights_len(w), 2);
    weights_close(w);
}

static void test_lengths(void **state)
{
    (void)state;
    char folder[PATH_BYTES];
    make_folder(folder);
    refuse(folder, OTK_ENOENT, "neither model.safetensors nor");
    put(folder, "pytorch_model.bin", STR("x"));
    refuse(folder, OTK_ENOENT, "save the model as safetensors");
    put(folder, "model.safetensors", STR(""));
    refuse(folder, OTK_EFORMAT, "empty");
    put(folder, "model.safetensors", STR("\x02\0\0\0\0\0\0"));
    refuse(folder, OTK_EFORMAT, "7 bytes are too few");
    put(folder, "model.safetensors", STR("\x03\0\0\0\0\0\0\0{}"));
    refuse(folder, OTK_EFORMAT, "a header of 3 bytes");
    put(folder, "model.safetensors", STR("\xff\xff\xff\xff\xff\xff\xff\xff{}"));
    refuse(folder, OTK_EFORMAT, "a header of 18446744073709551615 bytes");
    struct weights *w = NULL;
    put_file(folder, "model.safetensors", STR("{}"), 0);
    assert_int_equal(weights_open(folder, &w, NULL), 0);
    assert_int_equal(weights_len(w), 0);
    weights_close(w);
    /* a hole in the file system, so that the disk is spared */
    char path[PATH_BYTES * 2];
    put(folder, "model.safetensors", STR("\x01\xe1\xf5\x05\0\0\0\0{}"));
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    assert_int_equal(truncate(path, 200 * 1000 * 1000), 0);
    refuse(folder, OTK_ELIMIT, "a header of 100000001 bytes");
}

/* A pipe must not be waited for, a folder is no file. */
static void test_no_file(void **state)
{
    (void)state;
    char folder[PATH_BYTES];
    char path[PATH_BYTES * 2];
    make_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    assert_int_equal(mkfifo(path, 0644), 0);
    refuse(folder, OTK_EFORMAT, "cannot be mapped");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(file_make_dir(path, NULL), 0);
    refuse(folder, OTK_EFORMAT, "cannot be mapped");
}

static void test_too_many(void **state)
{
    (void)state;
    char folder[PATH_BYTES];
    struct buf b = BUF_INIT(FILE_BYTES);
    struct weights *w = NULL;
    make_folder(folder);
    for (int extra = 0; extra < 2; extra++) {
        buf_reset(&b);
        for (int i = 0; i < SAFETENSORS_MAX + extra; i++)
            buf_printf(&b,
                       "%c\"t%d\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1]"
                       ",\"data_offsets\":[%d,%d]}",
                       i ? ',' : '{', i, i, i + 1);
        buf_puts(&b, ",\"__metadata__\":{}}");
        put_file(folder, "model.safetensors", buf_str(&b),
                 (size_t)(SAFETENSORS_MAX + extra));
        if (extra)
            refuse(folder, OTK_ELIMIT, "more than 100000 tensors");
        else
            assert_int_equal(weights_open(folder, &w, NULL), 0);
    }
    assert_int_equal(weights_len(w), SAFETENSORS_MAX);
    assert_non_null(weights_find(w, STR("t99999")));
    weights_close(w);
    buf_reset(&b);
    buf_puts(&b, "{\"a\":[");
    for (int i = 0; i < 20 * SAFETENSORS_MAX; i++)
        buf_puts(&b, "1,");
    put_file(folder, "model.safetensors", buf_str(&b), 0);
    refuse(folder, OTK_ELIMIT, "values");
    buf_free(&b);
}

#define INDEX(map)                                                             \
    STR("{\"metadata\":{\"total_size\":16},\"weight_map\":" map "}")

static void test_shards(void **state)
{
    (void)state;
    static const struct {
        struct str index;
        const char *why;
    } rows[] = {
        {STR("{}"), "weight_map: must be"},
        {STR("{"), "JSON line 1"},
        {INDEX("{}"), "weight_map: must be"},
        {INDEX("[]"), "weight_map: must be"},
        {INDEX("{\"a\":1}"), "'a' must lie in a file"},
        {INDEX("{\"a\":\"../1.safetensors\"}"), "'a' must lie in a file"},
        {INDEX("{\"a\":\"/tmp/1.safetensors\"}"), "'a' must lie in a file"},
        {INDEX("{\"a\":\"..safetensors\"}"), "'a' must lie in a file"},
        {INDEX("{\"a\":\"\"}"), "'a' must lie in a file"},
        {INDEX("{\"a\":\"pickle.bin\"}"), "'a' must lie in a file"},
        {INDEX("{\"a\":\"9.safetensors\"}"), "9.safetensors: No such file"},
        {INDEX("{\"a\":\"1.safetensors\",\"c\":\"2.safetensors\"}"),
         "'c' is not in 2.safetensors"},
        {INDEX("{\"a\":\"2.safetensors\",\"b\":\"1.safetensors\"}"),
         "'a' is not in 2.safetensors"},
        {INDEX("{\"a\":\"1.safetensors\",\"b\":\"3.safetensors\"}"),
         "'a' is in "},
        {INDEX("{\"a\":\"bad.safetensors\"}"), "bad.safetensors: "},
        {INDEX("[[[[[]]]]]"), "deeper"},
    };
    char folder[PATH_BYTES];
    struct weights *w = NULL;
    struct err e = {0};
    make_folder(folder);
    put_file(folder, "1.safetensors", STR("{" A "}"), 8);
    put_file(folder, "2.safetensors",
             STR("{" ONE("b", "F16", "[2,2]", "0", "8") "}"), 8);
    put_file(folder, "3.safetensors", STR("{" A "}"), 8);
    put_file(folder, "bad.safetensors", STR("{" A "}"), 7);
    for (size_t i = 0; i < ROWS(rows); i++) {
        put(folder, "model.safetensors.index.json", rows[i].index);
        bool deep = strstr(rows[i].why, "deeper") != NULL;
        bool gone = strstr(rows[i].why, "No such") != NULL;
        int code = deep ? OTK_ELIMIT : gone ? OTK_ENOENT : OTK_EFORMAT;
        refuse(folder, code, rows[i].why);
    }
    put(folder, "model.safetensors.index.json",
        INDEX("{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}"));
    if (weights_open(folder, &w, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(weights_len(w), 2);
    assert_int_equal(find(w, "b")->type, WEIGHT_F16);
    assert_non_null(strstr(find(w, "b")->file, "/2.safetensors"));
    assert_true(str_is(weights_at(w, 0)->name, "a"));
    weights_close(w);
}

static int make_top(void **state)
{
    (void)state;
    return mkdtemp(top) == NULL;
}

static int remove_top(void **state)
{
    (void)state;
    char command[PATH_BYTES];
    (void)snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_writing_refuses),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_shards),
    };
    return cmocka_run_group_tests(tests, make_top, remove_top);
}
