/* SPDX-License-Identifier: Apache-2.0 */
/* LoRA adapters, made and merged by tests/models/adapter.py. */
#include "model/adapter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/finetune.h"
#include "model/model.h"
#include "model/names.h"
#include "model/weights.h"
#include "test.h"
#include "text/tokenizer.h"

static char top[] = "/tmp/otklik-adapter-XXXXXX";

__attribute__((format(printf, 1, 2))) static void shell(const char *fmt, ...)
{
    char command[1000];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, ap);
    va_end(ap);
    if (system(command))
        fail_msg("%s", command);
}

static const char *scripts(void)
{
    const char *tests = getenv("OTKLIK_TESTS");
    return tests ? tests : "tests";
}

static const char *in_top(const char *name)
{
    static char paths[8][100];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
    return path;
}

/* The adapter `name` for `base`, and what it makes of it as `name`-merged. */
static void make(const char *base, const char *name, const char *more)
{
    shell("cd '%s' && python3 '%s/models/adapter.py' %s %s --merged %s-merged "
          "%s",
          top, scripts(), base, name, name, more);
}

static int prepare(void **state)
{
    (void)state;
    if (!mkdtemp(top))
        return -1;
    shell("cd '%s' && for f in minilm bert distilbert; do "
          "python3 '%s/models/make.py' --hidden 32 --heads 2 $f $f; done",
          top, scripts());
    return 0;
}

static int clean(void **state)
{
    (void)state;
    shell("rm -rf '%s'", top);
    return 0;
}

/* A model's weights with an adapter in them. */
struct opened {
    struct arena *arena;
    struct model_config config;
    struct weights *w;
    struct names names;
};

static int open_with(const char *base, const char *adapter, struct opened *x,
                     struct err *e)
{
    *x = (struct opened){.arena = arena_new()};
    assert_int_equal(model_config_read(in_top(base), x->arena, &x->config, e),
                     0);
    assert_int_equal(weights_open(in_top(base), &x->w, e), 0);
    assert_int_equal(names_init(&x->names, x->w, &x->config, e), 0);
    return adapter_merge(in_top(adapter), &x->names, x->w, e);
}

static void close_all(struct opened *x)
{
    weights_close(x->w);
    arena_free(x->arena);
}

/* ---- merging
 * ------------------------------------------------------------------------ */

static void compare(const char *base, const char *adapter, const char *merged,
                    size_t changed)
{
    struct err e = {0};
    struct opened x;
    struct weights *raw = NULL;
    struct weights *want = NULL;
    size_t differ = 0;
    if (open_with(base, adapter, &x, &e))
        fail_msg("%s %s", e.field, e.msg);
    assert_int_equal(weights_open(in_top(base), &raw, &e), 0);
    assert_int_equal(weights_open(in_top(merged), &want, &e), 0);
    for (size_t i = 0; i < weights_len(x.w); i++) {
        const struct weight *is = weights_at(x.w, i);
        const struct weight *old = weights_find(raw, is->name);
        const struct weight *should = weights_find(want, is->name);
        size_t n = weight_count(is);
        assert_int_equal(is->bytes, should->bytes);
        if (is->type != WEIGHT_F32)
            continue;
        differ += memcmp(is->data, old->data, is->bytes) != 0;
        for (size_t k = 0; k < n; k++) {
            float a, b;
            memcpy(&a, (const char *)is->data + 4 * k, 4);
            memcpy(&b, (const char *)should->data + 4 * k, 4);
            assert_true(fabsf(a - b) <= 1e-5F);
        }
    }
    assert_int_equal(differ, changed);
    weights_close(raw);
    weights_close(want);
    close_all(&x);
}

static void test_merge(void **state)
{
    (void)state;
    make("minilm", "plain", "");
    compare("minilm", "plain", "plain-merged", 2 * 2);
    make("minilm", "rooted",
         "--set use_rslora=true --set r=9 --set lora_alpha=2.5");
    compare("minilm", "rooted", "rooted-merged", 2 * 2);
    make("minilm", "wide", "--set 'target_modules=[\"dense\", \"key\"]'");
    /* key, attention.output, intermediate, output; and the pooler */
    compare("minilm", "wide", "wide-merged", 2 * 4 + 1);
    make("distilbert", "distil",
         "--set 'target_modules=[\"q_lin\"]' --strip distilbert.");
    compare("distilbert", "distil", "distil-merged", 2);
    make("bert", "prefixed", "");
    compare("bert", "prefixed", "prefixed-merged", 2 * 2);
    /* made with the prefix, for a model that was saved without */
    shell("cd '%s' && python3 '%s/models/make.py' --base --hidden 32 --heads 2 "
          "bert bare",
          top, scripts());
    make("bare", "bare-adapter", "");
    compare("bare", "bare-adapter", "bare-adapter-merged", 2 * 2);
    make("bert", "stripped", "--strip bert.");
    compare("bert", "stripped", "stripped-merged", 2 * 2);
    struct err e = {0};
    struct opened x;
    assert_int_equal(open_with("bare", "prefixed", &x, &e), 0);
    close_all(&x);
}

static void vector_of(const char *name, float ret[32])
{
    struct err e = {0};
    struct model *m = NULL;
    struct encoded x;
    if (model_load(in_top(name), PRECISION_F32, &m, &e))
        fail_msg("%s %s", e.field, e.msg);
    struct tokenizer_scratch *scratch = tokenizer_scratch_new();
    struct session *s = session_new(1);
    assert_int_equal(
        model_encode(m, scratch, STR("my printer is broken"), &x, &e), 0);
    assert_int_equal(model_pool(m, s, &x, 1, ret, &e), 0);
    free(x.ids);
    session_free(s);
    tokenizer_scratch_free(scratch);
    model_unref(m);
}

/* A model folder that has an adapter answers with it. */
static void test_in_folder(void **state)
{
    (void)state;
    float with[32], merged[32], without[32];
    float apart = 0;
    make("minilm", "inside", "");
    vector_of("minilm", without);
    vector_of("inside-merged", merged);
    shell("cd '%s' && cp -r minilm has && cp inside/adapter_* has", top);
    vector_of("has", with);
    for (int i = 0; i < 32; i++) {
        assert_true(fabsf(with[i] - merged[i]) < 1e-4F);
        apart = fmaxf(apart, fabsf(with[i] - without[i]));
    }
    assert_true(apart > 1e-3F);
}

/* What is taught begins with the adapter, given beside or inside the base. */
static void test_finetune(void **state)
{
    (void)state;
    static const struct str texts[] = {STR("printer"), STR("password"),
                                       STR("my printer"), STR("my password")};
    static const int classes[] = {0, 1, 0, 1};
    static const char held_out[4];
    const int *truth[] = {classes};
    const struct head_shape heads[] = {{"topic", 2}};
    const struct finetune_data d = {texts, truth, held_out, 4};
    const struct {
        const char *base, *adapter, *to;
    } rows[] = {{"minilm", "beside", "to1"},
                {"own", NULL, "to2"},
                {"minilm", NULL, "to3"}};
    struct err e = {0};
    struct buf b[3];
    make("minilm", "beside", "");
    shell("cd '%s' && cp -r minilm own && cp beside/adapter_* own", top);
    for (size_t i = 0; i < 3; i++) {
        struct finetuned done;
        char path[200];
        const char *to = in_top(rows[i].to);
        struct finetune_options o = {.epochs = 1, .threads = 1};
        o.adapter = rows[i].adapter ? in_top(rows[i].adapter) : NULL;
        assert_int_equal(mkdir(to, 0755), 0);
        if (finetune(in_top(rows[i].base), to, heads, 1, &d, &o, &done, &e))
            fail_msg("%s", e.msg);
        assert_false(adapter_is_in(to)); /* it is in the weights by now */
        (void)snprintf(path, sizeof(path), "%s/model.safetensors", to);
        b[i] = (struct buf)BUF_INIT(1 << 26);
        assert_int_equal(file_read(path, &b[i], &e), 0);
    }
    assert_int_equal(b[0].len, b[1].len);
    assert_memory_equal(b[0].ptr, b[1].ptr, b[0].len);
    assert_memory_not_equal(b[0].ptr, b[2].ptr, b[0].len);
    for (size_t i = 0; i < 3; i++)
        buf_free(&b[i]);
}

/* ---- what does not fit
 * -------------------------------------------------------------------- */

static void refuse(const char *base, const char *adapter, int code,
                   const char *holds)
{
    struct err e = {0};
    struct opened x;
    char all[ERR_FIELD_MAX + ERR_TEXT_MAX];
    int r = open_with(base, adapter, &x, &e);
    (void)snprintf(all, sizeof(all), "%s%s", e.field, e.msg);
    if (r != code || !strstr(all, holds))
        fail_msg("%s: %d '%s', not %d '%s'", adapter, r, all, code, holds);
    close_all(&x);
}

static void test_other_base(void **state)
{
    (void)state;
    shell("cd '%s' && python3 '%s/models/make.py' --hidden 48 --heads 2 "
          "minilm wider && python3 '%s/models/make.py' --layers 3 --hidden 32 "
          "--heads 2 minilm deeper",
          top, scripts(), scripts());
    make("wider", "for-wider", "");
    make("deeper", "for-deeper", "");
    refuse("minilm", "for-wider", OTK_EFORMAT, "[4, 48]");
    refuse("minilm", "for-wider", OTK_EFORMAT, "[32, 32]");
    refuse("minilm", "for-wider", OTK_EFORMAT, "owner/base");
    refuse("minilm", "for-deeper", OTK_EFORMAT, "layer.2.");
    refuse("distilbert", "for-deeper", OTK_EFORMAT, "does not have");
    /* a rank that the tensors do not have */
    make("minilm", "rank", "");
    shell("sed -i 's/\"r\": 4/\"r\": 5/' '%s/rank/adapter_config.json'", top);
    refuse("minilm", "rank", OTK_EFORMAT, "rank 5");
    /* a target that the file leaves out */
    make("minilm", "target", "");
    shell("sed -i 's/\"query\"/\"query\", \"key\"/' "
          "'%s/target/adapter_config.json'",
          top);
    refuse("minilm", "target", OTK_EFORMAT, "'key'");
}

static void test_bad_files(void **state)
{
    (void)state;
    make("minilm", "files", "");
    refuse("minilm", "nowhere", OTK_ENOENT, "adapter_config.json");
    shell("cd '%s' && cp -r files cut && truncate -s -100 "
          "cut/adapter_model.safetensors && cp -r files gone && "
          "rm gone/*.safetensors && cp -r gone pickled && "
          "touch pickled/adapter_model.bin && cp -r files renamed && "
          "sed -i 's/lora_A/lora_C/' renamed/adapter_model.safetensors && "
          "cp -r files half && sed -i 's/query.lora_B/query.lora_A/' "
          "half/adapter_model.safetensors && cp -r files nan && "
          "printf '\\377\\377\\377\\377' | dd conv=notrunc bs=1 status=none "
          "of=nan/adapter_model.safetensors seek=$(( $(stat -c %%s "
          "nan/adapter_model.safetensors) - 4 ))",
          top);
    refuse("minilm", "cut", OTK_EFORMAT, "adapter_model.safetensors");
    refuse("minilm", "gone", OTK_ENOENT, "adapter_model.safetensors");
    refuse("minilm", "pickled", OTK_ENOENT, "programs");
    refuse("minilm", "renamed", OTK_EFORMAT, "lora_C");
    refuse("minilm", "half", OTK_EFORMAT, "adapter_model.safetensors");
    refuse("minilm", "nan", OTK_EFORMAT, "finite");
}

static int parse(const char *more, struct adapter_config *ret, struct err *e)
{
    char text[500];
    struct arena *a = arena_new();
    (void)snprintf(text, sizeof(text),
                   "{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":8%s}", more);
    int r = adapter_parse(str_from(text), a, ret, e);
    ret->base = NULL;
    arena_free(a);
    return r;
}

static void test_settings(void **state)
{
    (void)state;
    static const struct {
        const char *more, *field;
    } bad[] = {
        {",\"use_dora\":true", "use_dora"},
        {",\"bias\":\"all\"", "bias"},
        {",\"bias\":\"lora_only\"", "bias"},
        {",\"bias\":7", "bias"},
        {",\"modules_to_save\":[\"classifier\"]", "modules_to_save"},
        {",\"rank_pattern\":{\"query\":8}", "rank_pattern"},
        {",\"alpha_pattern\":{\"query\":8}", "alpha_pattern"},
        {",\"fan_in_fan_out\":true", "fan_in_fan_out"},
        {",\"init_lora_weights\":\"pissa\"", "init_lora_weights"},
        {",\"a_setting_of_tomorrow\":1", "a_setting_of_tomorrow"},
        {",\"use_rslora\":3", "use_rslora"},
        {",\"target_modules\":7", "target_modules"},
        {",\"target_modules\":[7]", "target_modules"},
    };
    struct err e = {0};
    struct adapter_config c;
    assert_int_equal(parse("", &c, &e), 0);
    assert_true(c.rank == 4 && c.scale == 2);
    assert_int_equal(parse(",\"use_rslora\":true,\"use_dora\":false,"
                           "\"init_lora_weights\":\"gaussian\","
                           "\"target_modules\":\"all-linear\"",
                           &c, &e),
                     0);
    assert_true(c.scale == 4 && c.n_targets == 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (parse(bad[i].more, &c, &e) != OTK_EFORMAT ||
            strcmp(e.field, bad[i].field) != 0)
            fail_msg("%s: %s %s", bad[i].more, e.field, e.msg);
    }
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"peft_type\":\"IA3\",\"r\":4,\"lora_alpha\":8}",
        "{\"peft_type\":\"LORA\",\"r\":0,\"lora_alpha\":8}",
        "{\"peft_type\":\"LORA\",\"r\":1e9,\"lora_alpha\":8}",
        "{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":1e300}",
        "{\"peft_type\":\"LORA\",\"r\":4}"};
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_int_equal(adapter_parse(str_from(texts[i]), a, &c, &e),
                         OTK_EFORMAT);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge),     cmocka_unit_test(test_in_folder),
        cmocka_unit_test(test_finetune),  cmocka_unit_test(test_other_base),
        cmocka_unit_test(test_bad_files), cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
