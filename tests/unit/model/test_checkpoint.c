/* SPDX-License-Identifier: Apache-2.0 */
/* A learning that was stopped goes on as if it had not been. */
#include "model/checkpoint.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "model/finetune.h"
#include "models.h"

enum { TEXTS = 64, STEPS = 6, EPOCHS = 3, SUM = 32, FILE_MAX = 1 << 26 };

static char base[MODELS_PATH];

static int prepare(void **state)
{
    if (models_open(state))
        return -1;
    models_make("minilm", MODELS_SMALL, "base", base);
    return 0;
}

/* 48 texts to learn from, 16 held out. */
struct lessons {
    char bytes[TEXTS][64];
    struct str texts[TEXTS];
    int topic[TEXTS];
    const int *truth[1];
    char held_out[TEXTS];
    struct finetune_data data;
};

static void fill(struct lessons *x)
{
    static const char *const topics[] = {"printer paper", "password login",
                                         "network wifi"};
    for (int i = 0; i < TEXTS; i++) {
        x->topic[i] = i % 3;
        (void)snprintf(x->bytes[i], sizeof(x->bytes[i]), "%s %d", topics[i % 3],
                       i);
        x->texts[i] = str_from(x->bytes[i]);
        x->held_out[i] = i % 4 == 3;
    }
    x->truth[0] = x->topic;
    x->data = (struct finetune_data){x->texts, x->truth, x->held_out, TEXTS};
}

/* Stops after a step, or when the epoch that it ends was judged. */
struct stopper {
    _Atomic(bool) stop;
    size_t step;
    bool at_end;
};

static void watch(void *ctx, const struct finetune_progress *p)
{
    struct stopper *s = ctx;
    assert_true(isfinite(p->loss) && isfinite(p->seconds_left));
    if (p->step == s->step && p->epoch_ends == s->at_end)
        atomic_store(&s->stop, true);
}

static int learn(const struct lessons *x, const char *name, size_t step,
                 bool at_end, struct finetune_options o, struct finetuned *done,
                 struct err *e)
{
    static const struct head_shape heads[] = {{"topic", 3}};
    struct stopper s = {.step = step, .at_end = at_end};
    char folder[100];
    (void)snprintf(folder, sizeof(folder), "%s/%s", models_top, name);
    (void)mkdir(folder, 0755);
    o.batch = 8;
    o.epochs = o.epochs ? o.epochs : EPOCHS;
    o.rate = o.rate > 0 ? o.rate : 2e-3;
    o.stop = &s.stop;
    o.progress = watch;
    o.ctx = &s;
    return finetune(base, folder, heads, 1, &x->data, &o, done, e);
}

static void read_file(const char *name, const char *file, struct buf *ret)
{
    char path[200];
    struct err e = {0};
    (void)snprintf(path, sizeof(path), "%s/%s/%s", models_top, name, file);
    *ret = (struct buf)BUF_INIT(FILE_MAX);
    if (file_read(path, ret, &e))
        fail_msg("%s", e.msg);
}

static bool has_checkpoint(const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s/checkpoint.otk", models_top,
                   name);
    return file_exists(path);
}

static void assert_same(const char *a, const char *b)
{
    struct buf one, other;
    read_file(a, "model.safetensors", &one);
    read_file(b, "model.safetensors", &other);
    assert_int_equal(one.len, other.len);
    assert_memory_equal(one.ptr, other.ptr, one.len);
    buf_free(&one);
    buf_free(&other);
}

/* ---- going on
 * ----------------------------------------------------------------------- */

static void test_resume(void **state)
{
    (void)state;
    static const struct {
        size_t step;
        bool at_end;
    } stops[] = {{1, false},
                 {STEPS - 1, false},
                 {STEPS, false},
                 {STEPS, true},
                 {STEPS + 1, false},
                 {2 * STEPS, true},
                 {3 * STEPS - 1, false}};
    struct lessons x;
    struct err e = {0};
    struct finetuned whole, part;
    fill(&x);
    assert_int_equal(learn(&x, "whole", 0, false,
                           (struct finetune_options){.threads = 2}, &whole, &e),
                     0);
    assert_false(has_checkpoint("whole"));
    for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++) {
        struct finetune_options o = {.threads = 1};
        char name[20];
        (void)snprintf(name, sizeof(name), "stop%zu", i);
        assert_int_equal(
            learn(&x, name, stops[i].step, stops[i].at_end, o, &part, &e), 0);
        assert_true(part.stopped);
        assert_true(has_checkpoint(name));
        o.resume = true;
        if (learn(&x, name, 0, false, o, &part, &e))
            fail_msg("%s", e.msg);
        assert_false(part.stopped);
        assert_false(has_checkpoint(name));
        assert_int_equal(part.epochs, whole.epochs);
        assert_int_equal(part.best_epoch, whole.best_epoch);
        assert_true(part.accuracy == whole.accuracy && part.loss == whole.loss);
        assert_same(name, "whole");
    }
}

/* Stopped again and again, in the middle of epochs; nothing is held out. */
/* The same where a change of low rank is learnt, a step in parts, in bf16. */
static void test_resume_lora(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned whole, part;
    struct finetune_options o = {
        .threads = 1, .lora_rank = 3, .accumulate = 2, .bf16 = true};
    fill(&x);
    assert_int_equal(learn(&x, "lora", 0, false, o, &whole, &e), 0);
    assert_int_equal(learn(&x, "lora2", STEPS + 2, false, o, &part, &e), 0);
    assert_true(part.stopped);
    o.resume = true;
    o.lora_rank = 2;
    assert_int_equal(learn(&x, "lora2", 0, false, o, &part, &e), OTK_ECONFLICT);
    o.lora_rank = 3;
    if (learn(&x, "lora2", 0, false, o, &part, &e))
        fail_msg("%s", e.msg);
    assert_same("lora", "lora2");
}

static void test_many_stops(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    struct finetune_options o = {.threads = 1, .patience = 1};
    fill(&x);
    memset(x.held_out, 0, sizeof(x.held_out));
    assert_int_equal(learn(&x, "all", 0, false, o, &done, &e), 0);
    assert_true(isnan(done.accuracy));
    o.resume = true; /* there is nothing yet, which is no error */
    for (size_t step = 3; step < 3 * TEXTS / 8; step += 4) {
        if (learn(&x, "often", step, false, o, &done, &e))
            fail_msg("%s", e.msg);
        assert_true(done.stopped && has_checkpoint("often"));
    }
    assert_int_equal(learn(&x, "often", 0, false, o, &done, &e), 0);
    assert_false(has_checkpoint("often"));
    assert_same("often", "all");
}

/* What ends early ends at the same epoch when it is asked to go on. */
static void test_ended_early(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned whole, part;
    struct finetune_options o = {
        .threads = 1, .patience = 2, .epochs = 8, .rate = 1e-9};
    fill(&x);
    for (int i = 0; i < TEXTS; i++)
        x.topic[i] = 0;
    o.head_rate = 1e6; /* at once as good as it gets, and then no better */
    o.decay = 1e-9;
    assert_int_equal(learn(&x, "early", 0, false, o, &whole, &e), 0);
    assert_int_equal(
        learn(&x, "early2", whole.epochs * STEPS, true, o, &part, &e), 0);
    o.resume = true;
    if (has_checkpoint("early2"))
        assert_int_equal(learn(&x, "early2", 0, false, o, &part, &e), 0);
    assert_int_equal(part.epochs, whole.epochs);
    assert_same("early", "early2");
}

/* A file of its own, elsewhere. */
static void test_other_place(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    char path[100];
    (void)snprintf(path, sizeof(path), "%s/state", models_top);
    struct finetune_options o = {.threads = 1, .checkpoint = path};
    fill(&x);
    assert_int_equal(learn(&x, "place", 2, false, o, &done, &e), 0);
    assert_true(file_exists(path));
    assert_false(has_checkpoint("place"));
    (void)snprintf(path, sizeof(path), "%s/nowhere/state", models_top);
    assert_int_equal(learn(&x, "place", 2, false, o, &done, &e), OTK_EIO);
    assert_non_null(strstr(e.msg, "nowhere/state"));
}

/* ---- what does not fit
 * -------------------------------------------------------------------- */

static void refuse(const struct lessons *x, const struct finetune_options *o,
                   int code, const char *holds)
{
    struct err e = {0};
    struct finetuned done;
    struct finetune_options again = *o;
    again.resume = true;
    again.threads = 1;
    int r = learn(x, "foreign", 0, false, again, &done, &e);
    if (r != code || !strstr(e.msg, holds) || !strstr(e.msg, "remove it"))
        fail_msg("%d '%s', not %d '%s'", r, e.msg, code, holds);
}

static void test_foreign(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    struct finetune_options o = {.threads = 1};
    fill(&x);
    assert_int_equal(learn(&x, "foreign", 4, false, o, &done, &e), 0);
    refuse(&x, &(struct finetune_options){.seed = 7}, OTK_ECONFLICT,
           "seed 1, not 7");
    refuse(&x, &(struct finetune_options){.epochs = 9}, OTK_ECONFLICT,
           "epochs 3, not 9");
    refuse(&x, &(struct finetune_options){.rate = 1e-4}, OTK_ECONFLICT,
           "rate 0.002, not 0.0001");
    refuse(&x, &(struct finetune_options){.frozen = 1}, OTK_ECONFLICT,
           "frozen");
    x.topic[0] = 2;
    refuse(&x, &o, OTK_ECONFLICT, "other labels");
    x.topic[0] = 0;
    x.bytes[5][0] = 'x';
    refuse(&x, &o, OTK_ECONFLICT, "other texts");
    fill(&x);
    x.held_out[0] = 1;
    refuse(&x, &o, OTK_ECONFLICT, "other texts");
    fill(&x);
    char kept[MODELS_PATH];
    (void)snprintf(kept, sizeof(kept), "%s", base);
    models_make("minilm", MODELS_SMALL " --seed 8", "other", base);
    refuse(&x, &o, OTK_ECONFLICT, "another base model");
    (void)snprintf(base, sizeof(base), "%s", kept);
    o.resume = true;
    assert_int_equal(learn(&x, "foreign", 0, false, o, &done, &e), 0);
}

/* ---- damage
 * -------------------------------------------------------------------------- */

static void put_file(struct str bytes)
{
    char path[200];
    struct err e = {0};
    (void)snprintf(path, sizeof(path), "%s/foreign/checkpoint.otk", models_top);
    assert_int_equal(file_write(path, bytes, 0644, &e), 0);
}

/* The sum over what somebody changed. */
static void seal(struct buf *b)
{
    unsigned char sum[SUM];
    (void)crypto_generichash(sum, sizeof(sum), (const unsigned char *)b->ptr,
                             b->len - SUM, NULL, 0);
    memcpy(b->ptr + b->len - SUM, sum, SUM);
}

static void test_damaged(void **state)
{
    (void)state;
    struct lessons x;
    struct err e = {0};
    struct finetuned done;
    struct buf b;
    const struct finetune_options o = {.threads = 1};
    fill(&x);
    assert_int_equal(learn(&x, "foreign", 4, false, o, &done, &e), 0);
    read_file("foreign", "checkpoint.otk", &b);
    const size_t cuts[] = {1, 8, 100, 400, 500, b.len / 2, b.len - 1};
    for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
        put_file((struct str){b.ptr, cuts[i]});
        refuse(&x, &o, OTK_EFORMAT, "checkpoint");
    }
    for (size_t at = 0; at < b.len; at += b.len / 40) {
        b.ptr[at] ^= 4;
        put_file(buf_str(&b));
        refuse(&x, &o, OTK_EFORMAT, "checkpoint");
        b.ptr[at] ^= 4;
    }
    /* numbers that cannot be, under a sum that is right */
    const float nan = NAN;
    const float below = -1;
    size_t n = 0;
    memcpy(&n, b.ptr + 8, 8);
    size_t first = b.len - SUM - 4 * n * 3; /* after the parameters */
    for (size_t i = 0; i < 3; i++) {
        char kept[4];
        memcpy(kept, b.ptr + first + 4 * n * i, 4);
        memcpy(b.ptr + first + 4 * n * i, i == 1 ? &below : &nan, 4);
        seal(&b);
        put_file(buf_str(&b));
        refuse(&x, &o, OTK_EFORMAT, "not finite");
        memcpy(b.ptr + first + 4 * n * i, kept, 4);
    }
    b.len -= 4; /* the last number is gone, and the sum is of the rest */
    seal(&b);
    put_file(buf_str(&b));
    refuse(&x, &o, OTK_EFORMAT, "bytes of numbers");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume),      cmocka_unit_test(test_resume_lora),
        cmocka_unit_test(test_many_stops),  cmocka_unit_test(test_ended_early),
        cmocka_unit_test(test_other_place), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, prepare, models_close);
}
