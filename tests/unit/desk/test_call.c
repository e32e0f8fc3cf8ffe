/* SPDX-License-Identifier: Apache-2.0 */
/* A recording becomes a ticket, and its words come by a job. */
#include "desk/call.h"

#include <math.h>

#include "article.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "db/jobs.h"
#include "desk/attachment.h"
#include "desk/call_parts.h"
#include "desk/call_trace.h"
#include "desk/intake_jobs.h"
#include "desk/message.h"
#include "desk/ticket.h"
#include "office.h"
#include "speech/recogniser.h"
#include "speech/recording.h"

enum { RATE = 8000 };

static char calls[300];

/* A second desk on the same folder, whose recogniser says this. */
static struct desk *open_hearing(const char *recogniser, const char *text)
{
    char one[100], two[500];
    const char *overrides[] = {one, two};
    struct desk *d = NULL;
    struct err e = {0};
    (void)snprintf(one, sizeof(one), "speech.recogniser=%s", recogniser);
    (void)snprintf(two, sizeof(two), "speech.memory_text=%s", text);
    struct desk_options o = {
        .folder = folder, .overrides = overrides, .n_overrides = 2};
    if (desk_open(&o, &d, &e))
        fail_msg("%s", e.msg);
    return d;
}

/* So much more of speech. */
static void say(struct recording *r, int ms)
{
    struct err e = {0};
    uint32_t seed = 1;
    for (int i = 0; i < RATE / 1000 * ms; i++) {
        seed = seed * 1664525 + 1013904223;
        double on = i / 1600 % 2 ? 6000 : 0;
        int16_t x = (int16_t)(on * ((double)(seed >> 8) / (1 << 24) - 0.5));
        assert_int_equal(recording_put(r, &x, 1, &e), 0);
    }
}

static struct recording *record(const char *name, const char *caller, int ms)
{
    struct recording *r;
    struct err e = {0};
    struct call_about about = {.id = str_from(name),
                               .caller = str_from(caller),
                               .name = STR("Пётр \"П\""),
                               .line = STR("100"),
                               .language = STR("ru"),
                               .started_at = 1000};
    (void)snprintf(calls, sizeof(calls), "%s/calls", folder);
    if (recording_begin(calls, name, RATE, call_about_print(&about, arena), &r,
                        &e))
        fail_msg("%s", e.msg);
    say(r, ms);
    return r;
}
static struct call_filed file(struct desk *d, struct recording *r)
{
    struct call_filed f;
    struct err e = {0};
    struct call_recorded x = {.recording = r,
                              .ended_at = clock_wall(&clock_real)};
    if (call_file(d, worker, &x, arena, &f, &e))
        fail_msg("%s", e.msg);
    assert_true(f.ticket_id > 0);
    return f;
}

/* Runs one job of these kinds as the runner would; its kind, or NULL. */
static const char *step(struct desk *d, int *ret_code)
{
    static const char *const kinds[] = {
        "intake.transcribe", "intake.understand", "intake.deliver", NULL};
    struct job j;
    size_t n = 0;
    struct err e = {0};
    int64_t later = clock_wall(&clock_real) + MS_DAY;
    assert_int_equal(
        job_take(desk_db(d), "me", kinds, later, 0, arena, &j, 1, &n, &e), 0);
    if (!n)
        return NULL;
    if (strcmp(j.kind, kinds[0]) == 0)
        *ret_code = call_step_transcribe(d, worker, &j, "me", &e);
    else if (strcmp(j.kind, kinds[1]) == 0)
        *ret_code = intake_step_understand(d, worker, &j, "me", &e);
    else
        *ret_code = intake_step_deliver(d, worker, &j, "me", &e);
    return j.kind;
}

static int run_all(struct desk *d)
{
    int n = 0;
    int code = 0;
    while (step(d, &code)) {
        assert_int_equal(code, 0);
        n++;
    }
    return n;
}

struct shown {
    int64_t ticket;
    struct ticket t;
    struct message *messages;
    struct attachment *files;
    size_t n_messages, n_files;
    int64_t transcripts, waiting, late_segments;
};

static int look(struct db_tx *tx, void *arg, struct err *e)
{
    struct shown *s = arg;
    int r = ticket_get(tx, s->ticket, arena, &s->t, e);
    if (!r)
        r = message_list(tx, s->ticket, false, arena, &s->messages,
                         &s->n_messages, e);
    if (!r)
        r = attachment_list(tx, s->ticket, arena, &s->files, &s->n_files, e);
    if (!r)
        r = db_int_of(tx, &s->transcripts, e,
                      "SELECT COUNT(*) FROM transcripts t JOIN attachments a "
                      "ON a.id = t.attachment_id WHERE a.ticket_id = ?1",
                      "i", s->ticket);
    if (!r)
        r = db_int_of(tx, &s->late_segments, e,
                      "SELECT COUNT(*) FROM transcripts t JOIN attachments a "
                      "ON a.id = t.attachment_id WHERE a.ticket_id = ?1 AND "
                      "t.segments_json LIKE '%],[2000,%'",
                      "i", s->ticket);
    return r ? r
             : db_int_of(tx, &s->waiting, e,
                         "SELECT COUNT(*) FROM inbox WHERE ticket_id = ?1 AND "
                         "stage = 'recorded'",
                         "i", s->ticket);
}

static struct shown show(int64_t ticket)
{
    struct shown s = {.ticket = ticket};
    read_desk(look, &s);
    return s;
}

/* ---- the tests -------------------------------------------------------------
 */

static void test_about(void **state)
{
    (void)state;
    struct call_about x = {.id = STR("a"),
                           .caller = STR("+7 900\"\\"),
                           .line = STR("1"),
                           .language = STR("en"),
                           .is_chosen = true,
                           .started_at = 1795878913000};
    struct call_about y;
    struct err e = {0};
    assert_int_equal(
        call_about_parse(call_about_print(&x, arena), arena, &y, &e), 0);
    assert_true(str_eq(x.caller, y.caller));
    assert_int_equal(y.started_at, x.started_at);
    assert_true(y.is_chosen);
    assert_int_equal(call_about_parse(STR("{}"), arena, &y, &e), OTK_EFORMAT);
    assert_int_equal(call_about_parse(STR("nonsense"), arena, &y, &e),
                     OTK_EFORMAT);
}

static void mark(struct recording *r, const char *field, const char *digits)
{
    struct err e = {0};
    struct call_mark m = {str_from(field), str_from(digits), recording_ms(r)};
    assert_int_equal(recording_mark(r, call_mark_print(&m, arena), &e), 0);
}

static void test_marks(void **state)
{
    (void)state;
    struct call_mark m[CALL_MARKS_MAX];
    size_t n;
    call_marks_parse(STR("{\"field\":\"a\",\"digits\":\"\",\"from\":7}\n"
                         "nonsense\n\n{}\n{\"field\":\"b\"}\n"
                         "{\"field\":\"c\",\"from\":-1}\n"
                         "{\"field\":\"Имя \\\"x\\\"\",\"digits\":\"12\","
                         "\"from\":0}"),
                     arena, m, &n);
    assert_int_equal(n, 2);
    assert_int_equal(m[0].from_ms, 7);
    assert_true(str_is(m[1].field, "Имя \"x\""));
    assert_true(str_is(m[1].digits, "12"));
    struct buf many = BUF_INIT(1 << 16);
    for (int i = 0; i < 2 * CALL_MARKS_MAX; i++)
        buf_puts(&many, "{\"field\":\"a\",\"from\":7}\n");
    call_marks_parse(buf_str(&many), arena, m, &n);
    assert_int_equal(n, CALL_MARKS_MAX);
    buf_free(&many);
}

static int count_line(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e,
                     "SELECT COUNT(*) FROM inbox WHERE dedup = 'call-q' AND "
                     "line = '100'",
                     "");
}

/* Digits are a note at once, words come with those of the call. */
static void test_answers(void **state)
{
    (void)state;
    struct desk *d = open_hearing("memory", "Пётр Иванов");
    struct recording *r = record("call-q", "+7 900 123-45-68", 2000);
    mark(r, "Добавочный", "1234");
    mark(r, "Имя", "");
    say(r, 2000);
    mark(r, "Silent", "");
    struct call_filed f = file(d, r);
    recording_remove(r);
    int64_t n = 0;
    read_desk(count_line, &n);
    assert_int_equal(n, 1);
    struct shown s = show(f.ticket_id);
    assert_int_equal(s.n_messages, 2);
    assert_true(str_is(s.messages[1].kind, "note"));
    assert_true(str_is(s.messages[1].body, "Добавочный: 1234"));
    assert_int_equal(run_all(d), 3);
    s = show(f.ticket_id);
    assert_int_equal(s.n_messages, 3);
    assert_true(str_is(s.messages[0].body, "Пётр Иванов"));
    assert_true(str_is(s.messages[2].kind, "note"));
    assert_true(str_is(s.messages[2].body, "Имя: Пётр Иванов"));
    /* in the transcript they are where they were said */
    assert_int_equal(s.late_segments, 1);
    desk_close(d);
}

/* The sound of a recording as a call hands it over. */
static int collect(void *ctx, struct str bytes, struct err *e)
{
    (void)e;
    buf_put(ctx, bytes.p, bytes.n);
    return 0;
}

static struct call_thought think(struct desk *d, struct recording *r)
{
    struct buf b = BUF_INIT(1 << 20);
    struct call_thought x;
    struct err e = {0};
    int64_t ms;
    assert_int_equal(recording_read(r, collect, &b, &ms, &e), 0);
    struct call_question q = {
        .wav = buf_str(&b), .spoken = "", .language = "ru"};
    if (call_think(d, worker, &q, arena, &x, &e))
        fail_msg("%s", e.msg);
    buf_free(&b);
    return x;
}

/* Of a recogniser of memory: milliseconds of sound so far. */
static int64_t listened_ms(struct desk *d)
{
    struct recogniser_memory_asked asked;
    recogniser_memory_get(desk_recogniser(d), &asked);
    return (int64_t)asked.samples * 1000 / RECOGNISER_RATE;
}

static struct call_filed file_heard(struct desk *d, struct recording *r,
                                    struct str heard)
{
    struct call_filed f;
    struct err e = {0};
    struct call_recorded x = {.recording = r, .heard = heard};
    if (call_file(d, worker, &x, arena, &f, &e))
        fail_msg("%s", e.msg);
    recording_remove(r);
    return f;
}

static int count_heard(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e,
                     "SELECT COUNT(*) FROM inbox WHERE payload_json LIKE "
                     "'%\"heard\":{%'",
                     "");
}

/* What was recognised in the call is not recognised for the ticket: not a
 * second of it, of the problem, of an answer, of what came later. */
static void test_heard_once(void **state)
{
    (void)state;
    int64_t n = 0;
    struct desk *d = open_hearing("memory", "Лысый ёж");
    struct recording *r = record("call-h1", "+7 900 123-45-61", 2000);
    struct call_thought x = think(d, r);
    assert_int_equal(listened_ms(d), 2000);
    /* the words of the desk were told */
    struct recogniser_memory_asked asked;
    recogniser_memory_get(desk_recogniser(d), &asked);
    assert_true(str_ends(str_from(asked.prompt), "Root, Bob, Ann."));
    struct call_filed f = file_heard(d, r, x.heard);
    read_desk(count_heard, &n);
    assert_int_equal(n, 1);
    assert_int_equal(run_all(d), 3);
    assert_int_equal(listened_ms(d), 2000);
    struct shown s = show(f.ticket_id);
    assert_true(str_is(s.messages[0].body, "Лысый ёж"));
    assert_int_equal(s.transcripts, 1);
    read_desk(count_heard, &n); /* once is enough */
    assert_int_equal(n, 0);

    r = record("call-h2", "+7 900 123-45-61", 2000);
    x = think(d, r);
    mark(r, "Добавочный", "1234");
    mark(r, "Имя", "");
    say(r, 3000);
    f = file_heard(d, r, x.heard);
    assert_int_equal(run_all(d), 3);
    assert_int_equal(listened_ms(d), 2000 + 2000 + 3000);
    s = show(f.ticket_id);
    assert_true(str_is(s.messages[0].body, "Лысый ёж"));
    assert_true(str_is(s.messages[2].body, "Имя: Лысый ёж"));
    assert_int_equal(s.late_segments, 1);

    r = record("call-h3", "+7 900 123-45-61", 2000);
    x = think(d, r);
    say(r, 1000);
    f = file_heard(d, r, x.heard);
    assert_int_equal(run_all(d), 3);
    assert_int_equal(listened_ms(d), 7000 + 2000 + 1000);
    s = show(f.ticket_id);
    assert_true(str_is(s.messages[0].body, "Лысый ёж Лысый ёж"));
    assert_int_equal(s.late_segments, 1);

    /* nothing was understood: that, too, is known */
    r = record("call-h4", "+7 900 123-45-61", 190);
    x = think(d, r);
    assert_int_equal(x.words.n, 0);
    f = file_heard(d, r, x.heard);
    assert_int_equal(run_all(d), 3);
    assert_int_equal(listened_ms(d), 10000 + 190);
    s = show(f.ticket_id);
    assert_true(str_starts(s.messages[0].body, "Слова не разобраны"));
    desk_close(d);
}

/* What says that it was heard, and is not so, is heard. */
static void test_heard_wrong(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{}",
        "7",
        "{\"to\":900,",
        "{\"to\":0,\"language\":\"\",\"confidence\":1,\"text\":\"a\","
        "\"segments\":[]}",
        "{\"to\":5000,\"language\":\"\",\"confidence\":1,\"text\":\"a\","
        "\"segments\":[]}", /* longer than the call */
        "{\"to\":900,\"language\":\"long\",\"confidence\":1,\"text\":\"a\","
        "\"segments\":[]}",
        "{\"to\":900,\"language\":\"\",\"confidence\":1,\"text\":\"a\","
        "\"segments\":[[5,1,1,\"a\"]]}",
    };
    struct desk *d = open_hearing("memory", "Лысый ёж");
    int64_t before = 0;
    for (size_t i = 0; i < ROWS(wrong); i++) {
        char name[20];
        (void)snprintf(name, sizeof(name), "call-w%zu", i);
        struct recording *r = record(name, "+7 900 123-45-61", 1000);
        struct call_filed f = file_heard(d, r, str_from(wrong[i]));
        assert_int_equal(run_all(d), 3);
        if (listened_ms(d) - before != 1000)
            fail_msg("row %zu: %d ms", i, (int)(listened_ms(d) - before));
        before += 1000;
        assert_true(str_is(show(f.ticket_id).messages[0].body, "Лысый ёж"));
    }
    desk_close(d);
}

static int count_answered(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e,
                     "SELECT COUNT(*) FROM inbox i JOIN feedback f ON "
                     "f.inbox_id = i.id WHERE i.channel = 'phone' AND i.stage "
                     "= 'answered' AND i.ticket_id IS NULL AND i.person_id IS "
                     "NOT NULL AND f.kind = 'thumb' AND f.value = 1",
                     "");
}

static void test_answered(void **state)
{
    (void)state;
    struct err e = {0};
    write_desk(put_article, NULL);
    int64_t n = 0;
    struct call_about about;
    struct call_filed f;
    struct recording *r = record("call-a", "+7 900 123-45-69", 2000);
    struct desk *d = open_hearing("memory", ANSWERED);
    struct call_thought x = think(d, r);
    assert_true(str_is(x.words, ANSWERED));
    assert_string_equal(x.language, "ru");
    assert_true(
        str_is(x.answer, "Откройте параметры почты и включите автоответ."));
    assert_int_equal(call_about_parse(recording_about(r), arena, &about, &e),
                     0);
    /* what has no answer is not closed, what is closed twice is there once */
    assert_int_equal(call_close(d, worker, &about, STR("Лысый ёж"), arena, &e),
                     OTK_ENOENT);
    for (int i = 0; i < 2; i++)
        assert_int_equal(call_close(d, worker, &about, x.words, arena, &e), 0);
    read_desk(count_answered, &n);
    assert_int_equal(n, 1);
    /* a crash before the recording was gone makes no ticket of it */
    struct call_recorded again = {.recording = r};
    assert_int_equal(call_file(d, worker, &again, arena, &f, &e), 0);
    assert_int_equal(f.ticket_id, 0);
    recording_remove(r);
    desk_close(d);
    /* not sure of anything; nothing said; nothing hears */
    r = record("call-b", "+7 900 123-45-69", 2000);
    d = open_hearing("memory", "Лысый ёж поехал на ярмарку");
    x = think(d, r);
    assert_true(x.words.n > 0);
    assert_int_equal(x.answer.n, 0);
    desk_close(d);
    d = open_hearing("none", "");
    assert_int_equal(think(d, r).words.n, 0);
    desk_close(d);
    recording_remove(r);
    r = record("call-c", "+7 900 123-45-69", 190); /* silent so long */
    d = open_hearing("memory", ANSWERED);
    assert_int_equal(think(d, r).words.n, 0);
    desk_close(d);
    recording_remove(r);
}

static void test_known(void **state)
{
    (void)state;
    struct desk *d = open_hearing("none", "");
    struct str name;
    struct err e = {0};
    struct recording *r = record("call-0", "+7 900 000-00-01", 1000);
    assert_int_equal(call_known(d, STR("+79000000001"), arena, &name, &e), 0);
    assert_int_equal(name.n, 0);
    (void)file(d, r);
    recording_remove(r);
    /* however the number is written */
    assert_int_equal(call_known(d, STR("+7(900)0000001"), arena, &name, &e), 0);
    assert_true(str_is(name, "Пётр \"П\""));
    assert_int_equal(call_known(d, STR("support"), arena, &name, &e), 0);
    assert_int_equal(name.n, 0);
    desk_close(d);
}

static int read_trace(struct db_tx *tx, void *arg, struct err *e)
{
    struct call_trace *t = arg;
    struct db_rows *rows;
    json_t *o = NULL;
    int r = db_query(tx, &rows, e,
                     "SELECT payload_json FROM inbox WHERE dedup = ?1", "s",
                     str_from(t->id));
    if (r)
        return r;
    r = db_next(rows, e);
    assert_int_equal(r, 1);
    assert_int_equal(json_read(db_text(rows, 0), 4096, &o, e), 0);
    assert_true(call_trace_read(o, t));
    json_decref(o);
    db_rows_free(rows);
    return 0;
}

/* Each step has noted its time, the last of which goes to the log alone. */
static void check_trace(const char *call, int attempt)
{
    struct call_trace t;
    call_trace_init(&t, str_from(call), 0);
    read_desk(read_trace, &t);
    assert_string_equal(t.id, call);
    assert_true(t.at[CALL_ENDED] > 0);
    for (int i = CALL_ENDED; i < CALL_UNDERSTOOD; i++)
        assert_true(t.at[i] <= t.at[i + 1]);
    assert_int_equal(t.at[CALL_ROUTING], 0);
    assert_int_equal(t.length_ms, 2000);
    assert_int_equal(t.attempt, attempt);
}

static void test_with_recogniser(void **state)
{
    (void)state;
    struct desk *d =
        open_hearing("memory", "Не печатает принтер в бухгалтерии");
    struct recording *r = record("call-1", "+7 900 123-45-67", 2000);
    struct call_filed f = file(d, r);
    struct shown s = show(f.ticket_id);
    assert_int_equal(s.waiting, 1);
    assert_int_equal(s.t.assignee_id, 0); /* not known what it is about */
    assert_true(str_is(s.t.channel, "phone"));
    assert_int_equal(s.n_files, 1);
    assert_int_equal(s.files[0].size, 44 + 2 * RATE * 2);
    assert_true(s.t.person_id > 0);
    /* the same again is the same */
    assert_int_equal(file(d, r).ticket_id, f.ticket_id);
    assert_int_equal(show(f.ticket_id).n_files, 1);
    recording_remove(r);
    assert_int_equal(run_all(d), 3);
    s = show(f.ticket_id);
    assert_int_equal(s.waiting, 0);
    assert_int_equal(s.transcripts, 1);
    assert_int_equal(s.n_messages, 1);
    assert_true(
        str_is(s.messages[0].body, "Не печатает принтер в бухгалтерии"));
    assert_true(str_is(s.t.subject, "Не печатает принтер в бухгалтерии"));
    check_trace("call-1", 1);
    desk_close(d);
}

static void test_without_recogniser(void **state)
{
    (void)state;
    struct recording *r = record("call-2", "anonymous", 1500);
    struct call_filed f = file(desk, r);
    int64_t n;
    struct err e = {0};
    recording_remove(r);
    struct shown s = show(f.ticket_id);
    assert_int_equal(s.waiting, 1);
    assert_int_equal(s.t.person_id, 0);
    assert_non_null(strstr(s.messages[0].body.p, "не расшифрована"));
    assert_int_equal(run_all(desk), 0);
    assert_int_equal(call_resume(desk, &n, &e), 0);
    assert_int_equal(n, 0);
    /* one comes */
    struct desk *d = open_hearing("memory", "Нет связи");
    assert_int_equal(call_resume(d, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(call_resume(d, &n, &e), 0);
    assert_int_equal(n, 0);
    assert_int_equal(run_all(d), 3);
    s = show(f.ticket_id);
    assert_int_equal(s.waiting, 0);
    assert_true(str_is(s.messages[0].body, "Нет связи"));
    desk_close(d);
}

static int set_by_staff(struct db_tx *tx, void *arg, struct err *e)
{
    int64_t high = 0;
    const struct shown *s = arg;
    int r = db_int_of(tx, &high, e,
                      "SELECT id FROM priorities WHERE key = "
                      "'high'",
                      "");
    struct ticket_change c = {.priority_id = &high};
    return r ? r : ticket_change(tx, s->ticket, &c, (struct actor){0}, 2000, e);
}

/* What people did meanwhile stays. */
static void test_staff_was_faster(void **state)
{
    (void)state;
    struct desk *d = open_hearing("memory", "Не печатает принтер");
    struct recording *r = record("call-3", "101", 1500);
    struct call_filed f = file(d, r);
    recording_remove(r);
    struct shown s = show(f.ticket_id);
    write_desk(set_by_staff, &s);
    struct shown before = show(f.ticket_id);
    assert_int_equal(run_all(d), 3);
    s = show(f.ticket_id);
    assert_int_equal(s.t.priority_id, before.t.priority_id);
    desk_close(d);
}

/* An endpoint that is not there: people get the ticket, and later its words. */
static void test_recogniser_fails(void **state)
{
    (void)state;
    char url[] = "speech.url=http://127.0.0.1:1/x";
    char http[] = "speech.recogniser=http";
    const char *overrides[] = {url, http};
    struct desk_options o = {
        .folder = folder, .overrides = overrides, .n_overrides = 2};
    struct desk *d = NULL;
    struct err e = {0};
    int code = 0;
    assert_int_equal(desk_open(&o, &d, &e), 0);
    struct recording *r = record("call-4", "102", 1500);
    struct call_filed f = file(d, r);
    recording_remove(r);
    assert_string_equal(step(d, &code), "intake.transcribe");
    assert_int_equal(code, OTK_EAGAIN);
    struct shown s = show(f.ticket_id);
    assert_int_equal(s.waiting, 1);
    assert_non_null(strstr(s.messages[0].body.p, "не расшифрована"));
    desk_close(d);
}

static int drop_file(struct db_tx *tx, void *arg, struct err *e)
{
    const struct shown *s = arg;
    return attachment_drop(tx, s->files[0].id, (struct actor){0}, 3000, e);
}

/* Somebody took the recording away before it was heard. */
static void test_recording_gone(void **state)
{
    (void)state;
    struct desk *d = open_hearing("memory", "Слова");
    struct recording *r = record("call-5", "103", 1500);
    struct call_filed f = file(d, r);
    recording_remove(r);
    struct shown s = show(f.ticket_id);
    write_desk(drop_file, &s);
    assert_true(run_all(d) >= 1);
    s = show(f.ticket_id);
    assert_int_equal(s.waiting, 0);
    desk_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_about),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_heard_once),
        cmocka_unit_test(test_heard_wrong),
        cmocka_unit_test(test_answered),
        cmocka_unit_test(test_with_recogniser),
        cmocka_unit_test(test_without_recogniser),
        cmocka_unit_test(test_staff_was_faster),
        cmocka_unit_test(test_recording_gone),
        cmocka_unit_test(test_recogniser_fails),
        cmocka_unit_test(test_known), /* leaves its job behind */
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
