/* SPDX-License-Identifier: Apache-2.0 */
/* Files of whisper.cpp, whole and wrong. */
#include "model/ggml.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/weight.h"
#include "test.h"

enum { FILE_MAX = 1 << 16, SIZES = 11 };

static struct arena *arena;

static int make(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int clean(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void put(struct buf *b, int32_t n)
{
    buf_put(b, &n, sizeof(n));
}

static void put_head(struct buf *b, int32_t vocab, int32_t type)
{
    put(b, 0x67676d6c);
    for (int i = 0; i < SIZES; i++)
        put(b, i == 0 ? vocab : i == SIZES - 1 ? type : i);
    put(b, 2); /* filters: 2 × 3 */
    put(b, 3);
    for (int i = 0; i < 6; i++)
        put(b, 0);
    put(b, 2); /* tokens */
    put(b, 1);
    buf_puts(b, "a");
    put(b, 0);
}

static void put_tensor(struct buf *b, const char *name, int32_t type,
                       int32_t inner, int32_t outer, size_t bytes)
{
    put(b, 2);
    put(b, (int32_t)strlen(name));
    put(b, type);
    put(b, inner);
    put(b, outer);
    buf_puts(b, name);
    for (size_t i = 0; i < bytes; i++)
        buf_putc(b, 0);
}

/* The error that a file gives; "" when it is read. */
static const char *error_of(const struct buf *b, size_t n)
{
    static struct err e;
    struct ggml_file f;
    /* an exact copy, so that a sanitizer sees a read past the end */
    char *copy = malloc(n + 1);
    assert_non_null(copy);
    memcpy(copy, b->ptr, n);
    e = (struct err){0};
    int r = ggml_read((struct str){copy, n}, "m.bin", arena, &f, &e);
    assert_true(r == OTK_OK || (e.msg[0] && !f.list.at));
    free(f.list.at);
    free(copy);
    return e.msg;
}

static void whole(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(FILE_MAX);
    struct err e = {0};
    struct ggml_file f;
    put_head(&b, 5, 2007);
    put_tensor(&b, "a.weight", 8, 64, 3, 3 * 2 * 34);
    put_tensor(&b, "a.bias", 0, 1, 4, 16);
    assert_int_equal(ggml_read(buf_str(&b), "m.bin", arena, &f, &e), OTK_OK);
    assert_int_equal(f.sizes.vocab, 5);
    assert_int_equal(f.sizes.mels, 9);
    assert_int_equal(f.n_tokens, 2);
    assert_true(str_is(f.tokens[0], "a") && f.tokens[1].n == 0);
    assert_int_equal(f.list.len, 2);
    assert_int_equal(f.list.at[0].type, WEIGHT_Q8_0);
    assert_int_equal(f.list.at[0].dims[0], 3); /* outermost first */
    assert_int_equal(f.list.at[0].dims[1], 64);
    assert_true(str_is(f.list.at[1].name, "a.bias"));
    free(f.list.at);
    buf_free(&b);
}

/* However short, it is told; only between two tensors it cannot be. */
static void cut_short(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(FILE_MAX);
    put_head(&b, 5, 0);
    size_t head = b.len;
    put_tensor(&b, "x", 0, 2, 2, 16);
    for (size_t n = 0; n < b.len; n++) {
        if (n == head)
            continue;
        assert_non_null(strstr(error_of(&b, n), "m.bin: "));
    }
    assert_string_equal(error_of(&b, b.len), "");
    buf_free(&b);
}

static void expect(struct buf *b, const char *what)
{
    const char *is = error_of(b, b->len);
    if (!strstr(is, what))
        fail_msg("'%s' is not in '%s'", what, is);
    buf_free(b);
}

static void lies(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(FILE_MAX);
    buf_puts(&b, "RIFF");
    expect(&b, "this is no model of whisper.cpp");
    buf_puts(&b, "GGUF");
    expect(&b, "this is GGUF");
    put_head(&b, 1, 0);
    expect(&b, "n_tokens is 2, with n_vocab 1");
    put_head(&b, 5, 0);
    put_tensor(&b, "x", 0, 1 << 30, 1 << 30, 8);
    expect(&b, "too few for F32 of shape [1073741824, 1073741824]");
    put_head(&b, 5, 0);
    put_tensor(&b, "x", 0, -4, 2, 8);
    expect(&b, "tensor 0: a tensor's dimension is -4");
    put_head(&b, 5, 0);
    put_tensor(&b, "x", 12, 256, 1, 200);
    expect(&b, "tensor 'x': its type 12 is not read here");
    put_head(&b, 5, 1007);
    put_tensor(&b, "x", 8, 32, 1, 34);
    expect(&b, "blocks of version 1");
    put_head(&b, 5, 2007);
    put_tensor(&b, "x", 8, 33, 1, 70);
    expect(&b, "Q8_0 of shape [1, 33]");
    put_head(&b, 5, 0);
    put_tensor(&b, "a\nb", 0, 1, 1, 4);
    expect(&b, "control");
    put_head(&b, 5, 0);
    put(&b, 9);
    put(&b, 1);
    put(&b, 0);
    expect(&b, "number of dimensions is 9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(lies),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
