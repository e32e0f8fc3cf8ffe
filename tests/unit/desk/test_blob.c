/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of attachments: named by what is in them, kept once, swept. */
#include "desk/blob.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "desk/attachment.h"
#include "office.h"

enum { MANY = 1000, DAY_S = 86400 };

/* BLAKE2b-256 of "abc", as `b2sum -l 256` prints it. */
static const char abc_hash[] =
    "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";

static void path_of(const char *hash, char ret[400])
{
    (void)snprintf(ret, 400, "%s/files/%.2s/%s", folder, hash, hash);
}

/* Regular files under `path` and its folders. */
static size_t count_files(const char *path)
{
    size_t n = 0;
    DIR *d = opendir(path);
    for (const struct dirent *x; d && (x = readdir(d));) {
        char below[600];
        struct stat st;
        if (x->d_name[0] == '.')
            continue;
        (void)snprintf(below, sizeof(below), "%s/%s", path, x->d_name);
        assert_int_equal(lstat(below, &st), 0);
        n += S_ISDIR(st.st_mode) ? count_files(below) : 1;
    }
    if (d)
        (void)closedir(d);
    return n;
}

static size_t count_blobs(void)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/files", folder);
    return count_files(path);
}

static void put_blob(const char *text, char ret_hash[BLOB_HASH_BYTES])
{
    struct blob_writer *w = NULL;
    struct err e = {0};
    uint64_t size = 0;
    assert_int_equal(blob_begin(folder, MANY, &w, &e), 0);
    assert_int_equal(blob_write(w, str_from(text), &e), 0);
    assert_int_equal(blob_finish(w, ret_hash, &size, &e), 0);
    assert_int_equal(size, strlen(text));
}

static bool has_blob(const char *hash)
{
    int fd = -1;
    uint64_t size;
    struct err e = {0};
    int r = blob_open(folder, str_from(hash), &fd, &size, &e);
    assert_true(r == 0 || r == OTK_ENOENT);
    if (!r)
        (void)close(fd);
    return r == 0;
}

static void make_old(const char *path, int64_t age_s)
{
    struct timespec t[2] = {{.tv_sec = time(NULL) - age_s}};
    t[1] = t[0];
    assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static void test_pieces(void **state)
{
    (void)state;
    struct blob_writer *w = NULL;
    struct err e = {0};
    char hash[BLOB_HASH_BYTES];
    char bytes[8];
    uint64_t size = 0;
    int fd = -1;
    size_t before = count_blobs();
    assert_int_equal(blob_begin(folder, MANY, &w, &e), 0);
    assert_int_equal(blob_write(w, STR("a"), &e), 0);
    assert_int_equal(blob_write(w, STR(""), &e), 0);
    assert_int_equal(blob_write(w, STR("bc"), &e), 0);
    assert_false(has_blob(abc_hash)); /* no name until it is whole */
    assert_int_equal(blob_finish(w, hash, &size, &e), 0);
    assert_string_equal(hash, abc_hash);
    assert_int_equal(size, 3);
    assert_int_equal(count_blobs(), before + 1);

    size = 0;
    assert_int_equal(blob_open(folder, str_from(hash), &fd, &size, &e), 0);
    assert_int_equal(size, 3);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), 3);
    assert_memory_equal(bytes, "abc", 3);
    assert_int_equal(close(fd), 0);
}

static void test_kept_once(void **state)
{
    (void)state;
    char one[BLOB_HASH_BYTES], two[BLOB_HASH_BYTES], other[BLOB_HASH_BYTES];
    char path[400];
    struct stat st;
    put_blob("kept once", one);
    size_t before = count_blobs();
    path_of(one, path);
    make_old(path, 10 * DAY_S);
    put_blob("kept once", two);
    assert_string_equal(one, two);
    assert_int_equal(count_blobs(), before); /* nor is a .part left */
    /* young again, or a sweep could take it before its row comes */
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_mtime > time(NULL) - DAY_S);
    put_blob("kept twice", other);
    assert_string_not_equal(one, other);
    assert_int_equal(count_blobs(), before + 1);
}

static void test_empty(void **state)
{
    (void)state;
    char hash[BLOB_HASH_BYTES];
    put_blob("", hash);
    assert_true(has_blob(hash));
}

static void test_limit(void **state)
{
    (void)state;
    struct blob_writer *w = NULL;
    struct err e = {0};
    char hash[BLOB_HASH_BYTES];
    uint64_t size = 0;
    size_t before = count_blobs();
    assert_int_equal(blob_begin(folder, 5, &w, &e), 0);
    assert_int_equal(blob_write(w, STR("123"), &e), 0);
    assert_int_equal(blob_write(w, STR("456"), &e), OTK_ELIMIT);
    assert_non_null(strstr(e.msg, "5 bytes"));
    blob_drop(w);
    assert_int_equal(count_blobs(), before);
    /* exactly the limit is fine */
    assert_int_equal(blob_begin(folder, 5, &w, &e), 0);
    assert_int_equal(blob_write(w, STR("123"), &e), 0);
    assert_int_equal(blob_write(w, STR("45"), &e), 0);
    assert_int_equal(blob_finish(w, hash, &size, &e), 0);
    assert_int_equal(size, 5);
}

static void test_drop(void **state)
{
    (void)state;
    struct blob_writer *w = NULL;
    struct err e = {0};
    size_t before = count_blobs();
    assert_int_equal(blob_begin(folder, MANY, &w, &e), 0);
    assert_int_equal(blob_write(w, STR("half of it"), &e), 0);
    assert_int_equal(count_blobs(), before + 1);
    blob_drop(w);
    assert_int_equal(count_blobs(), before);
    blob_drop(NULL);
}

static void test_no_folder(void **state)
{
    (void)state;
    struct blob_writer *w = NULL;
    struct err e = {0};
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/otklik.yaml", folder); /* a file */
    assert_int_not_equal(blob_begin(path, MANY, &w, &e), 0);
    assert_null(w);
    assert_string_not_equal(e.msg, "");
}

/* What comes out of a request must not lead anywhere but into files/. */
static void test_unknown(void **state)
{
    (void)state;
    static const char *const unknown[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "",
        "ab",
        "../otklik.yaml",
        "../../../../../../../../../../../../../../../../../../etc/passwd",
        "BDDD813C634239723171EF3FEE98579B94964E3BB1CB3E427262C8C068D52319",
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d523190",
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d5231",
    };
    for (size_t i = 0; i < ROWS(unknown); i++) {
        int fd = -1;
        uint64_t size = 0;
        struct err e = {0};
        struct str hash = str_from(unknown[i]);
        assert_int_equal(blob_open(folder, hash, &fd, &size, &e), OTK_ENOENT);
        assert_int_equal(fd, -1);
        assert_string_not_equal(e.msg, "");
        assert_int_equal(blob_remove(folder, hash, &e), 0);
    }
}

static void test_remove(void **state)
{
    (void)state;
    char hash[BLOB_HASH_BYTES], other[BLOB_HASH_BYTES];
    struct err e = {0};
    put_blob("to be removed", hash);
    put_blob("to stay", other);
    assert_true(has_blob(hash));
    assert_int_equal(blob_remove(folder, str_from(hash), &e), 0);
    assert_false(has_blob(hash));
    assert_true(has_blob(other));
    assert_int_equal(blob_remove(folder, str_from(hash), &e), 0);
}

/* ---- sweeping
 * --------------------------------------------------------------------- */

struct keeping {
    int64_t ticket, id;
    const char *hash;
};

static int keep(struct db_tx *tx, void *arg, struct err *e)
{
    struct keeping *k = arg;
    struct attachment x = {.ticket_id = k->ticket,
                           .hash = str_from(k->hash),
                           .name = STR("a.txt"),
                           .media_type = STR("text/plain")};
    return attachment_add(tx, &x, (struct actor){0}, 1000, &k->id, e);
}

static int let_go(struct db_tx *tx, void *arg, struct err *e)
{
    const struct keeping *k = arg;
    return attachment_drop(tx, k->id, (struct actor){0}, 1000, e);
}

static int sweep(struct db_tx *tx, void *arg, struct err *e)
{
    int r = 0;
    *(size_t *)arg = 0;
    for (unsigned i = 0; !r && i < BLOB_SHELVES; i++)
        r = blob_sweep(tx, folder, i, DAY_S, arg, e);
    return r;
}

static void test_sweep(void **state)
{
    (void)state;
    char needed[BLOB_HASH_BYTES], loose[BLOB_HASH_BYTES];
    char young[BLOB_HASH_BYTES];
    char path[400], half[400], fresh[400], other[400];
    struct err e = {0};
    size_t removed = 0;
    put_blob("needed", needed);
    put_blob("loose", loose);
    put_blob("young", young);
    struct keeping k = {.ticket = ticket_of("Файл к заявке", "a@b.ru"),
                        .hash = needed};
    write_desk(keep, &k);
    write_desk(sweep, &removed);
    assert_int_equal(removed, 0); /* everything is young */

    (void)snprintf(half, sizeof(half), "%s/files/00ff.part", folder);
    (void)snprintf(fresh, sizeof(fresh), "%s/files/00fe.part", folder);
    (void)snprintf(other, sizeof(other), "%s/files/README", folder);
    assert_int_equal(file_write(half, STR("half"), 0600, &e), 0);
    assert_int_equal(file_write(fresh, STR("half"), 0600, &e), 0);
    assert_int_equal(file_write(other, STR("not ours"), 0600, &e), 0);
    make_old(half, 2 * DAY_S);
    make_old(fresh, DAY_S / 2);
    make_old(other, 2 * DAY_S);
    path_of(needed, path);
    make_old(path, 2 * DAY_S);
    path_of(loose, path);
    make_old(path, 2 * DAY_S);
    write_desk(sweep, &removed);
    assert_int_equal(removed, 2);
    assert_true(has_blob(needed));
    assert_true(has_blob(young));
    assert_false(has_blob(loose));
    assert_false(file_exists(half));
    assert_true(file_exists(fresh));
    assert_true(file_exists(other));

    write_desk(let_go, &k);
    assert_true(has_blob(needed)); /* until it is swept */
    write_desk(sweep, &removed);
    assert_int_equal(removed, 1);
    assert_false(has_blob(needed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),  cmocka_unit_test(test_kept_once),
        cmocka_unit_test(test_empty),   cmocka_unit_test(test_limit),
        cmocka_unit_test(test_drop),    cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_unknown), cmocka_unit_test(test_remove),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
