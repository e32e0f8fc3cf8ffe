/* SPDX-License-Identifier: Apache-2.0 */
/* Canned replies: what may be kept, and filling them. */
#include "desk/canned.h"

#include "office.h"

static char long_text[CANNED_BODY_MAX + 2];

static struct canned good(void)
{
    return (struct canned){.key = STR("hello"),
                           .language = STR("ru"),
                           .title = STR("Приветствие"),
                           .body = STR("Здравствуйте, {{person.name}}!")};
}

static void test_check(void **state)
{
    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    const struct str key = {long_text, CANNED_KEY_MAX};
    const struct str title = {long_text, CANNED_TITLE_MAX};
    const struct str body = {long_text, CANNED_BODY_MAX};
    const struct str long_key = {long_text, CANNED_KEY_MAX + 1};
    const struct str long_title = {long_text, CANNED_TITLE_MAX + 1};
    const struct str long_body = {long_text, CANNED_BODY_MAX + 1};
    const struct str h = STR("hello"), ru = STR("ru"), none = STR("");
    const struct {
        struct canned c;
        int code;
        const char *field;
    } rows[] = {
        {{.key = h, .language = ru, .title = h, .body = h}, 0, ""},
        {{.key = h, .language = STR("en"), .title = h, .body = h}, 0, ""},
        {{.key = key, .language = ru, .title = title, .body = body}, 0, ""},
        {{.key = none, .language = ru, .title = h, .body = h},
         OTK_EFORMAT,
         "key"},
        {{.key = h, .language = ru, .title = none, .body = h},
         OTK_EFORMAT,
         "title"},
        {{.key = h, .language = ru, .title = h, .body = none},
         OTK_EFORMAT,
         "body"},
        {{.key = h, .language = none, .title = h, .body = h},
         OTK_EFORMAT,
         "language"},
        {{.key = h, .language = STR("de"), .title = h, .body = h},
         OTK_EFORMAT,
         "language"},
        {{.key = h, .language = STR("RU"), .title = h, .body = h},
         OTK_EFORMAT,
         "language"},
        {{.key = STR("a\xff"), .language = ru, .title = h, .body = h},
         OTK_EFORMAT,
         "key"},
        {{.key = h, .language = ru, .title = h, .body = STR("\xd0")},
         OTK_EFORMAT,
         "body"},
        {{.key = long_key, .language = ru, .title = h, .body = h},
         OTK_ELIMIT,
         "key"},
        {{.key = h, .language = ru, .title = long_title, .body = h},
         OTK_ELIMIT,
         "title"},
        {{.key = h, .language = ru, .title = h, .body = long_body},
         OTK_ELIMIT,
         "body"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err e = {0};
        int r = canned_check(&rows[i].c, &e);
        if (r != rows[i].code || strcmp(e.field, rows[i].field) != 0)
            fail_msg("row %zu: %d, %s", i, r, e.field);
    }
}

struct call {
    struct canned c;
    struct str language;
    struct canned *list;
    size_t n;
    int64_t id, now;
};

static int put(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *x = arg;
    return canned_put(tx, &x->c, x->now, &x->id, e);
}

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *x = arg;
    return canned_list(tx, x->language, arena, &x->list, &x->n, e);
}

static int drop(struct db_tx *tx, void *arg, struct err *e)
{
    return canned_drop(tx, ((struct call *)arg)->id, e);
}

static void test_keeping(void **state)
{
    (void)state;
    struct err e = {0};
    struct call x = {.c = good(), .now = 1000};
    write_desk(put, &x);
    int64_t hello = x.id;
    x.c = (struct canned){.key = STR("bye"),
                          .language = STR("en"),
                          .title = STR("A farewell"),
                          .body = STR("Bye")};
    write_desk(put, &x);
    assert_int_not_equal(x.id, hello);
    read_desk(list, &x);
    assert_int_equal(x.n, 2);
    assert_true(str_is(x.list[0].title, "A farewell")); /* by title */
    assert_true(str_is(x.list[1].title, "Приветствие"));
    assert_true(str_is(x.list[1].key, "hello"));
    assert_true(str_is(x.list[1].body, "Здравствуйте, {{person.name}}!"));
    assert_int_equal(x.list[1].updated_at, 1000);

    /* by key: the same row */
    x.c = good();
    x.c.title = STR("Начало");
    x.c.body = STR("Добрый день!");
    x.now = 2000;
    write_desk(put, &x);
    assert_int_equal(x.id, hello);
    x.language = STR("ru");
    read_desk(list, &x);
    assert_int_equal(x.n, 1);
    assert_int_equal(x.list[0].id, hello);
    assert_true(str_is(x.list[0].title, "Начало"));
    assert_true(str_is(x.list[0].body, "Добрый день!"));
    assert_int_equal(x.list[0].updated_at, 2000);

    /* the language goes with it */
    x.c.language = STR("en");
    write_desk(put, &x);
    read_desk(list, &x);
    assert_int_equal(x.n, 0);
    x.language = STR("en");
    read_desk(list, &x);
    assert_int_equal(x.n, 2);

    x.id = hello;
    write_desk(drop, &x);
    read_desk(list, &x);
    assert_int_equal(x.n, 1);
    assert_true(str_is(x.list[0].key, "bye"));
    assert_int_equal(db_write(desk_db(desk), 0, drop, &x, &e), OTK_ENOENT);
    assert_string_not_equal(e.msg, "");
}

static void test_render(void **state)
{
    (void)state;
    const struct canned_values v = {.person = STR("Ann"),
                                    .staff = STR("Bob"),
                                    .number = STR("17"),
                                    .subject = STR("{{desk.name}}"),
                                    .desk = STR("Поддержка")};
    static const struct {
        const char *body, *text;
    } rows[] = {
        {"", ""},
        {"Hello", "Hello"},
        {"{{person.name}}", "Ann"},
        {"{{ person.name }}, {{staff.name}}", "Ann, Bob"},
        {"№ {{ticket.number}}: {{desk.name}}.", "№ 17: Поддержка."},
        {"{{person.name}}{{person.name}}", "AnnAnn"},
        /* a value is text, not a template */
        {"{{ticket.subject}}", "{{desk.name}}"},
        {"{{person.email}}", "{{person.email}}"},
        {"{{Person.Name}}", "{{Person.Name}}"},
        {"{{}}", "{{}}"},
        {"{{person.name", "{{person.name"},
        {"person.name}}", "person.name}}"},
        {"{person.name}", "{person.name}"},
        {"{{nobody}} {{person.name}}", "{{nobody}} Ann"},
        {"{{{person.name}}}", "{Ann}"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str text = canned_render(arena, str_from(rows[i].body), &v);
        if (!str_is(text, rows[i].text))
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(text));
    }
    const struct canned_values none = {0};
    struct str text = canned_render(arena, STR("a{{person.name}}b"), &none);
    assert_true(str_is(text, "ab")); /* known, and empty */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_keeping),
        cmocka_unit_test(test_render),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
