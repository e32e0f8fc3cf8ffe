/* SPDX-License-Identifier: Apache-2.0 */
/* Full text, on every driver. */
#include "base/buf.h"
#include "base/file.h"
#include "store.h"

static const char *const texts[] = {
    "не печата принтер", "принтер сломал", "wi-fi 10.0.0.1 don't a@b.ru c++",
    "a\"b OR c* (d) ^e {f} :g 'h' %i $j !k ~l |m \\n `o <p> =q ;r ,s ?t [u]",
    "принтер печата"};

static int fill(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    int r = OTK_OK;
    for (size_t i = 0; !r && i < ROWS(texts); i++)
        r = db_text_put(tx, "things_text", (int64_t)i + 1, str_from(texts[i]),
                        e);
    if (!r)
        r = db_text_put(tx, "things_text", 2, STR("замен принтер"), e);
    if (!r)
        r = db_text_drop(tx, "things_text", 5, e);
    return r ? r : db_text_drop(tx, "things_text", 77, e); /* never was */
}

struct find {
    const char *words[3];
    bool prefix;
    int64_t before;
    size_t limit;
    const char *want;
    char got[64];
};

static int find(struct db_tx *tx, void *arg, struct err *e)
{
    struct find *f = arg;
    struct str all[3];
    struct db_text_query q = {.all = all,
                              .last_is_prefix = f->prefix,
                              .before_id = f->before,
                              .limit = f->limit ? f->limit : 10};
    while (q.n_all < 3 && f->words[q.n_all]) {
        all[q.n_all] = str_from(f->words[q.n_all]);
        q.n_all++;
    }
    int64_t ids[10];
    size_t n;
    int r = db_text_find(tx, "things_text", &q, ids, &n, e);
    f->got[0] = '\0';
    for (size_t i = 0; !r && i < n; i++)
        (void)snprintf(f->got + strlen(f->got), sizeof(f->got) - strlen(f->got),
                       "%lld ", (long long)ids[i]);
    return r;
}

static void check(struct db *db, struct find f)
{
    struct err e = {0};
    if (db_read(db, 0, find, &f, &e))
        fail_msg("%s: %s", f.words[0], e.msg);
    assert_string_equal(f.got, f.want);
}

static void test_find(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    if (db_write(db, 0, fill, NULL, &e))
        fail_msg("%s", e.msg);
    const struct find finds[] = {
        {.words = {"принтер"}, .want = "2 1 "}, /* the newest first */
        {.words = {"принтер"}, .limit = 1, .want = "2 "},
        {.words = {"принтер"}, .before = 2, .want = "1 "},
        {.words = {"принтер", "печата"}, .want = "1 "},
        {.words = {"печата", "сломал"}, .want = ""},
        {.words = {"сломал"}, .want = ""}, /* was replaced */
        {.words = {"замен"}, .want = "2 "},
        {.words = {"прин"}, .want = ""},
        {.words = {"прин"}, .prefix = true, .want = "2 1 "},
        {.words = {"п"}, .prefix = true, .want = "2 1 "},
        {.words = {"не", "при"}, .prefix = true, .want = "1 "},
        {.words = {"при", "не"}, .prefix = true, .want = ""},
        {.words = {""}, .prefix = true, .want = ""},
        {.words = {NULL}, .want = ""},
    };
    for (size_t i = 0; i < ROWS(finds); i++)
        check(db, finds[i]);
    db_close(db);
}

/* Nothing in a word is an operator, and every mark is a part of it. */
static void test_marks(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    if (db_write(db, 0, fill, NULL, &e))
        fail_msg("%s", e.msg);
    const struct find finds[] = {
        {.words = {"10.0.0.1"}, .want = "3 "},
        {.words = {"10"}, .want = ""},
        {.words = {"wi-fi", "don't", "a@b.ru"}, .want = "3 "},
        {.words = {"wi"}, .want = ""},
        {.words = {"c+"}, .prefix = true, .want = "3 "},
        {.words = {"a\"b", "OR", "c*"}, .want = "4 "},
        {.words = {"(d)", "^e", "{f}"}, .want = "4 "},
        {.words = {":g", "'h'", "%i"}, .want = "4 "},
        {.words = {"$j", "!k", "~l"}, .want = "4 "},
        {.words = {"|m", "\\n", "`o"}, .want = "4 "},
        {.words = {"<p>", "=q", ";r"}, .want = "4 "},
        {.words = {",s", "?t", "[u]"}, .want = "4 "},
        {.words = {"\" OR \"x"}, .want = ""},
        {.words = {"NOT"}, .want = ""},
        {.words = {"NEAR(принтер не)"}, .want = ""},
        {.words = {"stems:принтер"}, .want = ""},
        {.words = {"принтер*"}, .want = ""},
        {.words = {"\""}, .want = ""},
        {.words = {"\""}, .prefix = true, .want = ""},
        {.words = {"печата  принтер"}, .want = "1 "}, /* cut like the text */
        {.words = {"\t \n"}, .prefix = true, .want = ""},
        {.words = {"\xff\xfe"}, .want = ""},
    };
    for (size_t i = 0; i < ROWS(finds); i++)
        check(db, finds[i]);
    db_close(db);
}

/* ---- scrubbing
 * ---------------------------------------------------------------- */

static int put_secret(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return db_text_put(tx, "things_text", 9, STR("принтер xyzzyplugh"), e);
}

static int drop_secret(struct db_tx *tx, void *arg, struct err *e)
{
    int r = db_text_drop(tx, "things_text", 9, e);
    if (!r)
        r = db_text_scrub(tx, "things_text", e);
    return r || !arg ? r : err_set(e, OTK_EDENIED, "changed my mind");
}

static bool file_has(const char *path, const char *word)
{
    struct buf b = BUF_INIT(1 << 24);
    assert_int_equal(file_read(path, &b, NULL), 0);
    bool there = memmem(b.ptr, b.len, word, strlen(word)) != NULL;
    buf_free(&b);
    return there;
}

/* What was dropped is nowhere in the file; everything else is found. */
static void test_scrub(void **state)
{
    char url[URL_BYTES];
    struct err e = {0};
    char fail[] = "fail";
    fresh_url(*state, url);
    const char *path = strchr(url, '/');
    struct db *db = open_at(url, NULL);
    assert_int_equal(db_write(db, 0, fill, NULL, NULL), 0);
    assert_int_equal(db_write(db, 0, put_secret, NULL, NULL), 0);
    assert_int_equal(db_write(db, 0, drop_secret, fail, NULL), OTK_EDENIED);
    check(db, (struct find){.words = {"xyzzyplugh"}, .want = "9 "});
    if (!is_memory(state)) {
        db_close(db);
        assert_true(file_has(path, "xyzzyplugh"));
        db = open_at(url, NULL);
    }
    if (db_write(db, 0, drop_secret, NULL, &e))
        fail_msg("%s", e.msg);
    check(db, (struct find){.words = {"xyzzyplugh"}, .want = ""});
    check(db, (struct find){.words = {"принтер"}, .want = "2 1 "});
    check(db, (struct find){.words = {"прин"}, .prefix = true, .want = "2 1 "});
    assert_int_equal(db_write(db, 0, drop_secret, NULL, NULL), 0); /* again */
    db_close(db);
    if (!is_memory(state))
        assert_false(file_has(path, "xyzzyplugh"));
}

static int put_then_fail(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    int r = db_text_put(tx, "things_text", 1, STR("забыт"), e);
    return r ? r : err_set(e, OTK_EDENIED, "changed my mind");
}

static void test_part_of_transaction(void **state)
{
    struct db *db = open_fresh(state);
    assert_int_equal(db_write(db, 0, fill, NULL, NULL), 0);
    assert_int_equal(db_write(db, 0, put_then_fail, NULL, NULL), OTK_EDENIED);
    check(db, (struct find){.words = {"забыт"}, .want = ""});
    check(db, (struct find){.words = {"не"}, .want = "1 "});
    db_close(db);
}

static int find_long(struct db_tx *tx, void *arg, struct err *e)
{
    struct str all[] = {*(struct str *)arg};
    struct db_text_query q = {.all = all, .n_all = 1, .limit = 1};
    int64_t id;
    size_t n;
    return db_text_find(tx, "things_text", &q, &id, &n, e);
}

static void test_query_has_a_limit(void **state)
{
    struct db *db = open_fresh(state);
    char *p = malloc(1 << 20);
    assert_non_null(p);
    memset(p, 'a', 1 << 20);
    struct str s = {p, 1 << 20};
    assert_int_equal(db_read(db, 0, find_long, &s, NULL), OTK_ELIMIT);
    free(p);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(test_find),
        ON_ALL(test_marks),
        ON_ALL(test_scrub),
        ON_ALL(test_part_of_transaction),
        ON_ALL(test_query_has_a_limit),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
