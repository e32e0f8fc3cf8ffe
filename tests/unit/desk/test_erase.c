/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting a person: nothing is left of him, others lose nothing. */
#include "desk/erase.h"

#include <unistd.h>

#include "desk/attachment.h"
#include "desk/audit.h"
#include "desk/blob.h"
#include "desk/merge.h"
#include "desk/message.h"
#include "desk/outbox.h"
#include "desk/ticket.h"
#include "knowledge/unanswered.h"
#include "office.h"

/* Two people, a ticket each, whose texts share no word. */
static int64_t his, hers; /* tickets */
static int64_t he, she;   /* people */
static char his_email[40];

struct count {
    const char *sql;
    int64_t id, n;
};

static int count(struct db_tx *tx, void *arg, struct err *e)
{
    struct count *c = arg;
    return db_int_of(tx, &c->n, e, c->sql, "i", c->id);
}

static int64_t count_of(const char *sql, int64_t id)
{
    struct count c = {.sql = sql, .id = id};
    read_desk(count, &c);
    return c.n;
}

static int change(struct db_tx *tx, void *arg, struct err *e)
{
    const struct count *c = arg;
    return db_exec(tx, e, c->sql, "i", c->id);
}

static void change_desk(const char *sql, int64_t id)
{
    struct count c = {.sql = sql, .id = id};
    write_desk(change, &c);
}

static int fresh(void **state)
{
    (void)state;
    static const char person[] = "SELECT person_id FROM tickets WHERE id = ?1";
    static int round;
    char her_email[40];
    round++;
    (void)snprintf(his_email, sizeof(his_email), "him%d@b.ru", round);
    (void)snprintf(her_email, sizeof(her_email), "her%d@b.ru", round);
    his = ticket_of("Бегемот застрял посреди болота", his_email);
    hers = ticket_of("Сломалась кофемашина", her_email);
    he = count_of(person, his);
    she = count_of(person, hers);
    assert_int_not_equal(he, she);
    change_desk("UPDATE people SET name = 'Max', note = 'tall', organisation = "
                "'Office', external_id = 'x' || id WHERE id = ?1",
                he);
    return 0;
}

struct file {
    int64_t ticket, person;
    const char *hash;
};

static int attach(struct db_tx *tx, void *arg, struct err *e)
{
    const struct file *f = arg;
    int64_t id;
    struct attachment x = {.ticket_id = f->ticket,
                           .hash = str_from(f->hash),
                           .name = STR("a.txt"),
                           .media_type = STR("text/plain")};
    return attachment_add(tx, &x, (struct actor){ACTOR_PERSON, f->person}, 1000,
                          &id, e);
}

static void put_file(int64_t ticket, int64_t person, const char *text,
                     char ret_hash[BLOB_HASH_BYTES])
{
    struct blob_writer *w = NULL;
    struct err e = {0};
    uint64_t size;
    assert_int_equal(blob_begin(folder, 1000, &w, &e), 0);
    assert_int_equal(blob_write(w, str_from(text), &e), 0);
    assert_int_equal(blob_finish(w, ret_hash, &size, &e), 0);
    struct file f = {ticket, person, ret_hash};
    write_desk(attach, &f);
}

static bool has_blob(const char *hash)
{
    int fd;
    uint64_t size;
    if (blob_open(folder, str_from(hash), &fd, &size, NULL))
        return false;
    return close(fd) == 0;
}

struct said {
    const char *kind, *text;
    int64_t ticket, by;
};

static int say(struct db_tx *tx, void *arg, struct err *e)
{
    const struct said *s = arg;
    struct message_new m = {.ticket_id = s->ticket,
                            .kind = s->kind,
                            .body = str_from(s->text),
                            .channels = STR("email"),
                            .by = {s->by ? ACTOR_PERSON : ACTOR_OTKLIK, s->by}};
    return message_add(tx, worker->stemmer, &m, 2000, NULL, e);
}

struct finding {
    const char *word;
    size_t n;
};

static int find(struct db_tx *tx, void *arg, struct err *e)
{
    struct finding *f = arg;
    int64_t ids[10];
    struct str stem = str_from(f->word);
    struct db_text_query q = {
        .all = &stem, .n_all = 1, .last_is_prefix = true, .limit = 10};
    return db_text_find(tx, "messages_text", &q, ids, &f->n, e);
}

static size_t found(const char *word)
{
    struct finding f = {.word = word};
    read_desk(find, &f);
    return f.n;
}

static struct erasure erase_him(void)
{
    struct erasure x = {0};
    struct err e = {0};
    if (erase_person(desk, he, (struct actor){0}, arena, &x, &e))
        fail_msg("%s", e.msg);
    return x;
}

struct checking {
    struct erasure x;
    int64_t person;
    const char *why;
    bool holds;
};

static int verify(struct db_tx *tx, void *arg, struct err *e)
{
    struct checking *c = arg;
    return erase_verify(tx, &c->x, &c->holds, &c->why, e);
}

static int find_proof(struct db_tx *tx, void *arg, struct err *e)
{
    struct checking *c = arg;
    return erase_find(tx, c->person, arena, &c->x, e);
}

static int verify_audit(struct db_tx *tx, void *arg, struct err *e)
{
    return audit_verify(tx, arg, e);
}

static int ask_board(struct db_tx *tx, void *arg, struct err *e)
{
    return unanswered_add(tx, str_from(arg), "ru", STR(""), 1000, e);
}

/* ---- what goes and what stays
 * ------------------------------------------------------- */

static void test_gone(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        int64_t before;
    } rows[] = {
        {"SELECT COUNT(*) FROM identities WHERE person_id = ?1", 1},
        {"SELECT COUNT(*) FROM people WHERE id = ?1 AND (name <> '' OR note <> "
         "'' OR organisation <> '' OR external_id IS NOT NULL)",
         1},
        {"SELECT COUNT(*) FROM inbox WHERE person_id = ?1 AND text <> ''", 1},
        {"SELECT COUNT(*) FROM tickets WHERE person_id = ?1 AND subject <> ''",
         1},
        /* his request and the answer to him on his ticket, his on another */
        {"SELECT COUNT(*) FROM messages m JOIN tickets t ON t.id = "
         "m.ticket_id WHERE (t.person_id = ?1 OR m.author_id = ?1) AND body <> "
         "''",
         3},
        {"SELECT COUNT(*) FROM outbox o JOIN tickets t ON t.id = o.ticket_id "
         "WHERE t.person_id = ?1 AND (o.recipient <> '' OR body_json <> '{}' "
         "OR o.state = 'waiting')",
         1},
        {"SELECT COUNT(*) FROM attachments a JOIN tickets t ON t.id = "
         "a.ticket_id WHERE t.person_id = ?1",
         2},
        {"SELECT COUNT(*) FROM unanswered WHERE text LIKE 'Бегемот%' AND ?1 > "
         "0",
         1},
    };
    char own[BLOB_HASH_BYTES], shared[BLOB_HASH_BYTES];
    put_file(his, he, "only his", own);
    put_file(his, he, "of both", shared);
    put_file(hers, she, "of both", shared);
    struct said reply = {"reply", "Вытащим вашего бегемота", his, 0};
    struct said other = {"request", "Жираф тоже пришёл", hers, he};
    write_desk(say, &reply);
    write_desk(say, &other);
    char question[] = "Бегемот застрял посреди болота";
    write_desk(ask_board, question);
    int64_t her_texts =
        count_of("SELECT COUNT(*) FROM messages WHERE ticket_id = ?1 AND body "
                 "<> ''",
                 hers);
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t n = count_of(rows[i].sql, he);
        if (n != rows[i].before)
            fail_msg("row %zu before: %d", i, (int)n);
    }
    assert_int_equal(found("бегемот"), 2);
    assert_int_equal(found("жираф"), 1);
    assert_int_equal(found("кофемашин"), 1);

    struct erasure x = erase_him();
    assert_int_equal(x.person_id, he);
    assert_true(x.id > 0 && x.audit_id > 0 && x.created_at > 0);
    assert_non_null(strstr(x.counts.p, "\"tickets\":1"));
    assert_non_null(strstr(x.counts.p, "\"messages\":3"));
    assert_non_null(strstr(x.counts.p, "\"identities\":1"));
    for (size_t i = 0; i < ROWS(rows); i++) {
        if (count_of(rows[i].sql, he) != 0)
            fail_msg("row %zu: something is left", i);
    }
    assert_int_equal(found("бегемот"), 0);
    assert_int_equal(found("жираф"), 0);
    assert_int_equal(found("вытащ"), 0);
    assert_false(has_blob(own));
    assert_true(has_blob(shared)); /* she needs it */
    /* shells, for numbers and statistics */
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM tickets WHERE id = ?1", his), 1);
    assert_int_equal(count_of("SELECT COUNT(*) FROM people WHERE id = ?1 AND "
                              "erased_at IS NOT NULL",
                              he),
                     1);
    /* hers is hers */
    assert_int_equal(found("кофемашин"), 1);
    assert_int_equal(count_of("SELECT COUNT(*) FROM messages WHERE ticket_id = "
                              "?1 AND body <> ''",
                              hers),
                     her_texts - 1);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM identities WHERE person_id = ?1", she),
        1);
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM attachments WHERE ticket_id = ?1", hers),
        1);
    int64_t n = 0;
    read_desk(verify_audit, &n); /* the chain is whole */
}

/* The board keeps the front part of a long question. */
static void test_long_question(void **state)
{
    (void)state;
    static char question[3000];
    memset(question, 'q', sizeof(question) - 1);
    memcpy(question, "Long ", 5);
    int64_t ticket = ticket_of(question, his_email);
    assert_int_equal(
        count_of("SELECT person_id FROM tickets WHERE id = ?1", ticket), he);
    write_desk(ask_board, question);
    static const char board[] =
        "SELECT COUNT(*) FROM unanswered WHERE text LIKE 'Long q%' AND ?1 = 0";
    assert_int_equal(count_of(board, 0), 1);
    (void)erase_him();
    assert_int_equal(count_of(board, 0), 0);
}

static int merge_his(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    struct merging m = {
        .stemmer = worker->stemmer, .language = "en", .now = 3000};
    return merge(tx, &m, his, hers, e);
}

/* What hung on his ticket hangs on hers, and is his all the same. */
static void test_gone_from_merged(void **state)
{
    (void)state;
    char own[BLOB_HASH_BYTES], kept[BLOB_HASH_BYTES];
    static const char files[] =
        "SELECT COUNT(*) FROM attachments WHERE uploaded_by = ?1";
    static const char outgoing[] =
        "SELECT COUNT(*) FROM outbox WHERE ticket_id = ?1 AND (recipient LIKE "
        "'him%' OR body_json LIKE '%бегемот%' OR state = 'waiting')";
    put_file(his, he, "his own", own);
    put_file(hers, she, "hers", kept);
    struct said reply = {"reply", "Вытащим вашего бегемота", his, 0};
    write_desk(say, &reply);
    write_desk(merge_his, NULL);
    assert_int_equal(count_of(files, he), 1);
    assert_int_equal(count_of(outgoing, hers), 1);
    struct checking c = {.x = erase_him()};
    assert_int_equal(count_of(files, he), 0);
    assert_false(has_blob(own));
    assert_int_equal(count_of(outgoing, hers), 0);
    assert_int_equal(count_of(files, she), 1);
    assert_true(has_blob(kept));
    read_desk(verify, &c);
    assert_true(c.holds);
    /* it would notice */
    struct file f = {hers, he, kept};
    write_desk(attach, &f);
    read_desk(verify, &c);
    assert_false(c.holds);
}

static void test_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct erasure x;
    const struct actor us = {0};
    assert_int_equal(erase_person(desk, 99999, us, arena, &x, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "no person 99999"));
    int64_t ann = count_of(
        "SELECT person_id FROM staff WHERE login = 'ann' AND ?1 = 0", 0);
    assert_int_equal(erase_person(desk, ann, us, arena, &x, &e), OTK_ECONFLICT);
    assert_non_null(strstr(e.msg, "staff"));
    assert_int_equal(
        count_of("SELECT COUNT(*) FROM people WHERE id = ?1 AND name = 'Ann'",
                 ann),
        1);
    (void)erase_him();
    assert_int_equal(erase_person(desk, he, us, arena, &x, &e), OTK_ECONFLICT);
    assert_non_null(strstr(e.msg, "before"));
}

/* ---- the proof
 * ----------------------------------------------------------------------- */

static void test_proof(void **state)
{
    (void)state;
    struct err e = {0};
    struct erasure x = erase_him();
    struct checking c = {.person = he};
    read_desk(find_proof, &c);
    assert_int_equal(c.x.id, x.id);
    assert_int_equal(c.x.audit_id, x.audit_id);
    assert_true(str_eq(c.x.counts, x.counts));
    assert_string_equal(c.x.proof, x.proof);
    assert_int_equal(strlen(x.proof), PROOF_BYTES - 1);
    read_desk(verify, &c);
    assert_true(c.holds);
    assert_string_equal(c.why, "");
    c.person = she;
    assert_int_equal(db_read(desk_db(desk), 0, find_proof, &c, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "was not erased"));
}

static void test_tampered(void **state)
{
    (void)state;
    struct err e = {0};
    const struct erasure x = erase_him();
    struct checking bad[] = {{.x = x}, {.x = x}, {.x = x}, {.x = x}};
    bad[0].x.proof[5] = x.proof[5] == 'a' ? 'b' : 'a';
    bad[1].x.counts = STR("{\"tickets\":0}");
    bad[2].x.person_id = she;
    bad[3].x.audit_id = x.audit_id - 1; /* another row */
    for (size_t i = 0; i < ROWS(bad); i++) {
        bad[i].holds = true;
        read_desk(verify, &bad[i]);
        if (bad[i].holds)
            fail_msg("row %zu holds", i);
        assert_non_null(strstr(bad[i].why, "does not fit"));
    }
    struct checking c = {.x = x};
    c.x.audit_id = 999999;
    assert_int_equal(db_read(desk_db(desk), 0, verify, &c, &e), OTK_EIO);
    assert_non_null(strstr(e.msg, "missing"));
}

/* From a backup, by hand: whatever comes back is seen. */
static void test_left(void **state)
{
    (void)state;
    static const struct {
        const char *put, *undo;
    } rows[] = {
        {"UPDATE people SET name = 'Max' WHERE id = ?1",
         "UPDATE people SET name = '' WHERE id = ?1"},
        {"INSERT INTO identities (person_id, kind, value, created_at) VALUES "
         "(?1, 'email', 'again@b.ru', 1)",
         "DELETE FROM identities WHERE person_id = ?1"},
        {"UPDATE inbox SET text = 'again' WHERE person_id = ?1",
         "UPDATE inbox SET text = '' WHERE person_id = ?1"},
        {"UPDATE tickets SET subject = 'again' WHERE person_id = ?1",
         "UPDATE tickets SET subject = '' WHERE person_id = ?1"},
        {"UPDATE messages SET body = 'again' WHERE author_id = ?1",
         "UPDATE messages SET body = '' WHERE author_id = ?1"},
    };
    struct checking c = {.x = erase_him()};
    for (size_t i = 0; i < ROWS(rows); i++) {
        change_desk(rows[i].put, he);
        read_desk(verify, &c);
        if (c.holds)
            fail_msg("row %zu is not seen", i);
        assert_non_null(strstr(c.why, "again"));
        change_desk(rows[i].undo, he);
        read_desk(verify, &c);
        assert_true(c.holds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_gone, fresh),
        cmocka_unit_test_setup(test_long_question, fresh),
        cmocka_unit_test_setup(test_gone_from_merged, fresh),
        cmocka_unit_test_setup(test_refused, fresh),
        cmocka_unit_test_setup(test_proof, fresh),
        cmocka_unit_test_setup(test_tampered, fresh),
        cmocka_unit_test_setup(test_left, fresh),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
