/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/row_import.h"

#include "base/clock.h"
#include "data/table.h"
#include "desk/catalog.h"
#include "desk/corpus.h"
#include "desk/message.h"
#include "desk/person.h"
#include "desk/ticket.h"
#include "office.h"

enum { TEXT_LIMIT = 30, BAD_MAX = 20 };
static const int64_t today = 1795000000000;

/* What became of a file, as `otklik import` counts it. */
struct outcome {
    size_t counts[3];        /* by enum import_verdict */
    size_t numbers[BAD_MAX]; /* of bad rows, as a person counts */
    const char *why[BAD_MAX];
    size_t n_bad;
    int64_t tickets, people, examples, messages; /* that are new */
};

struct importing {
    struct row_import x;
    struct outcome out;
};

static int count(struct db_tx *tx, struct outcome *o, int sign, struct err *e)
{
    static const char *const sql[] = {
        "SELECT COUNT(*) FROM tickets", "SELECT COUNT(*) FROM people",
        "SELECT COUNT(*) FROM examples", "SELECT COUNT(*) FROM messages"};
    int64_t *const to[] = {&o->tickets, &o->people, &o->examples, &o->messages};
    int r = 0;
    for (size_t i = 0; !r && i < ROWS(sql); i++) {
        int64_t n = 0;
        r = db_int_of(tx, &n, e, sql[i], "");
        *to[i] += sign * n;
    }
    return r;
}

static int put_rows(struct db_tx *tx, void *arg, struct err *e)
{
    struct importing *m = arg;
    int r = count(tx, &m->out, -1, e);
    for (size_t i = 0; !r && i < m->x.table->n_rows; i++) {
        struct err why = {0};
        enum import_verdict v = IMPORT_SAME;
        r = row_import_put(tx, &m->x, i, &v, &why);
        if (r == OTK_EFORMAT || r == OTK_ELIMIT) {
            assert_true(m->out.n_bad < BAD_MAX);
            m->out.numbers[m->out.n_bad] = m->x.table->numbers[i];
            m->out.why[m->out.n_bad++] =
                arena_printf(arena, "%s: %s", why.field, why.msg);
            r = 0;
        } else if (r) {
            *e = why;
        } else {
            m->out.counts[v]++;
        }
    }
    return r ? r : count(tx, &m->out, 1, e);
}

/* The CSV whose table fails to begin with, or 0. */
static int begin(enum import_kind kind, const char *csv, struct table *t,
                 struct importing *m, struct err *e)
{
    if (table_read(str_from(csv), TABLE_CSV, NULL, t, e))
        fail_msg("%s", e->msg);
    *m = (struct importing){.x = {.kind = kind,
                                  .table = t,
                                  .catalog = desk_catalog(desk),
                                  .stemmer = worker->stemmer,
                                  .arena = arena,
                                  .now = today,
                                  .text_max = TEXT_LIMIT}};
    return row_import_begin(&m->x, e);
}

static void end(struct table *t, struct importing *m)
{
    catalog_unref((struct catalog *)(uintptr_t)m->x.catalog);
    table_free(t);
}

static struct outcome import(enum import_kind kind, const char *csv)
{
    struct table t;
    struct importing m;
    struct err e = {0};
    if (begin(kind, csv, &t, &m, &e))
        fail_msg("%s", e.msg);
    write_desk(put_rows, &m);
    end(&t, &m);
    return m.out;
}

static void check_counts(const struct outcome *o, size_t fresh, size_t changed,
                         size_t same, size_t bad)
{
    if (o->counts[IMPORT_NEW] != fresh ||
        o->counts[IMPORT_CHANGED] != changed ||
        o->counts[IMPORT_SAME] != same || o->n_bad != bad)
        fail_msg("%zu new, %zu changed, %zu same, %zu bad: %s", o->counts[0],
                 o->counts[1], o->counts[2], o->n_bad,
                 o->n_bad ? o->why[0] : "");
}

struct bad_row {
    size_t number;
    const char *why; /* how it begins */
};

static void check_bad(const struct outcome *o, const struct bad_row *rows)
{
    for (size_t i = 0; i < o->n_bad; i++) {
        if (o->numbers[i] != rows[i].number ||
            strncmp(o->why[i], rows[i].why, strlen(rows[i].why)) != 0)
            fail_msg("%zu: %s", o->numbers[i], o->why[i]);
    }
}

/* ---- columns ---------------------------------------------------------------
 */

static void test_columns(void **state)
{
    (void)state;
    static const struct {
        enum import_kind kind;
        const char *head, *missing; /* NULL: it is fine */
    } rows[] = {
        {IMPORT_EXAMPLES, "text,topic\nx,y\n", NULL},
        {IMPORT_EXAMPLES, "Topic , TEXT\nx,y\n", NULL},
        {IMPORT_EXAMPLES, "text,priority\nx,y\n", "topic"},
        {IMPORT_EXAMPLES, "topic,body\nx,y\n", "text"},
        {IMPORT_PEOPLE, "name\nx\n", NULL},
        {IMPORT_PEOPLE, "email\na@b.ru\n", "name"},
        {IMPORT_TICKETS, "text\nx\n", NULL},
        {IMPORT_TICKETS, "subject\nx\n", "text"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct table t;
        struct importing m;
        struct err e = {0};
        int r = begin(rows[i].kind, rows[i].head, &t, &m, &e);
        end(&t, &m);
        assert_int_equal(r, rows[i].missing ? OTK_EFORMAT : 0);
        if (rows[i].missing)
            assert_string_equal(
                e.msg, arena_printf(arena,
                                    "there is no column '%s'; say which with "
                                    "--map %s=Name",
                                    rows[i].missing, rows[i].missing));
    }
}

/* ---- examples --------------------------------------------------------------
 */

static const char examples[] = "text,topic,priority\n"
                               "Не печатает,printing,\n"
                               "  No paper  , printing ,normal\n"
                               ",printing,\n"
                               "Without a label,,\n"
                               "Сегодня не печатает совсем никто и нигде,net,\n"
                               "no PAPER!,printing,normal\n"
                               "Hello,none,normal\n"
                               "\"Two\nlines\",,high\n";

static void test_examples(void **state)
{
    (void)state;
    static const struct bad_row bad[] = {
        {4, "text: "}, {5, ": no label"}, {6, "text: 40 characters long"}};
    struct outcome o = import(IMPORT_EXAMPLES, examples);
    check_counts(&o, 4, 0, 1, 3);
    check_bad(&o, bad);
    assert_true(o.examples == 4);
    o = import(IMPORT_EXAMPLES, examples);
    check_counts(&o, 0, 0, 5, 3);
    assert_true(o.examples == 0);
    o = import(IMPORT_EXAMPLES, "text,topic\nNo paper,top\n");
    check_counts(&o, 0, 1, 0, 0);
}

struct lessons {
    struct lesson *items;
    size_t n;
};

static int read_lessons(struct db_tx *tx, void *arg, struct err *e)
{
    struct lessons *x = arg;
    return corpus_read(tx, arena, &x->items, &x->n, e);
}

/* After test_examples(). */
static void test_lessons(void **state)
{
    (void)state;
    struct lessons x;
    read_desk(read_lessons, &x);
    assert_int_equal(x.n, 4);
    assert_true(str_is(x.items[1].text, "No paper"));
    assert_true(str_is(x.items[1].topic, "top"));
    assert_true(str_is(x.items[1].priority, "normal"));
    assert_int_equal(x.items[1].source, CORPUS_IMPORT);
    /* how urgent is what is no request? */
    assert_true(str_is(x.items[2].topic, "none"));
    assert_true(str_is(x.items[2].priority, ""));
}

/* ---- people ----------------------------------------------------------------
 */

static const char people[] = "name,email,phone,organisation,note,external_id\n"
                             "Vera,Vera@B.ru,+7 (900) 123-45-67,Works,VIP,P1\n"
                             "Oleg,oleg@b.ru,,,,\n"
                             ",,,Works,,\n"
                             "Ivan,not an address,,,,\n"
                             "Vera again,vera@b.ru,,,,\n"
                             "By phone,,+79001234567,,,P9\n"
                             "By number,other@b.ru,,,,P1\n"
                             "Zoe,,12,,,\n";

static void test_people(void **state)
{
    (void)state;
    static const struct bad_row bad[] = {
        {4, ": no name, no e-mail, no phone"}, {5, ""}, {9, ""}};
    struct outcome o = import(IMPORT_PEOPLE, people);
    check_counts(&o, 2, 0, 3, 3);
    check_bad(&o, bad);
    assert_true(o.people == 2);
    o = import(IMPORT_PEOPLE, people);
    check_counts(&o, 0, 0, 5, 3);
    assert_true(o.people == 0);
}

struct reading {
    const char *external_id;
    struct person person;
    struct ticket ticket;
    struct message *messages;
    size_t n;
};

static int read_person(struct db_tx *tx, void *arg, struct err *e)
{
    struct reading *x = arg;
    int64_t id = 0;
    int r = person_external(tx, str_from(x->external_id), &id, e);
    return r ? r : person_get(tx, id, arena, &x->person, e);
}

/* After test_people(): known people stay as they are. */
static void test_known_people(void **state)
{
    (void)state;
    struct reading x = {.external_id = "P1"};
    read_desk(read_person, &x);
    assert_true(str_is(x.person.name, "Vera"));
    assert_true(str_is(x.person.organisation, "Works"));
    assert_true(str_is(x.person.note, "VIP"));
    assert_int_equal(x.person.n_identities, 2);
    struct err e = {0};
    x.external_id = "P9";
    assert_int_equal(db_read(desk_db(desk), 0, read_person, &x, &e),
                     OTK_ENOENT);
}

/* ---- tickets ---------------------------------------------------------------
 */

static const char history[] =
    "text,external_id,subject,state,topic,priority,created_at,name,email,"
    "answer\n"
    "Принтер сломан,T1,Принтер,solved,printing,high,2025-03-01T10:00:00+03:00,"
    "Vera,v@c.ru,Заменили\n"
    "No such state,T2,,lost,,,,,,\n"
    "No such topic,T3,,,nix,,,,,\n"
    "No such priority,T4,,,,nix,,,,\n"
    "No such day,T5,,,,,yesterday,,,\n"
    ",T6,,,,,,,,\n"
    "No such address,T7,,,,,,,at home,\n"
    "The same number,T1,,,,,,,,\n"
    "State new,T10,,new,,,,,,\n"
    "State open,T11,,open,,,,,,\n"
    "State pending,T12,,pending,,,,,,\n"
    "State hold,T13,,hold,,,,,,\n"
    "State closed,T14,,closed,,,,,,\n"
    "State unsaid,T15,,,,,,,,\n";

static int read_ticket(struct db_tx *tx, void *arg, struct err *e)
{
    struct reading *x = arg;
    int64_t id = 0;
    int r =
        db_int_of(tx, &id, e, "SELECT id FROM tickets WHERE external_id = ?1",
                  "t", x->external_id);
    if (!r)
        r = ticket_get(tx, id, arena, &x->ticket, e);
    return r ? r : message_list(tx, id, true, arena, &x->messages, &x->n, e);
}

static void test_tickets(void **state)
{
    (void)state;
    static const struct bad_row bad[] = {{3, "state: no such state"},
                                         {4, "topic: the desk has no such"},
                                         {5, "priority: the desk has no such"},
                                         {6, "created_at: is not an RFC 3339"},
                                         {7, "text: must not be empty"},
                                         {8, "email: "}};
    struct outcome o = import(IMPORT_TICKETS, history);
    check_counts(&o, 7, 0, 1, 6);
    check_bad(&o, bad);
    assert_true(o.tickets == 7 && o.messages == 8 && o.people == 1);
    assert_true(o.examples == 1); /* what was filed there is a lesson */
    o = import(IMPORT_TICKETS, history);
    check_counts(&o, 0, 0, 8, 6);
    assert_true(o.tickets == 0 && o.messages == 0 && o.people == 0);
}

/* Rows without a number of their own are known again by what they say. */
static void test_nameless(void **state)
{
    (void)state;
    static const char crowd[] = "name,organisation\nZoe,Works\nZoe,Shop\n"
                                "Zoe,Works\n";
    static const char past[] = "text,created_at\n"
                               "Same text,2025-03-01T10:00:00Z\n"
                               "Same text,2025-03-02T10:00:00Z\n";
    struct outcome o = import(IMPORT_PEOPLE, crowd);
    check_counts(&o, 2, 0, 1, 0);
    o = import(IMPORT_PEOPLE, crowd);
    check_counts(&o, 0, 0, 3, 0);
    assert_true(o.people == 0);
    o = import(IMPORT_TICKETS, past);
    check_counts(&o, 2, 0, 0, 0);
    o = import(IMPORT_TICKETS, past);
    check_counts(&o, 0, 0, 2, 0);
    assert_true(o.tickets == 0);
}

/* After test_tickets(). */
static void test_history(void **state)
{
    (void)state;
    static const char *const states[][2] = {
        {"T1", "solved"},   {"T10", "new"},  {"T11", "open"},
        {"T12", "pending"}, {"T13", "hold"}, {"T14", "closed"},
        {"T15", "closed"}};
    struct reading x = {.external_id = "T1"};
    int64_t then = 0;
    assert_int_equal(time_parse(STR("2025-03-01T07:00:00Z"), &then), 0);
    read_desk(read_ticket, &x);
    assert_true(str_is(x.ticket.subject, "Принтер"));
    assert_true(str_is(x.ticket.language, "ru"));
    assert_true(str_is(x.ticket.channel, "import"));
    assert_true(str_is(x.ticket.person_name, "Vera"));
    assert_true(x.ticket.topic_id != 0 && x.ticket.priority_id != 0);
    assert_true(x.ticket.created_at == then && x.ticket.solved_at == then);
    assert_int_equal(x.n, 2);
    assert_true(str_is(x.messages[0].kind, "request"));
    assert_true(str_is(x.messages[0].body, "Принтер сломан"));
    assert_true(str_is(x.messages[1].kind, "reply"));
    assert_true(str_is(x.messages[1].body, "Заменили"));
    for (size_t i = 0; i < ROWS(states); i++) {
        x.external_id = states[i][0];
        read_desk(read_ticket, &x);
        assert_true(str_is(x.ticket.state, states[i][1]));
    }
    assert_true(x.ticket.created_at == today); /* nothing was said */
    assert_true(str_is(x.ticket.subject, "State unsaid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),      cmocka_unit_test(test_examples),
        cmocka_unit_test(test_lessons),      cmocka_unit_test(test_people),
        cmocka_unit_test(test_known_people), cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_history),      cmocka_unit_test(test_nameless),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
