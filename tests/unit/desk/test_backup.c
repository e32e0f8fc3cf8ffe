/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/backup.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "desk/audit.h"
#include "office.h"

enum { FILE_BYTES = 64 << 20 };

/* "FOLDER/name" */
static const char *in(const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name);
}

static void put_file(const char *path, const char *text)
{
    struct err e = {0};
    if (file_write(path, str_from(text), 0600, &e))
        fail_msg("%s", e.msg);
}

static struct str bytes_of(const char *path)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    struct err e = {0};
    if (file_read(path, &b, &e))
        fail_msg("%s", e.msg);
    struct str kept = arena_str(arena, buf_str(&b));
    buf_free(&b);
    return kept;
}

/* What a desk has beside its store. */
static int open_with_files(void **state)
{
    static const char *const folders[] = {"models", "models/old", "files",
                                          "files/ab", "made"};
    if (open_desk(state))
        return -1;
    for (size_t i = 0; i < ROWS(folders); i++) {
        if (mkdir(in(folders[i]), 0700))
            return -1;
    }
    put_file(in("models/topic.bin"), "a model");
    put_file(in("models/old/topic.bin"), "an old model");
    put_file(in("files/ab/abcd"), "a blob");
    put_file(in("files/ab/abce.part"), "half a blob");
    (void)ticket_of("Принтер не печатает", "v@b.ru");
    return 0;
}

static void make(const char *to)
{
    struct err e = {0};
    if (backup_make(desk, to, &e))
        fail_msg("%s", e.msg);
}

struct content {
    int64_t tickets, staff, audit;
};

static int read_content(struct db_tx *tx, void *arg, struct err *e)
{
    struct content *c = arg;
    int r = db_int_of(tx, &c->tickets, e, "SELECT COUNT(*) FROM tickets", "");
    if (!r)
        r = db_int_of(tx, &c->staff, e, "SELECT COUNT(*) FROM staff", "");
    return r ? r : audit_verify(tx, &c->audit, e);
}

static struct content content_of(struct desk *d)
{
    struct content c = {0};
    struct err e = {0};
    if (db_verify(desk_db(d), &e) ||
        db_read(desk_db(d), 0, read_content, &c, &e))
        fail_msg("%s", e.msg);
    return c;
}

/* The content of the desk in this folder. */
static struct content content_in(const char *path)
{
    struct desk *d = NULL;
    struct err e = {0};
    const struct desk_options o = {.folder = path};
    if (desk_open(&o, &d, &e))
        fail_msg("%s", e.msg);
    struct content c = content_of(d);
    desk_close(d);
    return c;
}

static void same(struct content a, struct content b)
{
    assert_true(a.tickets == b.tickets && a.staff == b.staff &&
                a.audit == b.audit);
}

/* Entries of `path` whose names begin like this; *ret one of them. */
static int count_like(const char *path, const char *name, const char **ret)
{
    int n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (const struct dirent *x; (x = readdir(d));) {
        if (strncmp(x->d_name, name, strlen(name)) == 0) {
            *ret = arena_printf(arena, "%s/%s", path, x->d_name);
            n++;
        }
    }
    (void)closedir(d);
    return n;
}

/* ---- there and back --------------------------------------------------------
 */

static void test_there_and_back(void **state)
{
    (void)state;
    struct err e = {0};
    struct content then = content_of(desk);
    assert_true(then.tickets > 0 && then.staff == 3 && then.audit > 0);
    make(in("made/one"));
    assert_false(file_exists(in("made/one.part")));
    assert_true(str_is(bytes_of(in("made/one/models/topic.bin")), "a model"));
    assert_true(str_is(bytes_of(in("made/one/files/ab/abcd")), "a blob"));
    assert_false(file_exists(in("made/one/files/ab/abce.part")));
    /* what happens after it is not in it */
    (void)ticket_of("Сломан стул", "v@b.ru");
    assert_true(content_of(desk).tickets == then.tickets + 1);
    assert_int_equal(backup_restore(in("back"), in("made/one"), false, &e), 0);
    same(content_in(in("back")), then);
    assert_true(
        str_is(bytes_of(in("back/otklik.yaml")), "desk:\n  language: ru\n"));
    assert_true(
        str_is(bytes_of(in("back/models/old/topic.bin")), "an old model"));
    assert_true(str_is(bytes_of(in("back/files/ab/abcd")), "a blob"));
    assert_false(file_exists(in("back/otklik.db.part")));
}

static void test_place_is_taken(void **state)
{
    (void)state;
    struct err e = {0};
    make(in("made/two"));
    assert_int_equal(backup_make(desk, in("made/two"), &e), OTK_ECONFLICT);
    assert_non_null(strstr(e.msg, "/made/two exists already"));
    assert_int_equal(mkdir(in("made/three.part"), 0700), 0);
    assert_int_equal(backup_make(desk, in("made/three"), &e), OTK_ECONFLICT);
    assert_non_null(strstr(e.msg, "three.part is left"));
    assert_false(file_exists(in("made/three")));
}

/* ---- over another desk -----------------------------------------------------
 */

static void test_over_another(void **state)
{
    (void)state;
    struct err e = {0};
    const char *aside = NULL;
    struct content then = content_of(desk);
    make(in("made/four"));
    (void)ticket_of("Нет бумаги", "v@b.ru");
    struct content later = content_of(desk);
    make(in("made/five"));
    assert_int_equal(backup_restore(in("other"), in("made/four"), false, &e),
                     0);
    put_file(in("other/otklik.yaml"), "desk:\n  name: Mine\n");
    put_file(in("other/models/topic.bin"), "another model");
    /* not without being told */
    assert_int_equal(backup_restore(in("other"), in("made/five"), false, &e),
                     OTK_ECONFLICT);
    assert_non_null(strstr(e.msg, "--force"));
    same(content_in(in("other")), then);
    assert_true(
        str_is(bytes_of(in("other/models/topic.bin")), "another model"));
    e = (struct err){0};
    if (backup_restore(in("other"), in("made/five"), true, &e))
        fail_msg("%s", e.msg);
    same(content_in(in("other")), later);
    /* the settings stay, models and store that were there are kept aside */
    assert_true(
        str_is(bytes_of(in("other/otklik.yaml")), "desk:\n  name: Mine\n"));
    assert_true(str_is(bytes_of(in("other/models/topic.bin")), "a model"));
    assert_int_equal(count_like(in("other"), "models.before-restore-", &aside),
                     1);
    assert_true(str_is(bytes_of(arena_printf(arena, "%s/topic.bin", aside)),
                       "another model"));
    assert_int_equal(
        count_like(in("other"), "otklik.db.before-restore-", &aside), 1);
    assert_int_equal(backup_restore(in("older"), aside, false, &e), 0);
    put_file(in("older/otklik.yaml"), "desk:\n  language: ru\n");
    same(content_in(in("older")), then); /* a lone store is taken, too */
}

/* ---- what is no backup -----------------------------------------------------
 */

static void overwrite(const char *path, size_t from, size_t n)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, (long)from, SEEK_SET), 0);
    for (size_t i = 0; i < n; i++)
        (void)fputc(0xa5, f);
    assert_int_equal(fclose(f), 0);
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const kinds[] = {"head", "inside", "page",
                                        "half", "text",   "empty"};
    struct err e = {0};
    struct content then = content_of(desk);
    make(in("made/good"));
    assert_int_equal(backup_restore(in("kept"), in("made/good"), false, &e), 0);
    size_t size = bytes_of(in("made/good/otklik.db")).n;
    for (size_t i = 0; i < ROWS(kinds); i++) {
        const char *to = in(arena_printf(arena, "made/%s", kinds[i]));
        const char *store = arena_printf(arena, "%s/otklik.db", to);
        const char *aside;
        make(to);
        switch (i) {
        case 0: overwrite(store, 0, 100); break;
        case 1: overwrite(store, 4096, size - 2 * (size_t)4096); break;
        /* one page, which only a check of the whole store comes across */
        case 2: overwrite(store, 2 * (size_t)4096, 4096); break;
        case 3: assert_int_equal(truncate(store, (off_t)size / 2), 0); break;
        case 4: put_file(store, "Not a store at all, but a letter."); break;
        default: put_file(store, ""); break;
        }
        /* neither into an empty place nor over a desk */
        const char *fresh = in(arena_printf(arena, "from-%s", kinds[i]));
        e = (struct err){0};
        if (backup_restore(fresh, to, false, &e) == 0)
            fail_msg("%s was taken", kinds[i]);
        if (!strstr(e.msg, "is no usable backup"))
            fail_msg("%s: %s", kinds[i], e.msg);
        assert_false(file_exists(arena_printf(arena, "%s/otklik.db", fresh)));
        assert_int_equal(count_like(fresh, "otklik.db", &aside), 0);
        assert_true(backup_restore(in("kept"), to, true, &e) != 0);
        assert_int_equal(count_like(in("kept"), "otklik.db.before", &aside), 0);
        same(content_in(in("kept")), then);
    }
}

static int make_newer(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e, "UPDATE schema_version SET version = 9999", "");
}

static int make_strange(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_exec(tx, e, "DROP TABLE schema_version", "");
}

/* Sound stores, but not of this program. */
static void test_not_ours(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        db_fn *fn;
        const char *why;
    } rows[] = {{"newer", make_newer, "use a newer otklik"},
                {"strange", make_strange, "belongs to another program"}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct db *db = NULL;
        struct err e = {0};
        const char *aside;
        const char *to = in(arena_printf(arena, "made/%s", rows[i].name));
        make(to);
        if (db_open(arena_printf(arena, "%s/otklik.db", to), NULL, &db, &e) ||
            db_write(db, 0, rows[i].fn, NULL, &e))
            fail_msg("%s", e.msg);
        db_close(db);
        assert_int_equal(backup_restore(in("not-ours"), to, false, &e),
                         OTK_EDENIED);
        if (!strstr(e.msg, rows[i].why))
            fail_msg("%s: %s", rows[i].name, e.msg);
        assert_int_equal(count_like(in("not-ours"), "otklik.db", &aside), 0);
    }
}

static void test_nothing_there(void **state)
{
    (void)state;
    struct err e = {0};
    const char *aside;
    assert_int_equal(mkdir(in("made/hollow"), 0700), 0);
    assert_true(backup_restore(in("nix"), in("made/hollow"), false, &e) != 0);
    assert_non_null(strstr(e.msg, "made/hollow/otklik.db"));
    assert_true(backup_restore(in("nix"), in("made/never"), false, &e) != 0);
    assert_non_null(strstr(e.msg, "made/never"));
    assert_int_equal(count_like(in("nix"), "otklik.db", &aside), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_place_is_taken),
        cmocka_unit_test(test_over_another),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_nothing_there),
    };
    return cmocka_run_group_tests(tests, open_with_files, close_desk);
}
