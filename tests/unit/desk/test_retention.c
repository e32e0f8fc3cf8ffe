/* SPDX-License-Identifier: Apache-2.0 */
/* What was kept long enough goes, what is young or wanted stays. */
#include "desk/retention.h"

#include "base/clock.h"
#include "desk/audit.h"
#include "office.h"

static const int64_t now = 1800000000000; /* of the desk's clock */
static struct clock_fake fake;

static int run_sql(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e, arg, "i", now);
}

static void change_desk(const char *sql)
{
    write_desk(run_sql, (void *)(uintptr_t)sql);
}

struct count {
    const char *sql;
    int64_t n;
};

static int count(struct db_tx *tx, void *arg, struct err *e)
{
    struct count *c = arg;
    return db_int_of(tx, &c->n, e, c->sql, "");
}

static int64_t count_of(const char *sql)
{
    struct count c = {.sql = sql};
    read_desk(count, &c);
    return c.n;
}

static struct retired retire_lines(const struct retention_lines *lines)
{
    struct retired x;
    struct err e = {0};
    if (retention_run(desk, lines, &x, &e))
        fail_msg("%s", e.msg);
    return x;
}

static struct retired retire(void)
{
    return retire_lines(&(struct retention_lines){0});
}

/* The desk again, with other settings and the clock of the test. */
static void open_with(const char *const *overrides, int n)
{
    struct err e = {0};
    struct desk_options o = {.folder = folder,
                             .overrides = overrides,
                             .n_overrides = n,
                             .clock = &fake.base};
    desk_close(desk);
    desk = NULL;
    clock_fake_init(&fake, now);
    if (desk_open(&o, &desk, &e))
        fail_msg("%s", e.msg);
}

/* Each limit has a row just before it and one just after it. */
static void test_rows(void **state)
{
    (void)state;
    static const char *const settings[] = {"retention.events_days=10",
                                           "retention.idempotency_hours=5"};
    open_with(settings, 2);
    change_desk("DELETE FROM events WHERE ?1 > 0");
    /* more than one batch */
    change_desk("WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM "
                "c WHERE n < 4001) INSERT INTO events (kind, body_json, "
                "created_at) SELECT 'x', '{}', ?1 - 864000001 FROM c");
    change_desk("INSERT INTO events (kind, body_json, created_at) VALUES ('x', "
                "'{}', ?1 - 863999999)");
    change_desk("INSERT INTO idempotency_keys (owner, key, request_hash, "
                "status, reply, created_at) VALUES ('o', 'old', 'h', 200, '', "
                "?1 - 18000001), ('o', 'new', 'h', 200, '', ?1 - 17999999)");
    change_desk("INSERT INTO sessions (hash, person_id, csrf, created_at, "
                "expires_at) SELECT 'old', person_id, '', 1, ?1 - 1 FROM staff "
                "WHERE login = 'ann' UNION ALL SELECT 'new', person_id, '', 1, "
                "?1 + 1 FROM staff WHERE login = 'ann'");
    change_desk(
        "INSERT INTO outbox (channel, recipient, body_json, dedup, state, "
        "created_at, run_at, sent_at) VALUES ('email', 'a', '{}', 'old', "
        "'sent', 1, 1, ?1 - 864000001), ('email', 'a', '{}', 'new', 'sent', 1, "
        "1, ?1 - 863999999), ('email', 'a', '{}', 'unsent', 'failed', 1, 1, "
        "NULL)");
    struct retired x = retire();
    assert_int_equal(x.events, 4001);
    assert_int_equal(x.keys, 1);
    assert_int_equal(x.sessions, 1);
    assert_int_equal(x.sent, 1);
    assert_int_equal(count_of("SELECT COUNT(*) FROM events"), 1);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM idempotency_keys WHERE key = 'new'"), 1);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM sessions WHERE hash = 'new'"), 1);
    assert_int_equal(count_of("SELECT COUNT(*) FROM outbox WHERE dedup IN "
                              "('new', 'unsent')"),
                     2);
    x = retire(); /* nothing twice */
    assert_int_equal(x.events + x.keys + x.sessions + x.sent, 0);
}

static int verify_audit(struct db_tx *tx, void *arg, struct err *e)
{
    return audit_verify(tx, arg, e);
}

static void test_tickets(void **state)
{
    (void)state;
    static const char *const settings[] = {"retention.closed_tickets_days=1"};
    static const char texts[] =
        "SELECT COUNT(*) FROM tickets t JOIN messages m ON m.ticket_id = t.id "
        "WHERE t.subject <> '' AND m.body <> ''";
    static const char *const said[] = {"Закрыта давно", "Объединена давно",
                                       "Закрыта недавно", "Решена давно",
                                       "Открыта давно"};
    static const char *const closing[] = {
        "state = 'closed', closed_at = ?1 - 86400001",
        "state = 'merged', closed_at = ?1 - 86400001",
        "state = 'closed', closed_at = ?1 - 86399999",
        "state = 'solved', solved_at = ?1 - 86400001",
        "state = 'open', created_at = ?1 - 86400001"};
    open_with(NULL, 0);
    for (size_t i = 0; i < ROWS(said); i++) {
        char sql[200];
        int64_t id = ticket_of(said[i], "a@b.ru");
        (void)snprintf(sql, sizeof(sql), "UPDATE tickets SET %s WHERE id = %d",
                       closing[i], (int)id);
        /* the statement must live as long as the store */
        change_desk(arena_copy(arena, str_from(sql)));
    }
    struct retired x = retire(); /* 0 days: kept for ever */
    assert_int_equal(x.tickets, 0);
    assert_int_equal(count_of(texts), 5);

    open_with(settings, 1);
    x = retire();
    assert_int_equal(x.tickets, 2);
    assert_int_equal(count_of(texts), 3);
    assert_int_equal(count_of("SELECT COUNT(*) FROM tickets WHERE subject IN "
                              "('Закрыта давно', 'Объединена давно')"),
                     0);
    assert_int_equal(count_of("SELECT COUNT(*) FROM inbox WHERE text IN "
                              "('Закрыта давно', 'Объединена давно')"),
                     0);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM audit WHERE action = 'ticket.retire'"),
        2);
    x = retire();
    assert_int_equal(x.tickets, 0);
    int64_t rows = 0;
    read_desk(verify_audit, &rows);
}

/* A recording and what looks like one, each with its ticket. */
static void put_recording(const char *dedup, const char *stage,
                          const char *name, const char *age)
{
    char sql[1000];
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO tickets (subject, language, state, channel, "
                   "created_at, updated_at) VALUES ('%s', 'en', 'open', "
                   "'phone', ?1, ?1)",
                   dedup);
    change_desk(sql);
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO inbox (channel, dedup, text, stage, token, "
                   "ticket_id, received_at) SELECT 'phone', '%s', '', '%s', "
                   "'%s', MAX(id), ?1 FROM tickets",
                   dedup, stage, dedup);
    change_desk(sql);
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO attachments (ticket_id, hash, name, "
                   "media_type, size, created_at) SELECT MAX(id), '%s', '%s', "
                   "'audio/wav', 1, ?1 - %s FROM tickets",
                   dedup, name, age);
    change_desk(sql);
}

/* The file goes, what was said of it stays, and the ticket says so. */
static void test_recordings(void **state)
{
    (void)state;
    static const char *const settings[] = {"phone.keep_days=10",
                                           "speech.recogniser=memory"};
    static const char *const never[] = {"phone.keep_days=0"};
    put_recording("1-a", "ticket", "call-1-a.wav", "864000001");
    put_recording("1-b", "ticket", "call-1-b.wav", "863999999"); /* young */
    put_recording("1-c", "ticket", "report.wav", "864000001"); /* a person's */
    put_recording("1-d", "ticket", "call-1-x.wav", "864000001");
    put_recording("1-e", "recorded", "call-1-e.wav", "864000001"); /* waits */
    open_with(never, 1);
    assert_int_equal(retire().recordings, 0);
    open_with(settings, 2);
    assert_int_equal(retire().recordings, 1);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM attachments WHERE hash LIKE '1-%'"), 4);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM attachments WHERE hash = '1-a'"), 0);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM messages m JOIN tickets t ON t.id = "
                 "m.ticket_id WHERE t.subject = '1-a' AND m.kind = 'note' AND "
                 "m.body LIKE '%kept for 10 days.'"),
        1);
    assert_int_equal(count_of("SELECT COUNT(*) FROM messages WHERE body LIKE "
                              "'%kept for 10 days.'"),
                     1);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM audit WHERE action = 'ticket.detach'"),
        1);
    assert_int_equal(retire().recordings, 0);
    open_with(settings, 1); /* nobody gives it words any more */
    assert_int_equal(retire().recordings, 1);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM attachments WHERE hash = '1-e'"), 0);
    int64_t rows = 0;
    read_desk(verify_audit, &rows);
}

static int64_t recordings_of(const char *line)
{
    char sql[300];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT COUNT(*) FROM attachments a JOIN inbox i ON i.dedup "
                   "= a.hash WHERE a.hash LIKE '2-%%' AND i.line = '%s'",
                   line);
    return count_of(sql);
}

/* On each line one recording of 6 days, one of 11, one of 31. */
static void put_lines(void)
{
    static const char *const lines[] = {"200", "201", "20%", "default", ""};
    static const char *const ages[] = {"518400000", "950400000", "2678400000"};
    for (size_t i = 0; i < ROWS(lines); i++) {
        for (size_t k = 0; k < ROWS(ages); k++) {
            char dedup[20], name[40], sql[200];
            (void)snprintf(dedup, sizeof(dedup), "2-%zu%zu", i, k);
            (void)snprintf(name, sizeof(name), "call-%s.wav", dedup);
            put_recording(dedup, "ticket", name, ages[k]);
            (void)snprintf(sql, sizeof(sql),
                           "UPDATE inbox SET line = '%s', received_at = ?1 "
                           "WHERE dedup = '%s'",
                           lines[i], dedup);
            change_desk(sql);
        }
    }
}

/* What a line says rules over what the desk says, for more and for less. */
static void test_lines(void **state)
{
    (void)state;
    static const char *const ten[] = {"phone.keep_days=10"};
    static const char *const never[] = {"phone.keep_days=0"};
    static const struct retention_line items[] = {
        {STR("200"), 5}, {STR("201"), 30}, {STR("20%"), 0}, {STR("none"), 1}};
    const struct retention_lines lines = {items, ROWS(items)};
    open_with(ten, 1);
    put_lines();
    /* nobody can say which line has a time of its own: nothing goes */
    assert_int_equal(retire_lines(NULL).recordings, 0);
    assert_int_equal(retire_lines(&lines).recordings, 8);
    assert_int_equal(recordings_of("200"), 0);
    assert_int_equal(recordings_of("201"), 2);
    assert_int_equal(recordings_of("20%"), 3);
    assert_int_equal(recordings_of("default"), 1);
    assert_int_equal(recordings_of(""), 1);
    assert_int_equal(count_of("SELECT COUNT(*) FROM messages WHERE body LIKE "
                              "'%kept for 5 days.'"),
                     3);
    assert_int_equal(count_of("SELECT COUNT(*) FROM messages WHERE body LIKE "
                              "'%kept for 30 days.'"),
                     1);
    assert_int_equal(retire_lines(&lines).recordings, 0);
    /* without the desk's value that of a line holds all the same */
    open_with(never, 1);
    struct retention_line sooner = {STR("201"), 7};
    assert_int_equal(
        retire_lines(&(struct retention_lines){&sooner, 1}).recordings, 1);
    assert_int_equal(recordings_of("201"), 1);
    assert_int_equal(recordings_of("default"), 1);
}

/* The oldest of those that Otklik made; a person's own are the person's. */
static void test_backups(void **state)
{
    (void)state;
    static const char *const settings[] = {"retention.backups=2"};
    static const struct {
        const char *name;
        bool stays;
    } rows[] = {
        /* by time, not by number */
        {"before-upgrade-10-2026-01-01T00:00:00.000Z.db", false},
        {"before-upgrade-9-2026-01-02T00:00:00.000Z.db", false},
        {"before-upgrade-2-2026-03-01T00:00:00.000Z.db", true},
        {"before-upgrade-1-2026-02-01T00:00:00.000Z.db", true},
        {"mine.db", true},
        {"before-upgrade-1.txt", true},
    };
    char path[400];
    struct err e = {0};
    (void)snprintf(path, sizeof(path), "%s/backups", folder);
    assert_int_equal(file_make_dir(path, &e), 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        (void)snprintf(path, sizeof(path), "%s/backups/%s", folder,
                       rows[i].name);
        assert_int_equal(file_write(path, STR("x"), 0600, &e), 0);
    }
    open_with(settings, 1);
    struct retired x = retire();
    assert_int_equal(x.backups, 2);
    for (size_t i = 0; i < ROWS(rows); i++) {
        (void)snprintf(path, sizeof(path), "%s/backups/%s", folder,
                       rows[i].name);
        if (file_exists(path) != rows[i].stays)
            fail_msg("%s", rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_recordings), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_backups),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
