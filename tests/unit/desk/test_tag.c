/* SPDX-License-Identifier: Apache-2.0 */
/* Tags: their kept form, setting and counting them. */
#include "desk/tag.h"

#include "office.h"

static void test_normalize(void **state)
{
    (void)state;
    static char full[TAG_MAX + 2];
    static char over[TAG_MAX + 2];
    memset(full, 'a', TAG_MAX);
    memset(over, 'a', TAG_MAX + 1);
    const struct {
        const char *said, *kept; /* NULL: refused */
        int code;
    } rows[] = {
        {"vpn", "vpn", 0},
        {"VPN", "vpn", 0},
        {"Принтер", "принтер", 0},
        {"new printer", "new printer", 0},
        {" vpn\n", "vpn", 0},
        {full, full, 0},
        {over, NULL, OTK_ELIMIT},
        {"", NULL, OTK_EFORMAT},
        {"  ", NULL, OTK_EFORMAT},
        {"a,b", NULL, OTK_EFORMAT}, /* lists of tags are split there */
        {",", NULL, OTK_EFORMAT},
        {"a\xff", NULL, OTK_EFORMAT},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err e = {0};
        struct str kept = {0};
        int r = tag_normalize(str_from(rows[i].said), arena, &kept, &e);
        if (r != rows[i].code || (!r && !str_is(kept, rows[i].kept)))
            fail_msg("row %zu: %d \"" STR_FMT "\"", i, r, STR_ARG(kept));
        assert_string_equal(e.field, r ? "tags" : "");
    }
}

struct call {
    int64_t ticket;
    const struct str *tags;
    struct str *list;
    struct tag_count *counts;
    size_t n, limit;
};

static int set(struct db_tx *tx, void *arg, struct err *e)
{
    const struct call *c = arg;
    return tags_set(tx, c->ticket, c->tags, c->n, (struct actor){0}, 1000, e);
}

static int get(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return tags_of(tx, c->ticket, arena, &c->list, &c->n, e);
}

static int count(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return tags_count(tx, c->limit, arena, &c->counts, &c->n, e);
}

/* The ticket has these, "a,b,c". */
static void assert_tags(int64_t ticket, const char *want)
{
    struct call c = {.ticket = ticket};
    struct str rest = *want ? str_from(want) : (struct str){0};
    struct str tag;
    size_t i = 0;
    read_desk(get, &c);
    for (; str_next(&rest, ',', &tag); i++) {
        assert_true(i < c.n);
        assert_true(str_eq(c.list[i], tag));
    }
    assert_int_equal(c.n, i);
}

static void test_set(void **state)
{
    (void)state;
    const struct str first[] = {STR("vpn"), STR("mail"), STR("vpn")};
    const struct str second[] = {STR("wifi"), STR("mail")};
    struct call c = {.ticket = ticket_of("Заявка с метками", "a@b.ru"),
                     .tags = first,
                     .n = ROWS(first)};
    int64_t other = ticket_of("Заявка без меток", "a@b.ru");
    assert_tags(c.ticket, "");
    write_desk(set, &c);
    assert_tags(c.ticket, "mail,vpn"); /* once, by the alphabet */
    c.tags = second;
    c.n = ROWS(second);
    write_desk(set, &c);
    assert_tags(c.ticket, "mail,wifi"); /* these and no others */
    assert_tags(other, "");
    c.n = 0;
    write_desk(set, &c);
    assert_tags(c.ticket, "");
}

static void test_refused(void **state)
{
    (void)state;
    static char names[TAGS_MAX + 1][16];
    struct str many[TAGS_MAX + 1];
    struct err e = {0};
    for (int i = 0; i <= TAGS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "t%02d", i);
        many[i] = str_from(names[i]);
    }
    struct call c = {.ticket = ticket_of("Много меток", "a@b.ru"),
                     .tags = many,
                     .n = TAGS_MAX};
    write_desk(set, &c);
    c.n = TAGS_MAX + 1;
    assert_int_equal(db_write(desk_db(desk), 0, set, &c, &e), OTK_ELIMIT);
    assert_string_equal(e.field, "tags");
    read_desk(get, &c);
    assert_int_equal(c.n, TAGS_MAX); /* those from before */
    c.n = 0;
    write_desk(set, &c);

    c.ticket = 99999;
    c.n = 1;
    assert_int_equal(db_write(desk_db(desk), 0, set, &c, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "no ticket 99999"));
    c.n = 0; /* nothing to insert: still no such ticket */
    assert_int_equal(db_write(desk_db(desk), 0, set, &c, &e), OTK_ENOENT);
}

static void test_count(void **state)
{
    (void)state;
    const struct str tags[] = {STR("common"), STR("twice"), STR("seldom")};
    int64_t ids[3];
    struct call c = {.limit = 10};
    read_desk(count, &c);
    assert_int_equal(c.n, 0);
    for (size_t i = 0; i < ROWS(ids); i++) {
        ids[i] = ticket_of("Ещё одна заявка с метками", "a@b.ru");
        c = (struct call){.ticket = ids[i], .tags = tags, .n = ROWS(tags) - i};
        write_desk(set, &c);
    }
    c.limit = 10;
    read_desk(count, &c);
    assert_int_equal(c.n, 3);
    for (size_t i = 0; i < ROWS(tags); i++) {
        assert_true(str_eq(c.counts[i].tag, tags[i]));
        assert_int_equal(c.counts[i].tickets, 3 - i);
    }
    c.limit = 2;
    read_desk(count, &c);
    assert_int_equal(c.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_count),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
