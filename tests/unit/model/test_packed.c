/* SPDX-License-Identifier: Apache-2.0 */
/* Packed files: the same numbers as the weights, and every kind of damage. */
#include "model/packed.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/rand.h"
#include "model/encoder.h"
#include "model/model.h"
#include "model/names.h"
#include "model/weights.h"
#include "tensor/kernels.h"
#include "unit/model/folders.h"

enum { TEXTS = 3, HIDDEN = 40, ENTRY = 24, HEAD = 64 };

static char top[] = "/tmp/otklik-packed-XXXXXX";
static char folder[64], other[64];
static const struct str texts[TEXTS] = {
    {"printer toner", 13}, {"help with the vpn", 17}, {"почта", 10}};

static int make(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(top));
    (void)snprintf(folder, sizeof(folder), "%s/model", top);
    (void)snprintf(other, sizeof(other), "%s/other", top);
    /* a width that is no whole panel, group or line of the cache */
    folder_make("bert", folder, "--hidden 40 --heads 4");
    folder_make("bert", other, "--hidden 40 --heads 4 --seed 2");
    return 0;
}

static int clean(void **state)
{
    (void)state;
    folder_remove(top);
    return 0;
}

static struct model *load(const char *from, enum precision p, bool packed)
{
    struct err e = {0};
    struct model *m = NULL;
    if ((packed ? model_load : model_load_weights)(from, p, &m, &e))
        fail_msg("%s", e.msg);
    return m;
}

static void embed(const struct model *m, float *ret)
{
    struct err e = {0};
    struct session *s = session_new(1);
    assert_int_equal(model_embed_texts(m, s, texts, TEXTS, ret, &e), 0);
    session_free(s);
}

static void same(enum precision p, bool packed)
{
    float a[TEXTS * HIDDEN];
    float b[TEXTS * HIDDEN];
    struct model *m = load(folder, p, false);
    struct model *x = load(folder, p, true);
    assert_false(model_info(m)->packed);
    assert_int_equal(model_info(x)->packed, packed);
    assert_int_equal(model_info(x)->bytes, model_info(m)->bytes);
    embed(m, a);
    embed(x, b);
    assert_memory_equal(a, b, sizeof(a));
    model_unref(m);
    model_unref(x);
}

static void test_same(void **state)
{
    (void)state;
    for (int i = 0; i < PRECISIONS; i++) {
        enum precision p = (enum precision)i;
        struct err e = {0};
        char name[PACKED_NAME_BYTES];
        size_t bytes;
        size_t written;
        same(p, false);
        assert_int_equal(model_pack(folder, p, &bytes, &e), 0);
        same(p, true);
        packed_name(p, name);
        free(folder_read(folder, name, &written));
        assert_int_equal(written, bytes);
        struct model *m = load(folder, p, true);
        assert_int_equal(model_check_packed(m, &e), 0);
        model_unref(m);
    }
}

/* The model works on, and says why it is not the packed file. */
static void passed_over(const char *why)
{
    struct model *m = load(folder, PRECISION_I8, true);
    assert_false(model_info(m)->packed);
    assert_non_null(model_info(m)->note);
    if (!strstr(model_info(m)->note, why) ||
        !strstr(model_info(m)->note, "packed-int8.otk"))
        fail_msg("%s, expected %s", model_info(m)->note, why);
    model_unref(m);
    same(PRECISION_I8, false);
}

static void test_damage(void **state)
{
    (void)state;
    static const char name[] = "packed-int8.otk";
    struct err e = {0};
    struct rand chance;
    size_t n;
    rand_init(&chance, 7);
    assert_int_equal(model_pack(folder, PRECISION_I8, &n, &e), 0);
    char *p = folder_read(folder, name, &n);
    char *bad = malloc(n + 1);
    for (size_t i = 0; i < 16; i++) {
        folder_write(folder, name, p, n * i / 16);
        passed_over(i ? "cut short" : "empty");
    }
    memcpy(bad, p, n);
    bad[n] = 0;
    folder_write(folder, name, bad, n + 1);
    passed_over("size");
    static const struct {
        size_t at;
        const char *why;
    } heads[] = {{0, "magic"},   {8, "version"}, {12, "precision"},
                 {16, "parts"},  {20, "panels"}, {24, "size"},
                 {32, "source"}, {HEAD, "table"}};
    for (size_t i = 0; i < ROWS(heads); i++) {
        memcpy(bad, p, n);
        bad[heads[i].at] ^= 0x40;
        folder_write(folder, name, bad, n);
        passed_over(heads[i].why);
    }
    /* any bit of what is looked at when loading */
    uint64_t words[2];
    memcpy(words, p + HEAD, sizeof(words));
    size_t from = words[0] + words[1] + ALIGNMENT;
    for (int i = 0; i < 50; i++) {
        memcpy(bad, p, n);
        bad[from + rand_below(&chance, (uint32_t)(n - from))] ^=
            (char)(1 << rand_below(&chance, 8));
        if (memcmp(bad, p, n) == 0)
            continue;
        folder_write(folder, name, bad, n);
        struct model *m = load(folder, PRECISION_I8, true);
        bool packed = model_info(m)->packed; /* zeros between parts changed */
        if (!packed)
            assert_non_null(strstr(model_info(m)->note, "damaged"));
        model_unref(m);
        same(PRECISION_I8, packed);
    }
    /* and of the words' embeddings, when that is asked */
    memcpy(bad, p, n);
    bad[words[0] + 5] ^= 1;
    folder_write(folder, name, bad, n);
    struct model *m = load(folder, PRECISION_I8, true);
    assert_true(model_info(m)->packed);
    assert_int_equal(model_check_packed(m, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "part 0"));
    model_unref(m);
    /* of another precision under this name */
    free(bad);
    assert_int_equal(model_pack(folder, PRECISION_BF16, &n, &e), 0);
    bad = folder_read(folder, "packed-bf16.otk", &n);
    folder_write(folder, name, bad, n);
    passed_over("precision");
    free(bad);
    free(p);
}

/* Other weights of the same shapes: also a single tensor of them. */
static void test_other_weights(void **state)
{
    (void)state;
    struct err e = {0};
    size_t n;
    assert_int_equal(model_pack(folder, PRECISION_I8, &n, &e), 0);
    char *kept = folder_read(folder, "model.safetensors", &n);
    char *p = folder_read(other, "model.safetensors", &n);
    folder_write(folder, "model.safetensors", p, n);
    passed_over("source");
    memcpy(p, kept, n);
    p[n - 2] ^= 1;
    folder_write(folder, "model.safetensors", p, n);
    passed_over("source");
    folder_write(folder, "model.safetensors", kept, n);
    same(PRECISION_I8, true);
    free(p);
    p = folder_read(folder, "config.json", &n);
    char *more = malloc(n + 1);
    memcpy(more, p, n);
    more[n] = '\n';
    folder_write(folder, "config.json", more, n + 1);
    passed_over("source");
    folder_write(folder, "config.json", p, n);
    same(PRECISION_I8, true);
    free(more);
    free(p);
    free(kept);
}

/* Who may write can make sums right: values are still looked at. */
static void test_values(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct err e = {0};
    struct model_config c;
    struct weights *w = NULL;
    struct packed_source source;
    struct packed *packed = NULL;
    struct encoder *x = NULL;
    size_t bytes;
    assert_int_equal(model_pack(folder, PRECISION_BF16, &bytes, &e), 0);
    assert_int_equal(model_config_read(folder, a, &c, &e), 0);
    assert_int_equal(weights_open(folder, &w, &e), 0);
    assert_int_equal(packed_source(folder, w, &source, &e), 0);
    assert_int_equal(
        packed_open(folder, &c, PRECISION_BF16, &source, &packed, &e), 0);
    size_t n = encoder_n_parts(&c);
    struct str *parts = ARENA_ARRAY(a, struct str, n);
    for (size_t i = 1; i < n; i++) {
        memcpy(parts, packed_parts(packed), n * sizeof(*parts));
        char *copy = aligned_alloc(ALIGNMENT, (parts[i].n + ALIGNMENT - 1) /
                                                  ALIGNMENT * ALIGNMENT);
        memcpy(copy, parts[i].p, parts[i].n);
        memset(copy, 0xff, sizeof(float));
        parts[i].p = copy;
        assert_int_equal(encoder_map(&c, PRECISION_BF16, parts, &x, &e),
                         OTK_EFORMAT);
        assert_non_null(strstr(e.msg, "finite"));
        parts[i] = packed_parts(packed)[i];
        parts[i].n -= ALIGNMENT;
        assert_int_equal(encoder_map(&c, PRECISION_BF16, parts, &x, &e),
                         OTK_EFORMAT);
        parts[i].n += ALIGNMENT;
        parts[i].p += 4;
        assert_int_equal(encoder_map(&c, PRECISION_BF16, parts, &x, &e),
                         OTK_EFORMAT);
        free(copy);
    }
    packed_close(packed);
    packed_close(NULL);
    weights_close(w);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_other_weights),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
