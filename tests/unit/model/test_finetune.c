/* SPDX-License-Identifier: Apache-2.0 */
/* A small encoder learns to tell texts apart. */
#include "model/finetune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "model/adapter.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/model.h"
#include "model/names.h"
#include "model/weights.h"
#include "models.h"
#include "text/tokenizer.h"

enum { TEXTS = 96 };

static char base[MODELS_PATH];

static int prepare(void **state)
{
    if (models_open(state))
        return -1;
    models_make("minilm", MODELS_SMALL, "base", base);
    return 0;
}

/* Two tasks: what it is about, and whether it is urgent; every fourth text is
 * held out. */
struct lessons {
    char bytes[TEXTS][64];
    struct str texts[TEXTS];
    int topic[TEXTS], urgent[TEXTS];
    const int *truth[2];
    char held_out[TEXTS];
    struct finetune_data data;
};

static void fill(struct lessons *x)
{
    static const char *const topics[] = {"printer paper", "password login",
                                         "network wifi"};
    static const char *const others[] = {"please", "my", "not work", "error"};
    for (int i = 0; i < TEXTS; i++) {
        x->topic[i] = i % 3;
        x->urgent[i] = i % 5 == 0 ? -1 : i / 3 % 2;
        (void)snprintf(x->bytes[i], sizeof(x->bytes[i]), "%s %s %s",
                       others[i % 4], topics[i % 3],
                       i / 3 % 2 ? "help access" : "slow old");
        x->texts[i] = str_from(x->bytes[i]);
        x->held_out[i] = i % 4 == 3;
    }
    x->truth[0] = x->topic;
    x->truth[1] = x->urgent;
    x->data = (struct finetune_data){x->texts, x->truth, x->held_out, TEXTS};
}

static const struct head_shape heads[] = {{"topic", 3}, {"urgent", 2}};

static int teach(const struct lessons *x, const char *name,
                 const struct finetune_options *o, struct finetuned *done,
                 char folder[100], struct err *e)
{
    (void)snprintf(folder, 100, "%s/%s", models_top, name);
    (void)mkdir(folder, 0755);
    return finetune(base, folder, heads, 2, &x->data, o, done, e);
}

struct seen {
    size_t steps, epochs;
    double last, macro_f1;
};

static void watch(void *ctx, const struct finetune_progress *p)
{
    struct seen *s = ctx;
    assert_true(p->step <= p->steps && p->epoch <= p->epochs);
    assert_true(isfinite(p->loss) && p->seconds_left >= 0);
    s->steps += !p->epoch_ends;
    s->epochs += p->epoch_ends;
    s->last = p->loss;
    s->macro_f1 = p->macro_f1;
}

static void read_weights(const char *folder, struct buf *ret)
{
    char path[200];
    struct err e = {0};
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    *ret = (struct buf)BUF_INIT(1 << 26);
    assert_int_equal(file_read(path, ret, &e), 0);
}

static void test_learns(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct seen seen = {0};
    struct finetuned done;
    char folder[100];
    fill(&x);
    const struct finetune_options o = {
        .epochs = 12,
        .batch = 8,
        .rate = 3e-3,
        .patience = 12,
        .threads = 2,
        .weigh_classes = true,
        .smoothing = 0.05,
        .progress = watch,
        .ctx = &seen,
    };
    if (teach(&x, "learns", &o, &done, folder, &e))
        fail_msg("%s %s", e.field, e.msg);
    assert_int_equal(seen.epochs, done.epochs);
    assert_int_equal(seen.steps, done.epochs * 9);
    assert_true(done.accuracy > 0.95);
    assert_true(seen.last < 0.7);
    assert_false(done.stopped);
    /* what was written can be asked, and says the same */
    struct model *m = NULL;
    struct linear *head = NULL;
    struct encoded encoded;
    assert_int_equal(model_load(folder, PRECISION_F32, &m, &e), 0);
    assert_int_equal(model_head(m, "topic", 3, &head, &e), 0);
    struct linear *none = NULL;
    assert_int_equal(model_head(m, "topic", 4, &none, &e), OTK_EFORMAT);
    assert_int_equal(model_head(m, "mood", 3, &none, &e), OTK_EFORMAT);
    struct session *s = session_new(1);
    struct tokenizer_scratch *scratch = tokenizer_scratch_new();
    for (int i = 3; i < TEXTS; i += 4) {
        float vector[32], score[3];
        assert_int_equal(model_encode(m, scratch, x.texts[i], &encoded, &e), 0);
        assert_int_equal(model_pool(m, s, &encoded, 1, vector, &e), 0);
        session_linear(s, &(struct linear_job){.l = head,
                                               .x = vector,
                                               .rows = 1,
                                               .ldx = 32,
                                               .y = score,
                                               .ldy = 3});
        for (int c = 0; c < 3; c++)
            assert_true(score[c] <= score[x.topic[i]]);
        free(encoded.ids);
    }
    tokenizer_scratch_free(scratch);
    session_free(s);
    linear_free(head);
    model_unref(m);
}

static void test_same_seed(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    struct buf bytes[3];
    char folder[100];
    fill(&x);
    struct finetune_options o = {.epochs = 1, .batch = 8, .threads = 1};
    assert_int_equal(teach(&x, "seed1", &o, &done, folder, &e), 0);
    read_weights(folder, &bytes[0]);
    o.threads = 3;
    assert_int_equal(teach(&x, "seed2", &o, &done, folder, &e), 0);
    read_weights(folder, &bytes[1]);
    o.seed = 2;
    assert_int_equal(teach(&x, "seed3", &o, &done, folder, &e), 0);
    read_weights(folder, &bytes[2]);
    assert_int_equal(bytes[0].len, bytes[1].len);
    assert_memory_equal(bytes[0].ptr, bytes[1].ptr, bytes[0].len);
    assert_memory_not_equal(bytes[0].ptr, bytes[2].ptr, bytes[0].len);
    for (int i = 0; i < 3; i++)
        buf_free(&bytes[i]);
}

static void stop_soon(void *ctx, const struct finetune_progress *p)
{
    if (p->step == 3)
        atomic_store((_Atomic(bool) *)ctx, true);
}

/* Whoever stops it gets what was learnt until then. */
static void test_stop(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    char folder[100];
    _Atomic(bool) stop = false;
    fill(&x);
    const struct finetune_options o = {.batch = 8,
                                       .threads = 1,
                                       .stop = &stop,
                                       .progress = stop_soon,
                                       .ctx = &stop};
    struct model *m = NULL;
    assert_int_equal(teach(&x, "stop", &o, &done, folder, &e), 0);
    assert_true(done.stopped);
    assert_int_equal(done.epochs, 1);
    assert_int_equal(model_load(folder, PRECISION_F32, &m, &e), 0);
    model_unref(m);
}

/* What is frozen comes out as it went in. */
static void test_frozen(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    struct weights *before = NULL;
    struct weights *after = NULL;
    char folder[100];
    fill(&x);
    const struct finetune_options o = {
        .epochs = 1, .batch = 8, .threads = 1, .frozen = 2};
    assert_int_equal(teach(&x, "frozen", &o, &done, folder, &e), 0);
    assert_int_equal(weights_open(base, &before, &e), 0);
    assert_int_equal(weights_open(folder, &after, &e), 0);
    for (size_t i = 0; i < weights_len(before); i++) {
        const struct weight *a = weights_at(before, i);
        const struct weight *b = weights_find(after, a->name);
        bool learns = strstr(a->name.p, "layer.1.") != NULL;
        if (b && a->n_dims == 2)
            assert_int_equal(memcmp(a->data, b->data, a->bytes) != 0, learns);
    }
    weights_close(before);
    weights_close(after);
}

/* The linear weights of `folder` are those of the base with its adapter; all
 * else but the heads is as it was. */
static void check_adapter(const char *folder)
{
    char path[200];
    struct err e = {0};
    struct arena *a = arena_new();
    struct weights *merged = NULL;
    struct weights *after = NULL;
    struct model_config c;
    struct names names;
    size_t changed = 0;
    (void)snprintf(path, sizeof(path), "%s/adapter", folder);
    assert_int_equal(model_config_read(base, a, &c, &e), 0);
    assert_int_equal(weights_open(base, &merged, &e), 0);
    assert_int_equal(names_init(&names, merged, &c, &e), 0);
    struct weights *plain = NULL;
    assert_int_equal(weights_open(base, &plain, &e), 0);
    if (adapter_merge(path, &names, merged, &e))
        fail_msg("%s %s", e.field, e.msg);
    assert_int_equal(weights_open(folder, &after, &e), 0);
    for (size_t i = 0; i < weights_len(plain); i++) {
        const struct weight *was = weights_at(plain, i);
        const struct weight *is = weights_find(after, was->name);
        if (!is)
            continue; /* the base's pooler is not taught */
        const float *x = weights_find(merged, was->name)->data;
        bool linear = was->n_dims == 2 && strstr(was->name.p, "layer.");
        for (size_t k = 0; k < was->bytes / sizeof(float); k++)
            assert_true(fabsf(x[k] - ((const float *)is->data)[k]) < 1e-6F);
        assert_int_equal(memcmp(was->data, is->data, was->bytes) != 0, linear);
        changed += linear;
    }
    assert_int_equal(changed, 6 * c.layers);
    weights_close(plain);
    weights_close(merged);
    weights_close(after);
    arena_free(a);
}

static void test_lora(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    char folder[100];
    fill(&x);
    const struct finetune_options o = {.epochs = 12,
                                       .batch = 8,
                                       .rate = 1e-2,
                                       .patience = 12,
                                       .threads = 2,
                                       .lora_rank = 4};
    if (teach(&x, "lora", &o, &done, folder, &e))
        fail_msg("%s %s", e.field, e.msg);
    assert_true(done.accuracy > 0.95);
    check_adapter(folder);
}

/* A step in parts is the step, but for the order of sums. */
static void test_accumulate(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    struct weights *w[2] = {NULL, NULL};
    char folder[100];
    fill(&x);
    for (int i = 0; i < TEXTS; i++)
        x.urgent[i] = i / 3 % 2; /* as many known ones in each part */
    struct finetune_options o = {
        .epochs = 1, .batch = 9, .threads = 1, .dropout = -1, .rate = 1e-4};
    for (size_t i = 0; i < 2; i++) {
        o.accumulate = i ? 3 : 1;
        assert_int_equal(
            teach(&x, i ? "parts" : "whole", &o, &done, folder, &e), 0);
        assert_int_equal(weights_open(folder, &w[i], &e), 0);
    }
    double off = 0;
    double all = 0;
    for (size_t i = 0; i < weights_len(w[0]); i++) {
        const struct weight *a = weights_at(w[0], i);
        const float *p = a->data;
        const float *q = weights_find(w[1], a->name)->data;
        for (size_t k = 0; k < a->bytes / sizeof(float); k++) {
            off += (double)((p[k] - q[k]) * (p[k] - q[k]));
            all += (double)(p[k] * p[k]);
        }
    }
    assert_true(sqrt(off / all) < 1e-4);
    weights_close(w[0]);
    weights_close(w[1]);
    o.accumulate = 10;
    assert_int_equal(teach(&x, "many", &o, &done, folder, &e), OTK_EINVAL);
}

static void test_bf16(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    struct seen seen = {0};
    char folder[100];
    fill(&x);
    const struct finetune_options o = {.epochs = 12,
                                       .batch = 8,
                                       .rate = 3e-3,
                                       .patience = 12,
                                       .threads = 2,
                                       .bf16 = true,
                                       .progress = watch,
                                       .ctx = &seen};
    assert_int_equal(teach(&x, "bf16", &o, &done, folder, &e), 0);
    assert_true(done.accuracy > 0.95);
    assert_true(seen.macro_f1 > 0.9);
}

static void test_set(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"speed=3", "no setting 'speed'; there are batch-size, accumulate"},
        {"batch-size", "'batch-size' is no NAME=VALUE"},
        {"batch-size=0", "batch-size is a whole number from 1 to 4096"},
        {"batch-size=1.5", "not '1.5'"},
        {"dropout=0.9", "dropout is a number from 0 to less than 0.9"},
        {"learning-rate=nan", "not 'nan'"},
        {"bf16=1", "bf16 is yes or no, not '1'"},
        {"", "'' is no NAME=VALUE"},
        {"freeze=2,,clip=1", "'' is no NAME=VALUE"},
    };
    struct err e = {0};
    struct finetune_options o = {.epochs = 3, .rate = 1};
    assert_int_equal(
        finetune_set(&o,
                     STR("learning-rate=3e-5, batch-size = 16,dropout=0,"
                         "class-weights=yes,bf16=no,freeze=2,lora-rank=8"),
                     &e),
        0);
    assert_true(o.rate == 3e-5 && o.dropout == -1 && o.epochs == 3);
    assert_true(o.batch == 16 && o.frozen == 2 && o.lora_rank == 8);
    assert_true(o.weigh_classes && !o.bf16);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(finetune_set(&o, str_from(wrong[i].text), &e),
                         OTK_EINVAL);
        if (!strstr(e.msg, wrong[i].says))
            fail_msg("%s: %s", wrong[i].text, e.msg);
    }
}

static void test_bad_options(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    char folder[100];
    fill(&x);
    struct finetune_options o = {.rate = 2, .threads = 1};
    assert_int_equal(teach(&x, "bad", &o, &done, folder, &e), OTK_EINVAL);
    o = (struct finetune_options){.batch = 100000, .threads = 1};
    assert_int_equal(teach(&x, "bad", &o, &done, folder, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "4096"));
    o = (struct finetune_options){.lora_alpha = 8, .threads = 1};
    assert_int_equal(teach(&x, "bad", &o, &done, folder, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "lora-rank"));
    o = (struct finetune_options){.frozen = 4, .threads = 1}; /* of 2 layers */
    assert_int_equal(teach(&x, "bad", &o, &done, folder, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "at most 3"));
    memset(x.held_out, 1, sizeof(x.held_out));
    o = (struct finetune_options){.threads = 1};
    assert_int_equal(teach(&x, "bad", &o, &done, folder, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "learn from"));
    assert_int_equal(
        finetune("/nowhere", folder, heads, 2, &x.data, &o, &done, &e),
        OTK_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learns),      cmocka_unit_test(test_same_seed),
        cmocka_unit_test(test_stop),        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_lora),        cmocka_unit_test(test_accumulate),
        cmocka_unit_test(test_bf16),        cmocka_unit_test(test_set),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, prepare, models_close);
}
