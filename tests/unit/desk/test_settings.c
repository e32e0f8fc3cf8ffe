/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of an open desk: what a change of otklik.yaml does, and making
 * one. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "desk/live_settings.h"
#include "desk/settings_edit.h"
#include "office.h"

enum { FILE_BYTES = 1 << 20 };

static void put_file(const char *text)
{
    struct err e = {0};
    const char *path = arena_printf(arena, "%s/otklik.yaml", folder);
    if (file_write(path, str_from(text), 0600, &e))
        fail_msg("%s", e.msg);
}

static const char *file_text(void)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    struct err e = {0};
    if (file_read(arena_printf(arena, "%s/otklik.yaml", folder), &b, &e))
        fail_msg("%s", e.msg);
    const char *kept = arena_copy(arena, buf_str(&b));
    buf_free(&b);
    return kept;
}

static bool prints(const char *words)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    live_settings_print(desk_live_settings(desk), &b);
    bool found = strstr(b.ptr, words);
    buf_free(&b);
    return found;
}

static void test_file_is_read_again(void **state)
{
    (void)state;
    struct err e = {0};
    put_file("desk:\n  name: One\nhttp:\n  workers: 3\n");
    assert_int_equal(desk_refresh(desk, &e), 0);
    struct settings before = desk_settings(desk);
    assert_string_equal(before.desk.name, "One");
    assert_int_equal(before.http.workers, 16);
    assert_true(prints("\"http.workers\":{\"value\":16,\"source\":\"default\","
                       "\"after_restart\":3,"));
    put_file("desk:\n  name: Two\n");
    assert_int_equal(desk_refresh(desk, &e), 0);
    assert_string_equal(desk_settings(desk).desk.name, "Two");
    assert_false(prints("after_restart"));
    assert_string_equal(before.desk.name, "One"); /* who holds it has it */
    /* a mistake is told once, and changes nothing */
    put_file("desk:\n  name: Three\n  color: red\n");
    assert_int_equal(desk_refresh(desk, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "otklik.yaml:3"));
    assert_int_equal(desk_refresh(desk, &e), 0);
    assert_string_equal(desk_settings(desk).desk.name, "Two");
}

static int change(const char *name, const char *value, struct err *e)
{
    const struct settings_edit x = {str_from(name), str_from(value)};
    *e = (struct err){0};
    return settings_change(desk, &x, 1, (struct actor){ACTOR_STAFF, 1}, e);
}

static int last_audit(struct db_tx *tx, void *arg, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT detail_json FROM audit WHERE action = "
                     "'settings.change' ORDER BY id DESC LIMIT 1",
                     "");
    if (!r && (r = db_next(rows, e)) > 0)
        *(const char **)arg = arena_copy(arena, db_text(rows, 0));
    db_rows_free(rows);
    return r > 0 ? 0 : -1;
}

static void test_change(void **state)
{
    (void)state;
    struct err e;
    const char *detail = "";
    put_file("# ours\ndesk:\n  name: One # it\n");
    assert_int_equal(change("desk.name", "Two: 2", &e), 0);
    assert_string_equal(file_text(),
                        "# ours\ndesk:\n  name: \"Two: 2\" # it\n");
    assert_string_equal(desk_settings(desk).desk.name, "Two: 2");
    read_desk(last_audit, &detail);
    assert_string_equal(detail, "{\"desk.name\":\"Two: 2\"}");
    struct stat st;
    assert_int_equal(stat(arena_printf(arena, "%s/otklik.yaml", folder), &st),
                     0);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* what is refused changes nothing */
    assert_int_equal(change("desk.name", "", &e), OTK_EFORMAT);
    assert_string_equal(e.field, "desk.name");
    assert_int_equal(change("desk.nome", "x", &e), OTK_EFORMAT);
    assert_int_equal(change("outbox.command", "id", &e), OTK_EDENIED);
    const struct settings_edit two[] = {{STR("desk.name"), STR("Three")},
                                        {STR("http.workers"), STR("0")}};
    e = (struct err){0};
    assert_int_equal(
        settings_change(desk, two, 2, (struct actor){ACTOR_STAFF, 1}, &e),
        OTK_EFORMAT);
    assert_string_equal(e.field, "http.workers");
    assert_string_equal(desk_settings(desk).desk.name, "Two: 2");
    assert_non_null(strstr(file_text(), "Two: 2"));
    /* what somebody else says comes after the file */
    assert_int_equal(setenv("OTKLIK_DESK_NAME", "Env", 1), 0);
    put_file("desk:\n  name: Four\n");
    assert_int_equal(desk_refresh(desk, &e), 0);
    assert_int_equal(change("desk.name", "Five", &e), OTK_ECONFLICT);
    assert_non_null(strstr(e.msg, "environment"));
    assert_int_equal(unsetenv("OTKLIK_DESK_NAME"), 0);
}

/* Root writes everywhere; a folder in the way of the new file stops it, too. */
static void test_file_cannot_be_written(void **state)
{
    (void)state;
    struct err e = {0};
    const char *in_the_way =
        arena_printf(arena, "%s/otklik.yaml.tmp%d", folder, (int)getpid());
    put_file("desk:\n  name: One\n");
    assert_int_equal(desk_refresh(desk, &e), 0);
    assert_int_equal(mkdir(in_the_way, 0700), 0);
    assert_true(change("desk.name", "Two", &e) < 0);
    assert_int_equal(rmdir(in_the_way), 0);
    assert_string_equal(file_text(), "desk:\n  name: One\n");
    assert_int_equal(change("desk.name", "Two", &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_is_read_again),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_file_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
