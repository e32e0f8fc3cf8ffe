/* SPDX-License-Identifier: Apache-2.0 */
/* Two tickets become one, one becomes two: nothing said is lost. */
#include "desk/merge.h"

#include "desk/attachment.h"
#include "desk/catalog.h"
#include "desk/link.h"
#include "desk/message.h"
#include "desk/tag.h"
#include "desk/ticket.h"
#include "office.h"

static struct catalog *catalog;
static int64_t ids[4]; /* tickets of a case */

struct call {
    int64_t ticket, other, id;
    const char *text, *kind;
    struct str subject;
    const int64_t *chosen;
    size_t n;
};

/* What a ticket holds. */
struct view_of {
    struct ticket t;
    struct message *messages;
    struct attachment *files;
    struct str *tags;
    struct link *links;
    size_t n_messages, n_files, n_tags, n_links;
};

static struct merging merging(void)
{
    return (struct merging){.stemmer = worker->stemmer,
                            .catalog = catalog,
                            .language = "en",
                            .now = 9000};
}

static int look_at(struct db_tx *tx, void *arg, struct err *e)
{
    struct view_of *v = arg;
    int64_t id = v->t.id;
    int r = ticket_get(tx, id, arena, &v->t, e);
    if (!r)
        r = message_list(tx, id, false, arena, &v->messages, &v->n_messages, e);
    if (!r)
        r = attachment_list(tx, id, arena, &v->files, &v->n_files, e);
    if (!r)
        r = tags_of(tx, id, arena, &v->tags, &v->n_tags, e);
    return r ? r : link_list(tx, id, arena, &v->links, &v->n_links, e);
}

static struct view_of view_of(int64_t ticket)
{
    struct view_of v = {.t = {.id = ticket}};
    read_desk(look_at, &v);
    return v;
}

static int do_merge(struct db_tx *tx, void *arg, struct err *e)
{
    const struct call *c = arg;
    struct merging m = merging();
    return merge(tx, &m, c->ticket, c->other, e);
}

static int do_split(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    struct merging m = merging();
    return split(tx, &m, c->ticket, c->chosen, c->n, c->subject, &c->id, e);
}

static int say(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    struct message_new m = {.ticket_id = c->ticket,
                            .kind = c->kind ? c->kind : "request",
                            .body = str_from(c->text)};
    return message_add(tx, worker->stemmer, &m, 2000, &c->id, e);
}

static int attach(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    struct attachment x = {.ticket_id = c->ticket,
                           .message_id = c->other,
                           .hash = STR("abcd"),
                           .name = str_from(c->text),
                           .media_type = STR("text/plain")};
    return attachment_add(tx, &x, (struct actor){0}, 1000, &c->id, e);
}

static int tag(struct db_tx *tx, void *arg, struct err *e)
{
    const struct call *c = arg;
    const struct str tags[] = {STR("both"), str_from(c->text)};
    return tags_set(tx, c->ticket, tags, 2, (struct actor){0}, 1000, e);
}

static int join(struct db_tx *tx, void *arg, struct err *e)
{
    const struct call *c = arg;
    return link_add(tx, c->ticket, c->other, str_from(c->kind),
                    (struct actor){0}, 1000, e);
}

static void merge_all(int64_t from, int64_t into)
{
    struct call c = {.ticket = from, .other = into};
    write_desk(do_merge, &c);
}

static void link_all(int64_t ticket, int64_t other, const char *kind)
{
    struct call c = {.ticket = ticket, .other = other, .kind = kind};
    write_desk(join, &c);
}

static int fresh(void **state)
{
    (void)state;
    static const char *const texts[] = {"Первая заявка", "Вторая заявка",
                                        "Третья заявка", "Четвёртая заявка"};
    for (size_t i = 0; i < ROWS(ids); i++)
        ids[i] = ticket_of(texts[i], "a@b.ru");
    return 0;
}

static bool has_body(const struct view_of *v, const char *body)
{
    for (size_t i = 0; i < v->n_messages; i++) {
        if (str_is(v->messages[i].body, body))
            return true;
    }
    return false;
}

/* ---- merge
 * ------------------------------------------------------------------------ */

static void test_merge(void **state)
{
    (void)state;
    struct call c = {.ticket = ids[0], .text = "Ещё подробность"};
    write_desk(say, &c);
    struct call file = {.ticket = ids[0], .other = c.id, .text = "a.txt"};
    write_desk(attach, &file);
    struct call first = {.ticket = ids[0], .text = "old"};
    struct call second = {.ticket = ids[1], .text = "new"};
    write_desk(tag, &first);
    write_desk(tag, &second);
    link_all(ids[0], ids[2], "blocks");

    merge_all(ids[0], ids[1]);
    struct view_of into = view_of(ids[1]);
    assert_true(str_is(into.t.state, "new"));
    assert_int_equal(into.t.merged_into, 0);
    assert_int_equal(into.n_messages, 4);
    assert_true(has_body(&into, "Первая заявка"));
    assert_true(has_body(&into, "Ещё подробность"));
    assert_true(has_body(&into, "Вторая заявка"));
    assert_non_null(strstr(into.messages[3].body.p, "Took in"));
    assert_int_equal(into.n_files, 1);
    assert_int_equal(into.files[0].message_id, c.id);
    assert_int_equal(into.n_tags, 3); /* "both" once */
    assert_int_equal(into.n_links, 1);
    assert_int_equal(into.links[0].other_id, ids[2]);
    assert_true(into.links[0].outward);

    struct view_of from = view_of(ids[0]);
    assert_true(str_is(from.t.state, "merged"));
    assert_int_equal(from.t.merged_into, ids[1]);
    assert_int_equal(from.t.waiting_since, 0);
    assert_int_equal(from.t.dues.first, 0);
    assert_int_equal(from.t.dues.solution, 0);
    assert_int_equal(from.n_messages, 1); /* that it was merged */
    assert_true(str_is(from.messages[0].kind, "system"));
    assert_int_equal(from.n_files + from.n_tags + from.n_links, 0);
    struct view_of other = view_of(ids[2]);
    assert_int_equal(other.n_links, 1);
    assert_int_equal(other.links[0].other_id, ids[1]);
}

static int set_promises(struct db_tx *tx, void *arg, struct err *e)
{
    const int64_t *x = arg; /* ticket, answered, first, next, waits since */
    return db_exec(tx, e,
                   "UPDATE tickets SET first_answer_at = ?2, first_due = ?3, "
                   "next_due = ?4, waiting_since = ?5 WHERE id = ?1",
                   "iIIII", x[0], db_or_null(&x[1]), db_or_null(&x[2]),
                   db_or_null(&x[3]), db_or_null(&x[4]));
}

/* What was promised first on either ticket is promised on the one left. */
static void test_promises(void **state)
{
    (void)state;
    static const struct {
        int64_t from[4], into[4]; /* answered, first, next, waits since */
        int64_t first, next, waits;
    } rows[] = {
        /* nobody was answered */
        {{0, 500, 0, 100}, {0, 900, 0, 200}, 500, 0, 100},
        {{0, 900, 0, 200}, {0, 500, 0, 100}, 500, 0, 100},
        /* the one that stays was, and waits again, or does not */
        {{0, 500, 0, 100}, {50, 70, 900, 200}, 70, 500, 100},
        {{0, 500, 0, 100}, {50, 70, 0, 0}, 70, 500, 100},
        {{50, 70, 600, 100}, {50, 80, 0, 0}, 80, 600, 100},
        {{50, 70, 0, 0}, {50, 80, 0, 0}, 80, 0, 0},
        /* the one that goes was */
        {{50, 70, 300, 60}, {0, 900, 0, 200}, 300, 0, 60},
        {{50, 70, 0, 0}, {0, 900, 0, 200}, 900, 0, 200},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        (void)fresh(state);
        const int64_t *p[] = {rows[i].from, rows[i].into};
        for (int side = 0; side < 2; side++) {
            int64_t x[] = {ids[side], p[side][0], p[side][1], p[side][2],
                           p[side][3]};
            write_desk(set_promises, x);
        }
        merge_all(ids[0], ids[1]);
        struct view_of v = view_of(ids[1]);
        if (v.t.dues.first != rows[i].first || v.t.dues.next != rows[i].next ||
            v.t.waiting_since != rows[i].waits)
            fail_msg("row %zu: first %lld, next %lld, since %lld", i,
                     (long long)v.t.dues.first, (long long)v.t.dues.next,
                     (long long)v.t.waiting_since);
    }
}

/* A link from either side, to both, or between the two. */
static void test_merge_links(void **state)
{
    (void)state;
    link_all(ids[1], ids[2], "related");
    link_all(ids[0], ids[1], "related");
    link_all(ids[1], ids[0], "duplicate");
    link_all(ids[3], ids[0], "blocks");
    link_all(ids[0], ids[2], "related");
    merge_all(ids[0], ids[1]);
    struct view_of v = view_of(ids[1]);
    assert_int_equal(v.n_links, 2);
    assert_int_equal(v.links[0].other_id, ids[2]);
    assert_true(str_is(v.links[0].kind, "related"));
    assert_int_equal(v.links[1].other_id, ids[3]);
    assert_false(v.links[1].outward);
}

/* "related" has no direction: the newer into the older, and the other way. */
static void test_merge_related(void **state)
{
    (void)state;
    link_all(ids[0], ids[1], "related");
    link_all(ids[1], ids[2], "related");
    merge_all(ids[0], ids[2]);
    struct view_of v = view_of(ids[1]);
    assert_int_equal(v.n_links, 1);
    assert_int_equal(v.links[0].other_id, ids[2]);
    link_all(ids[2], ids[1], "related"); /* it is there */
    assert_int_equal(view_of(ids[1]).n_links, 1);

    link_all(ids[3], ids[1], "related");
    merge_all(ids[3], ids[2]);
    assert_int_equal(view_of(ids[1]).n_links, 1);
}

static void test_merge_refused(void **state)
{
    (void)state;
    merge_all(ids[0], ids[1]);
    const struct {
        int64_t from, into;
        int code;
        const char *field, *msg;
    } rows[] = {
        {ids[2], ids[2], OTK_ECONFLICT, "into", "same"},
        {ids[0], ids[2], OTK_ECONFLICT, "", "already"},
        {ids[0], ids[1], OTK_ECONFLICT, "", "already"},    /* twice */
        {ids[1], ids[0], OTK_ECONFLICT, "into", "merged"}, /* a cycle */
        {ids[2], ids[0], OTK_ECONFLICT, "into", "merged"},
        {99999, ids[2], OTK_ENOENT, "", "99999"},
        {ids[2], 99999, OTK_ENOENT, "", "99999"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err e = {0};
        struct call c = {.ticket = rows[i].from, .other = rows[i].into};
        int r = db_write(desk_db(desk), 0, do_merge, &c, &e);
        if (r != rows[i].code || strcmp(e.field, rows[i].field) != 0 ||
            !strstr(e.msg, rows[i].msg))
            fail_msg("row %zu: %d %s: %s", i, r, e.field, e.msg);
    }
    assert_int_equal(view_of(ids[2]).n_messages, 1);
}

static int follow(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return ticket_follow(tx, c->ticket, &c->id, e);
}

static void test_chain(void **state)
{
    (void)state;
    merge_all(ids[0], ids[1]);
    merge_all(ids[1], ids[2]);
    struct call c = {.ticket = ids[0]};
    read_desk(follow, &c);
    assert_int_equal(c.id, ids[2]);
    struct view_of v = view_of(ids[2]);
    assert_true(has_body(&v, "Первая заявка"));
    assert_true(has_body(&v, "Вторая заявка"));
}

/* ---- split
 * ------------------------------------------------------------------------ */

static void test_split(void **state)
{
    (void)state;
    struct call c = {.ticket = ids[0],
                     .text = "И ещё не печатает принтер\nна третьем этаже"};
    write_desk(say, &c);
    int64_t chosen[] = {c.id};
    struct call file = {.ticket = ids[0], .other = c.id, .text = "moves.txt"};
    write_desk(attach, &file);
    file = (struct call){.ticket = ids[0], .text = "stays.txt"};
    write_desk(attach, &file);

    c = (struct call){.ticket = ids[0], .chosen = chosen, .n = 1};
    write_desk(do_split, &c);
    assert_true(c.id > ids[3]);
    struct view_of part = view_of(c.id);
    assert_true(str_is(part.t.subject, "И ещё не печатает принтер"));
    assert_true(str_is(part.t.state, "new"));
    assert_int_equal(part.n_messages, 2);
    assert_int_equal(part.messages[0].id, chosen[0]);
    assert_true(str_is(part.messages[1].kind, "system"));
    assert_int_equal(part.n_files, 1);
    assert_true(str_is(part.files[0].name, "moves.txt"));
    struct view_of old = view_of(ids[0]);
    assert_int_equal(part.t.person_id, old.t.person_id);
    assert_int_equal(old.n_messages, 2);
    assert_true(str_is(old.messages[0].body, "Первая заявка"));
    assert_int_equal(old.n_files, 1);
    assert_true(str_is(old.files[0].name, "stays.txt"));
    assert_int_equal(old.n_links, 1);
    assert_int_equal(old.links[0].other_id, c.id);
    assert_true(str_is(old.links[0].kind, "split"));
    assert_int_equal(part.n_links, 1);
}

static void test_split_refused(void **state)
{
    (void)state;
    static int64_t many[SPLIT_MAX + 1];
    struct call c = {.ticket = ids[0], .text = "note", .kind = "note"};
    write_desk(say, &c);
    int64_t all[] = {view_of(ids[0]).messages[0].id, c.id};
    int64_t strange[] = {c.id, view_of(ids[1]).messages[0].id};
    int64_t none[] = {c.id, 99999};
    c.kind = "system";
    write_desk(say, &c);
    int64_t ours[] = {c.id};
    for (size_t i = 0; i < ROWS(many); i++)
        many[i] = all[1];
    const struct {
        int64_t ticket;
        const int64_t *chosen;
        size_t n;
        int code;
    } rows[] = {
        {ids[0], all, 0, OTK_EFORMAT},
        {ids[0], many, SPLIT_MAX + 1, OTK_EFORMAT},
        {ids[0], strange, 2, OTK_EFORMAT},
        {ids[0], none, 2, OTK_EFORMAT},
        {ids[0], ours, 1, OTK_EFORMAT}, /* a line of Otklik itself */
        {ids[0], all, 2, OTK_EFORMAT},  /* nothing of the person's stays */
        {ids[0], all, 1, OTK_EFORMAT},
        {99999, all, 1, OTK_ENOENT},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err e = {0};
        c = (struct call){
            .ticket = rows[i].ticket, .chosen = rows[i].chosen, .n = rows[i].n};
        int r = db_write(desk_db(desk), 0, do_split, &c, &e);
        if (r != rows[i].code ||
            strcmp(e.field, r == OTK_EFORMAT ? "messages" : "") != 0)
            fail_msg("row %zu: %d %s: %s", i, r, e.field, e.msg);
    }
    assert_int_equal(view_of(ids[0]).n_messages, 3); /* nothing moved */
    /* the note alone may go, under a name of its own */
    c = (struct call){.ticket = ids[0],
                      .chosen = all + 1,
                      .n = 1,
                      .subject = STR("Another matter")};
    write_desk(do_split, &c);
    assert_true(str_is(view_of(c.id).t.subject, "Another matter"));
}

static int open_with_catalog(void **state)
{
    int r = open_desk(state);
    if (!r)
        catalog = desk_catalog(desk);
    return r;
}

static int close_with_catalog(void **state)
{
    catalog_unref(catalog);
    return close_desk(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_merge, fresh),
        cmocka_unit_test(test_promises),
        cmocka_unit_test_setup(test_merge_links, fresh),
        cmocka_unit_test_setup(test_merge_related, fresh),
        cmocka_unit_test_setup(test_merge_refused, fresh),
        cmocka_unit_test_setup(test_chain, fresh),
        cmocka_unit_test_setup(test_split, fresh),
        cmocka_unit_test_setup(test_split_refused, fresh),
    };
    return cmocka_run_group_tests(tests, open_with_catalog, close_with_catalog);
}
