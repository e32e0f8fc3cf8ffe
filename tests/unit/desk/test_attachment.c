/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tickets: safe names and kinds, and rows that say where they hang. */
#include "desk/attachment.h"

#include "base/utf8.h"
#include "desk/message.h"
#include "office.h"

/* ---- what a client says
 * ----------------------------------------------------------- */

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *said, *name;
    } rows[] = {
        {"report.pdf", "report.pdf"},
        {"Отчёт за май.pdf", "Отчёт за май.pdf"},
        {"/etc/passwd", "passwd"},
        {"../../etc/passwd", "passwd"},
        {"C:\\Users\\bob\\a.txt", "a.txt"},
        {"a/b\\c.txt", "c.txt"},
        {"a\\b/c.txt", "c.txt"},
        {"  a.txt \t", "a.txt"},
        {"a\nb\r\n.txt", "ab.txt"},
        {"a\x01\x1f\x7f.txt", "a.txt"},
        {"a\xc2\x85\xc2\x9b.txt", "a.txt"}, /* NEL, CSI: C1 controls */
        {"a\xc2\xa0.txt", "a\xc2\xa0.txt"},
        /* U+202E turns what follows: this would read as "aexe.jpg" */
        {"a\xe2\x80\xaegpj.exe", "agpj.exe"},
        {"\xe2\x80\x8f\xe2\x81\xa6\xe2\x81\xa9.txt", ".txt"},
        {"\xd7\xa9.txt", "\xd7\xa9.txt"}, /* Hebrew is fine */
        {"a\".txt", "a.txt"},             /* would end the name in a header */
        {".profile", ".profile"},
        {"...", "..."},
        {"", "file"},
        {"/", "file"},
        {"folder/", "file"},
        {".", "file"},
        {"..", "file"},
        {"a/..", "file"},
        {"\x01..\x02", "file"},
        {" \n ", "file"},
        {"\"\"", "file"},
        {"a\xff.txt", "file"},
        {"\xd0", "file"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str name = attachment_name(arena, str_from(rows[i].said));
        if (!str_is(name, rows[i].name))
            fail_msg("row %zu: \"" STR_FMT "\"", i, STR_ARG(name));
    }
    /* a NUL would end the name for the system */
    struct str nul = attachment_name(arena, STR("a.txt\0.exe"));
    assert_null(nul.n ? memchr(nul.p, 0, nul.n) : NULL);
}

static void test_long_names(void **state)
{
    (void)state;
    char said[2 * ATTACHMENT_NAME_MAX];
    memset(said, 'a', sizeof(said));
    struct str name =
        attachment_name(arena, (struct str){said, ATTACHMENT_NAME_MAX});
    assert_int_equal(name.n, ATTACHMENT_NAME_MAX);
    name = attachment_name(arena, (struct str){said, sizeof(said)});
    assert_int_equal(name.n, ATTACHMENT_NAME_MAX);
    /* two bytes a letter, and the limit is odd: none is cut in half */
    for (size_t i = 0; i < sizeof(said); i += 2)
        memcpy(said + i, "ж", 2);
    name = attachment_name(arena, (struct str){said, sizeof(said)});
    assert_int_equal(name.n, ATTACHMENT_NAME_MAX - 1);
    assert_int_equal(utf8_check(name), name.n);
    /* a long folder does not count */
    memset(said, 'a', sizeof(said));
    memcpy(said + sizeof(said) - 6, "/b.txt", 6);
    name = attachment_name(arena, (struct str){said, sizeof(said)});
    assert_true(str_is(name, "b.txt"));
}

static void test_types(void **state)
{
    (void)state;
    static const char none[] = "application/octet-stream";
    static const struct {
        const char *said, *type;
    } rows[] = {
        {"text/plain", "text/plain"},
        {"text/plain; charset=utf-8", "text/plain"},
        {"text/plain ;charset=utf-8", "text/plain"},
        {" image/png ", "image/png"},
        {"image/svg+xml", "image/svg+xml"},
        {"application/vnd.oasis.opendocument.text",
         "application/vnd.oasis.opendocument.text"},
        {"", none},
        {";", none},
        {"text", none},
        {"text/", none},
        {"/plain", none},
        {"/", none},
        {"text/plain/x", none},
        {"text /plain", none},
        {"text/ plain", none},
        {"text/pl ain", none},
        {"text/plain\r\nX-Evil: 1", none},
        {"text/pl\x01", none},
        {"text/\"plain\"", none},
        {"text,plain", none},
        {"текст/plain", none},
        {"text/<script>", none},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct str type = attachment_type(str_from(rows[i].said));
        if (!str_is(type, rows[i].type))
            fail_msg("row %zu: \"" STR_FMT "\"", i, STR_ARG(type));
    }
    char said[ATTACHMENT_TYPE_MAX + 1] = "a/";
    memset(said + 2, 'b', sizeof(said) - 2);
    struct str type = attachment_type((struct str){said, ATTACHMENT_TYPE_MAX});
    assert_int_equal(type.n, ATTACHMENT_TYPE_MAX);
    type = attachment_type((struct str){said, sizeof(said)});
    assert_true(str_is(type, none));
}

/* ---- rows
 * ------------------------------------------------------------------------- */

struct call {
    struct attachment x;
    struct attachment *list;
    int64_t id;
    size_t n;
};

static const struct actor nobody = {0};

static int add(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return attachment_add(tx, &c->x, nobody, 5000, &c->id, e);
}

static int get(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return attachment_get(tx, c->id, arena, &c->x, e);
}

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    return attachment_list(tx, c->x.ticket_id, arena, &c->list, &c->n, e);
}

static int drop(struct db_tx *tx, void *arg, struct err *e)
{
    return attachment_drop(tx, ((struct call *)arg)->id, nobody, 6000, e);
}

static int first_message(struct db_tx *tx, void *arg, struct err *e)
{
    struct call *c = arg;
    struct message *m;
    size_t n = 0;
    int r = message_list(tx, c->x.ticket_id, false, arena, &m, &n, e);
    assert_true(n > 0);
    c->x.message_id = m[0].id;
    return r;
}

static struct call on_ticket(int64_t ticket)
{
    return (struct call){.x = {.ticket_id = ticket,
                               .hash = STR("abcd"),
                               .name = STR("Счёт.pdf"),
                               .media_type = STR("application/pdf"),
                               .size = 1234}};
}

static void test_add_and_drop(void **state)
{
    (void)state;
    struct err e = {0};
    int64_t ticket = ticket_of("Вот мой файл, посмотрите", "a@b.ru");
    struct call c = on_ticket(ticket);
    read_desk(first_message, &c);
    int64_t message = c.x.message_id;
    write_desk(add, &c);
    int64_t first = c.id;
    c = on_ticket(ticket);
    write_desk(add, &c);
    assert_int_not_equal(c.id, first);

    read_desk(list, &c);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.list[0].id, first);
    assert_int_equal(c.list[0].message_id, message);
    assert_int_equal(c.list[1].message_id, 0);
    c.id = first;
    read_desk(get, &c);
    assert_int_equal(c.x.ticket_id, ticket);
    assert_int_equal(c.x.message_id, message);
    assert_int_equal(c.x.created_at, 5000);
    assert_int_equal(c.x.size, 1234);
    assert_true(str_is(c.x.hash, "abcd"));
    assert_true(str_is(c.x.name, "Счёт.pdf"));
    assert_true(str_is(c.x.media_type, "application/pdf"));

    write_desk(drop, &c);
    assert_int_equal(db_write(desk_db(desk), 0, drop, &c, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "no attachment"));
    assert_int_equal(db_read(desk_db(desk), 0, get, &c, &e), OTK_ENOENT);
    read_desk(list, &c);
    assert_int_equal(c.n, 1);
    assert_int_not_equal(c.list[0].id, first);
}

static void test_wrong_place(void **state)
{
    (void)state;
    struct err e = {0};
    struct call c = on_ticket(99999);
    assert_int_equal(db_write(desk_db(desk), 0, add, &c, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "no ticket 99999"));
    /* a message of another ticket */
    c = on_ticket(ticket_of("Первая заявка с файлом", "a@b.ru"));
    read_desk(first_message, &c);
    c.x.ticket_id = ticket_of("Вторая заявка без файла", "c@d.ru");
    assert_int_equal(db_write(desk_db(desk), 0, add, &c, &e), OTK_ENOENT);
    assert_string_equal(e.field, "message");
    read_desk(list, &c);
    assert_int_equal(c.n, 0);
}

static int add_full(struct db_tx *tx, void *arg, struct err *e)
{
    int r = 0;
    for (int i = 0; !r && i < ATTACHMENTS_MAX; i++)
        r = add(tx, arg, e);
    return r;
}

static void test_too_many(void **state)
{
    (void)state;
    struct err e = {0};
    struct call c = on_ticket(ticket_of("Очень много файлов", "a@b.ru"));
    write_desk(add_full, &c);
    assert_int_equal(db_write(desk_db(desk), 0, add, &c, &e), OTK_ELIMIT);
    assert_non_null(strstr(e.msg, "200"));
    read_desk(list, &c);
    assert_int_equal(c.n, ATTACHMENTS_MAX);
    write_desk(drop, &c);
    write_desk(add, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),       cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_types),       cmocka_unit_test(test_add_and_drop),
        cmocka_unit_test(test_wrong_place), cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
