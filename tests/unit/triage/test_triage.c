/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rand.h"
#include "test.h"
#include "triage/calibrate.h"
#include "triage/evaluate.h"
#include "triage/lessons.h"
#include "triage/split.h"
#include "triage/train.h"
#include "triage/triage.h"

static const char *const texts[][2] = {
    {"принтер не печатает документы", "printing"},
    {"printer is jammed again", "printing"},
    {"замятие бумаги в лотке", "printing"},
    {"toner is empty in the copier", "printing"},
    {"сканер не сканирует на почту", "printing"},
    {"the plotter prints blank pages", "printing"},
    {"нет интернета в офисе", "network"},
    {"wifi is very slow today", "network"},
    {"пропала сеть на компьютере", "network"},
    {"cannot reach the internet", "network"},
    {"вайфай отваливается", "network"},
    {"no network on the third floor", "network"},
    {"забыл пароль от учётной записи", "access"},
    {"my account is locked", "access"},
    {"сбросьте пароль пожалуйста", "access"},
    {"please reset my password", "access"},
    {"не могу войти, учётка заблокирована", "access"},
    {"login does not work, wrong password", "access"},
    {"привет", "none"},
    {"hello there", "none"},
    {"спасибо большое", "none"},
    {"test test test", "none"},
};
enum { N = sizeof(texts) / sizeof(texts[0]) };

static char top[] = "/tmp/otklik-triage-XXXXXX";

static int train(const char *engine, const char *name, char folder[256],
                 struct err *e)
{
    struct str t[N];
    struct str labels[N];
    for (int i = 0; i < N; i++) {
        t[i] = str_from(texts[i][0]);
        labels[i] = str_from(texts[i][1]);
    }
    struct triage_labels tasks[] = {{"topic", labels}};
    struct triage_dataset d = {
        .n = N, .texts = t, .tasks = tasks, .n_tasks = 1};
    struct triage_train_options o = {.engine = engine, .now_ms = 1000};
    (void)snprintf(folder, 256, "%s/%s", top, name);
    return triage_train(&d, &o, folder, e);
}

static const char *label_of(const struct triage_model *m,
                            const struct triage_prediction *p)
{
    return p->label < 0 ? "none" : triage_info(m)->tasks[0].labels[p->label];
}

static void check_engine(const char *engine)
{
    static const char *const asked[][2] = {
        {"принтер опять зажевал бумагу", "printing"},
        {"the wifi and the internet are slow", "network"},
        {"пароль не подходит, не могу войти", "access"},
    };
    char folder[256];
    struct err e = {0};
    struct triage_model *m = NULL;
    if (train(engine, engine, folder, &e) || triage_load(folder, &m, &e))
        fail_msg("%s: %s", engine, e.msg);
    const struct triage_info *info = triage_info(m);
    assert_string_equal(info->engine, engine);
    assert_int_equal(info->n_tasks, 1);
    assert_int_equal(info->tasks[0].n_labels, 3);
    struct triage_scratch *s = triage_scratch_new();
    struct triage_prediction p;
    for (size_t i = 0; i < ROWS(asked); i++) {
        triage_predict(m, s, str_from(asked[i][0]), &p);
        if (strcmp(label_of(m, &p), asked[i][1]) != 0)
            fail_msg("%s: '%s' is %s", engine, asked[i][0], label_of(m, &p));
        float sum = 0;
        for (int k = 0; k < 3; k++)
            sum += p.scores[k];
        assert_true(fabsf(sum - 1) < 1e-3F);
        assert_true(p.confidence > 0 && p.confidence <= 1);
    }
    triage_predict(m, s, STR(""), &p);
    assert_int_equal(p.label, -1);
    assert_int_equal(p.mode, TRIAGE_ASK);
    triage_predict(m, s, STR("\xff\xfe\0x"), &p);
    triage_predict(m, s, STR("쀀쀀쀀 ꙮꙮ"), &p);
    assert_int_equal(p.label, -1);
    struct arena *a = arena_new();
    struct triage_reason why;
    int printing = triage_task_find(m, "topic");
    triage_predict(m, s, STR("сломался принтер"), &p);
    assert_int_equal(triage_explain(m, s, printing, p.label,
                                    STR("сломался принтер"), 5, 3, a, &why, &e),
                     0);
    assert_true(why.n_words > 0);
    assert_string_equal(why.words[0].text, "принтер");
    assert_true(why.words[0].weight > 0);
    assert_true(why.n_nearest > 0);
    assert_non_null(strstr(why.nearest[0].text, "принтер"));
    assert_int_equal(triage_explain(m, s, 0, 99, STR("x"), 5, 3, a, &why, &e),
                     OTK_EINVAL);
    arena_free(a);
    triage_scratch_free(s);
    triage_unref(m);
}

static void test_linear(void **state)
{
    (void)state;
    check_engine("linear");
}

static void test_jaccard(void **state)
{
    (void)state;
    check_engine("jaccard");
    check_engine("jaccard-chars");
}

static void test_same_seed_same_model(void **state)
{
    (void)state;
    char one[256];
    char two[256];
    struct triage_model *a = NULL;
    struct triage_model *b = NULL;
    assert_int_equal(train("linear", "one", one, NULL), 0);
    assert_int_equal(train("linear", "two", two, NULL), 0);
    assert_int_equal(train("linear", "two", two, NULL), 0); /* replaces */
    assert_int_equal(triage_load(one, &a, NULL), 0);
    assert_int_equal(triage_load(two, &b, NULL), 0);
    assert_string_equal(triage_info(a)->version, triage_info(b)->version);
    triage_unref(a);
    triage_unref(b);
}

/* A model folder whose file is cut anywhere does not load, and says which. */
static void check_cuts(const char *folder, const char *file)
{
    char path[300];
    struct err e = {0};
    struct buf whole = BUF_INIT(1 << 24);
    struct triage_model *m = NULL;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    assert_int_equal(file_read(path, &whole, &e), 0);
    for (size_t cut = 1; cut + 2 < whole.len; cut += 1 + whole.len / 40) {
        struct str part = {whole.ptr, cut};
        assert_int_equal(file_write(path, part, 0600, &e), 0);
        e = (struct err){0};
        if (triage_load(folder, &m, &e) == 0) {
            assert_string_equal(file, "examples.jsonl");
            triage_unref(m);
        } else if (!strstr(e.msg, file)) {
            fail_msg("%s cut: %s", file, e.msg);
        }
    }
    assert_int_equal(file_write(path, buf_str(&whole), 0600, &e), 0);
    buf_free(&whole);
}

/* Any damage to a file is an error that names it. */
static void test_damaged(void **state)
{
    (void)state;
    static const char *const files[] = {"linear.bin", "model.json",
                                        "examples.jsonl"};
    char folder[256];
    struct err e = {0};
    assert_int_equal(train("linear", "damaged", folder, NULL), 0);
    for (size_t f = 0; f < ROWS(files); f++)
        check_cuts(folder, files[f]);
    struct triage_model *m = NULL;
    assert_int_equal(triage_load(folder, &m, &e), 0);
    triage_unref(m);
    assert_int_equal(triage_load("/nonexistent", &m, &e), OTK_ENOENT);
}

/*
 * Labels that no word tells by itself, only two together: "a" when both words
 * are of the same kind. A linear model is lost here, a network is not.
 */
static int train_pairs(const char *name, uint64_t seed, int threads,
                       char folder[256])
{
    enum { MANY = 1600 };
    static char bytes[MANY][48];
    static struct str t[MANY];
    static struct str labels[MANY];
    for (int i = 0; i < MANY; i++) {
        int x = i % 40;
        int y = i / 40;
        (void)snprintf(bytes[i], sizeof(bytes[i]), "w%d and v%d", x, y);
        t[i] = str_from(bytes[i]);
        labels[i] = (x < 20) == (y < 20) ? STR("a") : STR("b");
    }
    struct triage_labels tasks[] = {{"topic", labels}};
    struct triage_dataset d = {
        .n = MANY, .texts = t, .tasks = tasks, .n_tasks = 1};
    struct triage_train_options o = {.seed = seed, .threads = threads};
    (void)snprintf(folder, 256, "%s/%s", top, name);
    return triage_train(&d, &o, folder, NULL);
}

static void test_network(void **state)
{
    (void)state;
    char one[256];
    char two[256];
    char path[300];
    struct triage_model *a = NULL;
    struct triage_model *b = NULL;
    assert_int_equal(train_pairs("net1", 7, 1, one), 0);
    assert_int_equal(train_pairs("net2", 7, 3, two), 0);
    (void)snprintf(path, sizeof(path), "%s/network.bin", one);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(triage_load(one, &a, NULL), 0);
    assert_int_equal(triage_load(two, &b, NULL), 0);
    assert_string_equal(triage_info(a)->version, triage_info(b)->version);
    assert_true(triage_info(a)->tasks[0].accuracy > 0.8);
    triage_unref(a);
    triage_unref(b);
    check_cuts(one, "network.bin");
    triage_remove(one);
    assert_int_equal(access(one, F_OK), -1);
}

/* Articles teach words that no request had, and are never counted. */
static void test_also(void **state)
{
    (void)state;
    struct str t[N + 2];
    struct str labels[N + 2];
    struct err e = {0};
    struct triage_model *m = NULL;
    struct triage_prediction p;
    char folder[256];
    for (int i = 0; i < N; i++) {
        t[i] = str_from(texts[i][0]);
        labels[i] = str_from(texts[i][1]);
    }
    t[N] = STR("Как оформить отпуск и больничный");
    t[N + 1] = STR("Отпуск без содержания: заявление");
    labels[N] = labels[N + 1] = STR("access");
    struct triage_labels tasks[] = {{"topic", labels}};
    struct triage_dataset d = {
        .n = N + 2, .texts = t, .tasks = tasks, .n_tasks = 1, .n_also = 2};
    struct triage_train_options o = {0};
    (void)snprintf(folder, sizeof(folder), "%s/also", top);
    assert_int_equal(triage_train(&d, &o, folder, &e), 0);
    assert_int_equal(triage_load(folder, &m, &e), 0);
    struct triage_scratch *s = triage_scratch_new();
    triage_predict(m, s, STR("нужен отпуск"), &p);
    assert_string_equal(label_of(m, &p), "access");
    triage_scratch_free(s);
    triage_unref(m);
}

/* A word that only an answer had leads to the topic of its request, and the
 * answer is no request of its own. */
static void test_answers(void **state)
{
    (void)state;
    struct str t[N];
    struct str answers[N];
    struct str labels[N];
    struct err e = {0};
    struct triage_model *m = NULL;
    struct triage_prediction p[2];
    char folder[256];
    for (int i = 0; i < N; i++) {
        t[i] = str_from(texts[i][0]);
        answers[i] = str_is(str_from(texts[i][1]), "printing")
                         ? STR("Замените картридж и барабан")
                         : STR("");
        labels[i] = str_from(texts[i][1]);
    }
    struct triage_labels tasks[] = {{"topic", labels}};
    struct triage_dataset d = {
        .n = N, .texts = t, .tasks = tasks, .n_tasks = 1};
    struct triage_train_options o = {0};
    struct triage_scratch *s = triage_scratch_new();
    (void)snprintf(folder, sizeof(folder), "%s/answers", top);
    for (int i = 0; i < 2; i++) {
        d.answers = i ? answers : NULL;
        assert_int_equal(triage_train(&d, &o, folder, &e), 0);
        assert_int_equal(triage_load(folder, &m, &e), 0);
        assert_int_equal(triage_info(m)->n_examples, N);
        triage_predict(m, s, STR("барабан и картридж"), &p[i]);
        if (i)
            assert_string_equal(label_of(m, &p[i]), "printing");
        triage_unref(m);
    }
    assert_true(p[1].confidence > p[0].confidence);
    triage_scratch_free(s);
}

/* Answers stand behind the texts, with the classes of their own. */
static void test_lessons(void **state)
{
    (void)state;
    const struct str t[] = {STR("a"), STR("b"), STR("c")};
    const struct str answers[] = {STR(""), STR("to b"), STR("to c")};
    const int topics[] = {2, 0, -1};
    const int urgent[] = {1, 1, 0};
    const int *const truth[] = {topics, urgent};
    struct triage_dataset d = {.n = 3, .texts = t, .answers = answers};
    struct lessons x;
    lessons_take(&d, truth, 2, &x);
    assert_int_equal(x.n, 5);
    assert_true(str_is(x.texts[2], "c") && str_is(x.texts[3], "to b"));
    assert_int_equal(x.truth[0][3], 0);
    assert_int_equal(x.truth[0][4], -1);
    assert_int_equal(x.truth[1][4], 0);
    lessons_free(&x);
    d.answers = NULL;
    lessons_take(&d, truth, 1, &x);
    assert_int_equal(x.n, 3);
    lessons_free(&x);
}

static void test_bad_sets(void **state)
{
    (void)state;
    struct str t[] = {STR("a"), STR("b"), STR("c"), STR("d")};
    struct str same[] = {STR("x"), STR("x"), STR("x"), STR("x")};
    struct triage_labels tasks[] = {{"topic", same}};
    struct triage_dataset d = {
        .n = 4, .texts = t, .tasks = tasks, .n_tasks = 1};
    struct triage_train_options o = {0};
    struct err e = {0};
    char folder[256];
    (void)snprintf(folder, sizeof(folder), "%s/bad", top);
    assert_int_equal(triage_train(&d, &o, folder, &e), OTK_EFORMAT);
    assert_string_equal(e.field, "topic");
    assert_int_equal(access(folder, F_OK), -1);
    o.engine = "magic";
    assert_int_equal(triage_train(&d, &o, folder, &e), OTK_EINVAL);
}

static void test_split(void **state)
{
    (void)state;
    enum { ROWS_N = 200 };
    char bytes[ROWS_N][16];
    struct str t[ROWS_N];
    struct str labels[ROWS_N];
    int fold[ROWS_N];
    int again[ROWS_N];
    int counts[5] = {0};
    for (int i = 0; i < ROWS_N; i++) {
        /* every text stands twice, once in capitals and with a mark */
        (void)snprintf(bytes[i], sizeof(bytes[i]),
                       i % 2 ? "TEXT %d!" : "text %d", i / 2);
        t[i] = str_from(bytes[i]);
        labels[i] = i % 8 < 4 ? STR("a") : STR("b");
    }
    split_folds(t, labels, ROWS_N, 5, 3, fold);
    split_folds(t, labels, ROWS_N, 5, 3, again);
    for (int i = 0; i < ROWS_N; i++) {
        assert_int_equal(fold[i], again[i]);
        assert_int_equal(fold[i], fold[i ^ 1]);
        counts[fold[i]]++;
    }
    for (int f = 0; f < 5; f++)
        assert_int_equal(counts[f], ROWS_N / 5);
    const struct str also[] = {STR("Text 7."), STR("another")};
    int follows[2];
    split_follow(t, fold, ROWS_N, also, 2, follows);
    assert_int_equal(follows[0], fold[14]);
    assert_int_equal(follows[1], -1);
}

/*
 * Scores that are hardly apart and hardly say anything, as overlaps of short
 * texts are: the confidence must be how often the guess is right, not run
 * away.
 */
static void test_calibration_of_little(void **state)
{
    (void)state;
    enum { LITTLE = 2000, CLASSES = 5 };
    static float scores[LITTLE][CLASSES];
    static float logits[LITTLE][CLASSES]; /* no networks */
    static struct calibration_row rows[LITTLE];
    static const double spreads[] = {1e-4, 1e-2, 1, 100, 1e6};
    for (size_t k = 0; k < ROWS(spreads); k++) {
        struct rand r;
        struct calibration c;
        double said = 0;
        double right = 0;
        rand_init(&r, 7);
        for (int i = 0; i < LITTLE; i++) {
            for (int j = 0; j < CLASSES; j++)
                scores[i][j] = (float)(rand_real(&r) * spreads[k]);
            int guess = 0;
            for (int j = 1; j < CLASSES; j++)
                guess = scores[i][j] > scores[i][guess] ? j : guess;
            bool hit = rand_real(&r) < 0.7;
            rows[i] =
                (struct calibration_row){.scores = scores[i],
                                         .logits = logits[i],
                                         .known = (float)rand_real(&r),
                                         .truth = (guess + !hit) % CLASSES};
            right += hit;
        }
        calibration_fit(rows, LITTLE, CLASSES, &c);
        for (int i = 0; i < LITTLE; i++) {
            float p[CLASSES];
            calibration_softmax(&c, scores[i], CLASSES, p);
            double x = calibration_confidence(&c, p, CLASSES, rows[i].known);
            assert_true(x > 0.5 && x < 0.9);
            said += x;
        }
        assert_true(fabs(said - right) / LITTLE < 0.01);
    }
}

static void test_evaluate(void **state)
{
    (void)state;
    static const char *const labels[] = {"a", "b"};
    const struct evaluated rows[] = {
        {0, 0, 0.95}, {0, 0, 0.95}, {0, 1, 0.55}, {1, 1, 0.95}, {1, 0, 0.45}};
    struct arena *a = arena_new();
    struct evaluation x;
    evaluate(rows, 5, labels, 2, a, &x);
    assert_true(fabs(x.accuracy - 0.6) < 1e-9);
    assert_true(fabs(x.classes[0].precision - 2.0 / 3) < 1e-9);
    assert_true(fabs(x.classes[0].recall - 2.0 / 3) < 1e-9);
    assert_true(fabs(x.macro_f1 - (2.0 / 3 + 0.5) / 2) < 1e-9);
    /* |3*0.95 - 3| + |0.55 - 0| + |0.45 - 0|, over 5 */
    assert_true(fabs(x.ece - (0.15 + 0.55 + 0.45) / 5) < 1e-9);
    double spread = sqrt(3 * 0.95 * 0.05) + 2 * sqrt(0.45 * 0.55);
    assert_true(
        fabs(x.ece_by_chance - sqrt(2 / 3.14159265358979) * spread / 5) < 1e-9);
    double coverage;
    assert_true(fabs(threshold_for(rows, 5, 0.01, &coverage) - 0.95) < 1e-9);
    assert_true(fabs(coverage - 0.6) < 1e-9);
    struct buf b = BUF_INIT(100000);
    evaluation_json(&x, &b);
    evaluation_text(&x, &b);
    assert_int_equal(buf_check(&b), 0);
    buf_free(&b);
    char prefix[300];
    (void)snprintf(prefix, sizeof(prefix), "%s/picture", top);
    assert_int_equal(evaluation_pictures(&x, prefix, NULL), 0);
    arena_free(a);
}

static int make_top(void **state)
{
    (void)state;
    return mkdtemp(top) == NULL;
}

static int remove_top(void **state)
{
    (void)state;
    char command[300];
    (void)snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_jaccard),
        cmocka_unit_test(test_same_seed_same_model),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_also),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_lessons),
        cmocka_unit_test(test_bad_sets),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_calibration_of_little),
        cmocka_unit_test(test_evaluate),
    };
    return cmocka_run_group_tests(tests, make_top, remove_top);
}
