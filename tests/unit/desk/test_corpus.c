/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/corpus.h"

#include "desk/ticket.h"
#include "office.h"

/* Each test has the corpus for itself. */
static int wipe(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e, "DELETE FROM examples", "");
}

static int clear(void **state)
{
    (void)state;
    write_desk(wipe, NULL);
    return 0;
}

struct putting {
    struct lesson lesson;
    enum corpus_put done;
};

static int put(struct db_tx *tx, void *arg, struct err *e)
{
    struct putting *x = arg;
    return corpus_put(tx, &x->lesson, 1000, &x->done, e);
}

static enum corpus_put put_one(const char *text, const char *topic,
                               const char *priority, enum corpus_source source)
{
    struct putting x = {.lesson = {.text = str_from(text),
                                   .topic = str_from(topic),
                                   .priority = str_from(priority),
                                   .source = source}};
    write_desk(put, &x);
    return x.done;
}

struct reading {
    struct lesson *lessons;
    size_t n;
    int64_t counts[3];
};

static int read_all(struct db_tx *tx, void *arg, struct err *e)
{
    struct reading *x = arg;
    int r = corpus_read(tx, arena, &x->lessons, &x->n, e);
    return r ? r : corpus_count(tx, x->counts, e);
}

static struct reading all(void)
{
    struct reading x;
    read_desk(read_all, &x);
    return x;
}

static void check(const struct lesson *l, const char *text, const char *topic,
                  const char *priority, enum corpus_source source)
{
    assert_true(str_is(l->text, text));
    assert_true(str_is(l->topic, topic));
    assert_true(str_is(l->priority, priority));
    assert_int_equal(l->source, source);
}

/* ---- lessons ---------------------------------------------------------------
 */

static void test_empty(void **state)
{
    (void)state;
    struct reading x = all();
    assert_int_equal(x.n, 0);
    for (size_t i = 0; i < 3; i++)
        assert_true(x.counts[i] == 0);
}

static void test_oldest_first(void **state)
{
    (void)state;
    assert_int_equal(put_one("Не печатает", "printing", "", CORPUS_IMPORT),
                     CORPUS_NEW);
    assert_int_equal(put_one("No network", "net", "high", CORPUS_STARTER),
                     CORPUS_NEW);
    assert_int_equal(put_one("Нет сети", "", "high", CORPUS_CORRECTION),
                     CORPUS_NEW);
    assert_int_equal(put_one("Сеть упала", "net", "", CORPUS_IMPORT),
                     CORPUS_NEW);
    struct reading x = all();
    assert_int_equal(x.n, 4);
    check(&x.lessons[0], "Не печатает", "printing", "", CORPUS_IMPORT);
    check(&x.lessons[1], "No network", "net", "high", CORPUS_STARTER);
    check(&x.lessons[2], "Нет сети", "", "high", CORPUS_CORRECTION);
    check(&x.lessons[3], "Сеть упала", "net", "", CORPUS_IMPORT);
    assert_true(x.counts[CORPUS_STARTER] == 1);
    assert_true(x.counts[CORPUS_IMPORT] == 2);
    assert_true(x.counts[CORPUS_CORRECTION] == 1);
}

/* What says the same is one lesson; its first wording stays. */
static void test_same_text(void **state)
{
    (void)state;
    static const char *const same[] = {"Не печатает!", "  не   ПЕЧАТАЕТ ",
                                       "«Не печатает»…"};
    (void)put_one("Не печатает", "printing", "normal", CORPUS_IMPORT);
    for (size_t i = 0; i < ROWS(same); i++)
        assert_int_equal(put_one(same[i], "printing", "normal", CORPUS_IMPORT),
                         CORPUS_SAME);
    assert_int_equal(put_one("Не печатается", "printing", "", CORPUS_IMPORT),
                     CORPUS_NEW);
    struct reading x = all();
    assert_int_equal(x.n, 2);
    check(&x.lessons[0], "Не печатает", "printing", "normal", CORPUS_IMPORT);
}

/* An answer is kept when it is known, and one that comes later joins it. */
static void test_answer(void **state)
{
    (void)state;
    struct putting x = {.lesson = {.text = STR("Не печатает"),
                                   .topic = STR("printing"),
                                   .source = CORPUS_IMPORT}};
    write_desk(put, &x);
    assert_int_equal(all().lessons[0].answer.n, 0);
    x.lesson.answer = STR("Замените картридж");
    write_desk(put, &x);
    assert_int_equal(x.done, CORPUS_CHANGED);
    write_desk(put, &x);
    assert_int_equal(x.done, CORPUS_SAME);
    x.lesson.answer = (struct str){0};
    write_desk(put, &x);
    assert_int_equal(x.done, CORPUS_SAME);
    assert_int_equal(all().n, 1);
    assert_true(str_is(all().lessons[0].answer, "Замените картридж"));
}

struct again {
    const char *topic, *priority;
    enum corpus_source source;
    enum corpus_put done;
    struct {
        const char *topic, *priority;
        enum corpus_source source;
    } then;
};

/* Over ("printing", "normal", an import), each on its own. */
static const struct again agains[] = {
    {"net",
     "high",
     CORPUS_IMPORT,
     CORPUS_CHANGED,
     {"net", "high", CORPUS_IMPORT}},
    {"net",
     "high",
     CORPUS_CORRECTION,
     CORPUS_CHANGED,
     {"net", "high", CORPUS_CORRECTION}},
    /* the starter does not outrank an import */
    {"net",
     "high",
     CORPUS_STARTER,
     CORPUS_SAME,
     {"printing", "normal", CORPUS_IMPORT}},
    /* empty labels leave what is known */
    {"net",
     "",
     CORPUS_IMPORT,
     CORPUS_CHANGED,
     {"net", "normal", CORPUS_IMPORT}},
    {"",
     "high",
     CORPUS_CORRECTION,
     CORPUS_CHANGED,
     {"printing", "high", CORPUS_CORRECTION}},
    {"", "", CORPUS_IMPORT, CORPUS_SAME, {"printing", "normal", CORPUS_IMPORT}},
    {"printing",
     "",
     CORPUS_IMPORT,
     CORPUS_SAME,
     {"printing", "normal", CORPUS_IMPORT}},
};

static void test_ranks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(agains); i++) {
        const struct again *x = &agains[i];
        write_desk(wipe, NULL);
        (void)put_one("Не печатает", "printing", "normal", CORPUS_IMPORT);
        assert_int_equal(
            put_one("не печатает", x->topic, x->priority, x->source), x->done);
        struct reading now = all();
        assert_int_equal(now.n, 1);
        check(now.lessons, "Не печатает", x->then.topic, x->then.priority,
              x->then.source);
    }
    /* and nothing outranks a correction, also one that agreed */
    write_desk(wipe, NULL);
    (void)put_one("Не печатает", "net", "high", CORPUS_STARTER);
    assert_int_equal(put_one("Не печатает", "net", "high", CORPUS_CORRECTION),
                     CORPUS_SAME);
    assert_int_equal(put_one("Не печатает", "printing", "", CORPUS_IMPORT),
                     CORPUS_SAME);
    check(all().lessons, "Не печатает", "net", "high", CORPUS_CORRECTION);
    write_desk(wipe, NULL);
    (void)put_one("Не печатает", "net", "high", CORPUS_CORRECTION);
    assert_int_equal(
        put_one("Не печатает", "printing", "normal", CORPUS_IMPORT),
        CORPUS_SAME);
    check(all().lessons, "Не печатает", "net", "high", CORPUS_CORRECTION);
    assert_int_equal(put_one("Не печатает", "printing", "", CORPUS_CORRECTION),
                     CORPUS_CHANGED);
    check(all().lessons, "Не печатает", "printing", "high", CORPUS_CORRECTION);
}

/* ---- corrections -----------------------------------------------------------
 */

struct correcting {
    int64_t ticket, by;
    const char *task, *label;
};

/* As an agent does it: the ticket first. */
static int correct(struct db_tx *tx, void *arg, struct err *e)
{
    const struct correcting *x = arg;
    int r = db_exec(tx, e,
                    "UPDATE tickets SET topic_id = (SELECT id FROM topics "
                    "WHERE key = ?2), priority_id = (SELECT id FROM priorities "
                    "WHERE key = 'high') WHERE id = ?1",
                    "it", x->ticket, x->label);
    return r ? r
             : correction_put(tx, x->ticket, x->task, str_from(x->label),
                              (struct actor){ACTOR_STAFF, x->by}, 5000, e);
}

static int predict(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e,
                   "INSERT INTO predictions (ticket_id, task, label, mode, "
                   "confidence, model, created_at) VALUES (?1, "
                   "'topic', 'printing', 'auto', 0.9, 'm1', 1000)",
                   "i", *(int64_t *)arg);
}

static int reply(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e,
                   "INSERT INTO messages (ticket_id, kind, body, created_at) "
                   "VALUES (?1, 'note', 'Ждём', 1), (?1, 'reply', 'Проверьте "
                   "кабель', 2), (?1, 'reply', 'Помогло?', 3)",
                   "i", *(int64_t *)arg);
}

struct kept {
    int64_t ticket, by, at;
    struct str correction;
    int64_t ann;
};

static int read_kept(struct db_tx *tx, void *arg, struct err *e)
{
    struct kept *x = arg;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT COALESCE(correction, ''), COALESCE(corrected_by, "
                     "0), COALESCE(corrected_at, 0) FROM predictions WHERE "
                     "ticket_id = ?1 AND task = 'topic'",
                     "i", x->ticket);
    if (r)
        return r;
    if ((r = db_next(rows, e)) > 0) {
        x->correction = arena_str(arena, db_text(rows, 0));
        x->by = db_int(rows, 1);
        x->at = db_int(rows, 2);
    }
    db_rows_free(rows);
    return r < 0 ? r
                 : db_int_of(tx, &x->ann, e,
                             "SELECT person_id FROM staff WHERE login = 'ann'",
                             "");
}

static void test_correction(void **state)
{
    (void)state;
    struct kept k = {.ticket = ticket_of("Не включается экран", "v@b.ru")};
    write_desk(predict, &k.ticket);
    read_desk(read_kept, &k);
    struct correcting x = {k.ticket, k.ann, "topic", "printing"};
    write_desk(correct, &x); /* the model was right: nothing to learn */
    read_desk(read_kept, &k);
    assert_true(str_is(k.correction, "") && k.at == 0);
    assert_int_equal(all().n, 0);
    x.task = "priority"; /* nothing was predicted there */
    write_desk(correct, &x);
    assert_int_equal(all().n, 0);
    x = (struct correcting){k.ticket, k.ann, "topic", "top"};
    write_desk(correct, &x);
    read_desk(read_kept, &k);
    assert_true(str_is(k.correction, "top"));
    assert_true(k.by == k.ann && k.at == 5000);
    struct reading now = all();
    assert_int_equal(now.n, 1);
    check(now.lessons, "Не включается экран", "top", "high", CORPUS_CORRECTION);
    assert_true(now.lessons[0].ticket_id == k.ticket);
    /* back again: the model was right after all, and the lesson follows */
    x.label = "printing";
    write_desk(correct, &x);
    read_desk(read_kept, &k);
    assert_true(str_is(k.correction, "printing"));
    now = all();
    assert_int_equal(now.n, 1);
    check(now.lessons, "Не включается экран", "printing", "high",
          CORPUS_CORRECTION);
    assert_int_equal(now.lessons[0].answer.n, 0);
    write_desk(reply, &k.ticket); /* what the person was answered, is learnt */
    assert_true(str_is(all().lessons[0].answer, "Проверьте кабель"));
}

#define CASE(test) cmocka_unit_test_setup(test, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_empty),  CASE(test_oldest_first), CASE(test_same_text),
        CASE(test_answer), CASE(test_ranks),        CASE(test_correction),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
