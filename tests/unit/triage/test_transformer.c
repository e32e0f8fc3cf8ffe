/* SPDX-License-Identifier: Apache-2.0 */
/* A language model behind the interface of triage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "models.h"
#include "triage/train.h"
#include "triage/triage.h"

enum { TEXTS = 120 };

static char base[MODELS_PATH], folder[MODELS_PATH];

static int prepare(void **state)
{
    if (models_open(state))
        return -1;
    models_make("distilbert", MODELS_SMALL, "base", base);
    (void)snprintf(folder, sizeof(folder), "%s/model", models_top);
    return 0;
}

static int train(const char *from, struct err *e)
{
    static char bytes[TEXTS][64];
    static struct str texts[TEXTS], topics[TEXTS], urgent[TEXTS];
    static const char *const names[] = {"printing", "access", "network"};
    static const char *const words[] = {"printer paper", "password login",
                                        "network wifi"};
    static const char *const others[] = {"please", "my", "not work", "error"};
    for (int i = 0; i < TEXTS; i++) {
        (void)snprintf(bytes[i], sizeof(bytes[i]), "%s %s %d", others[i % 4],
                       words[i % 3], i);
        texts[i] = str_from(bytes[i]);
        topics[i] = str_from(names[i % 3]);
        urgent[i] = i % 2 ? STR("high") : STR("low");
    }
    struct triage_labels tasks[] = {{"topic", topics}, {"priority", urgent}};
    struct triage_dataset d = {
        .n = TEXTS, .texts = texts, .tasks = tasks, .n_tasks = 2};
    struct triage_train_options o = {
        .engine = "transformer",
        .base = from,
        .epochs = 12,
        .settings = "learning-rate=3e-3",
        .threads = 1,
    };
    return triage_train(&d, &o, folder, e);
}

static void test_engine(void **state)
{
    (void)state;
    struct err e = {0};
    struct triage_model *m = NULL;
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    struct triage_reason why;
    struct arena *a = arena_new();
    if (train(base, &e))
        fail_msg("%s %s", e.field, e.msg);
    assert_int_equal(triage_load(folder, &m, &e), 0);
    const struct triage_info *info = triage_info(m);
    assert_string_equal(info->engine, "transformer");
    assert_int_equal(strncmp(info->version, "transformer-", 12), 0);
    assert_int_equal(info->n_tasks, 2);
    struct triage_scratch *s = triage_scratch_new();
    assert_false(triage_at_once(m, STR("my password")));
    triage_predict(m, s, STR("my password"), p);
    assert_true(triage_at_once(m, STR("my password")));
    assert_true(p[0].label >= 0);
    assert_string_equal(info->tasks[0].labels[p[0].label], "access");
    assert_int_equal(triage_explain(m, s, 0, p[0].label, STR("my password"), 5,
                                    3, a, &why, &e),
                     0);
    assert_true(why.n_words > 0 && why.n_nearest > 0);
    assert_string_equal(why.words[0].text, "password");
    assert_true(why.words[0].weight > 0);
    triage_predict(m, s, STR(""), p); /* never fails */
    triage_scratch_free(s);
    triage_unref(m);
    arena_free(a);
    triage_remove(folder);
    assert_int_equal(access(folder, F_OK), -1);
}

static void test_bad_base(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(train(NULL, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "--base"));
    assert_int_equal(train("/nowhere", &e), OTK_ENOENT);
    assert_int_equal(access(folder, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine),
        cmocka_unit_test(test_bad_base),
    };
    return cmocka_run_group_tests(tests, prepare, models_close);
}
