/* SPDX-License-Identifier: Apache-2.0 */
/* A desk learns from its lessons and from its articles. */
#include "desk/teach.h"

#include "base/buf.h"
#include "desk/corpus.h"
#include "knowledge/articles.h"
#include "office.h"
#include "triage/train.h"
#include "triage/triage.h"

static const struct triage_train_options options = {.seed = 1, .threads = 1};

static int put_lessons(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    static const char *const texts[] = {"принтер не печатает",
                                        "замятие бумаги в принтере",
                                        "печать полосами на принтере",
                                        "кончился тонер",
                                        "бумага застряла",
                                        "сканер не видит бумагу"};
    int r = OTK_OK;
    for (size_t i = 0; !r && i < ROWS(texts); i++) {
        enum corpus_put what;
        struct lesson l = {.text = str_from(texts[i]),
                           .topic = str_from(i < 4 ? "printing" : "top"),
                           .source = CORPUS_IMPORT};
        r = corpus_put(tx, &l, 1000, &what, e);
    }
    return r;
}

static int put_article(struct db_tx *tx, void *arg, struct err *e)
{
    enum article_change c;
    struct knowledge_article a = {
        .key = str_from(arg),
        .language = STR("ru"),
        .topic = str_from(arg),
        .title = STR("Пропуск на парковку"),
        .questions = STR("где получить пропуск\nпарковка для гостей"),
        .answer = STR("В бюро пропусков.")};
    return article_put(tx, &a, 0, 1000, &c, NULL, e);
}

static void test_nothing_to_learn(void **state)
{
    (void)state;
    struct err e = {0};
    char key[] = "parking";
    write_desk(put_article, key); /* articles alone are no corpus */
    assert_int_equal(teach(desk, &options, NULL, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "otklik import"));
}

static void test_articles(void **state)
{
    (void)state;
    struct err e = {0};
    struct triage_model *m = NULL;
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    char path[300];
    struct buf examples = BUF_INIT(1 << 20);
    write_desk(put_lessons, NULL);
    if (teach(desk, &options, NULL, &e))
        fail_msg("%s", e.msg);
    (void)snprintf(path, sizeof(path), "%s/models/triage", folder);
    assert_int_equal(triage_load(path, &m, &e), 0);
    assert_int_equal(triage_info(m)->n_tasks, 1); /* no priority is known */
    struct triage_scratch *s = triage_scratch_new();
    const struct triage_task *topic = &triage_info(m)->tasks[0];
    triage_predict(m, s, STR("нужен пропуск на парковку"), p);
    assert_true(p[0].label >= 0);
    assert_string_equal(topic->labels[p[0].label], "parking");
    triage_predict(m, s, STR("принтер не печатает"), p);
    assert_true(p[0].label >= 0);
    assert_string_equal(topic->labels[p[0].label], "printing");
    triage_scratch_free(s);
    triage_unref(m);
    /* past requests are shown beside a decision, articles are none */
    (void)snprintf(path, sizeof(path), "%s/models/triage/examples.jsonl",
                   folder);
    assert_int_equal(file_read(path, &examples, &e), 0);
    assert_non_null(strstr(examples.ptr, "замятие"));
    assert_null(strstr(examples.ptr, "парковк"));
    buf_free(&examples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_learn),
        cmocka_unit_test(test_articles),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
