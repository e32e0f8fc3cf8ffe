/* SPDX-License-Identifier: Apache-2.0 */
/* What the tracing driver tells. */
#include <pthread.h>

#include "store.h"

enum { TOLD_BYTES = 4096 };

struct told {
    pthread_mutex_t lock;
    char lines[TOLD_BYTES]; /* guarded by lock */
};

static void note(void *arg, const struct db_traced *t)
{
    struct told *told = arg;
    pthread_mutex_lock(&told->lock);
    size_t n = strlen(told->lines);
    (void)snprintf(told->lines + n, sizeof(told->lines) - n, "%d %lld %s\n",
                   t->result, (long long)t->rows, t->what);
    assert_true(t->us >= 0);
    pthread_mutex_unlock(&told->lock);
}

static int read_names(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e, "SELECT name FROM things", "");
    while (!r && (r = db_next(rows, e)) > 0)
        r = 0;
    db_rows_free(rows);
    return r;
}

static void test_told(void **state)
{
    (void)state;
    static struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER};
    char url[URL_BYTES];
    fresh_url("trace:sqlite:", url);
    struct db *db =
        open_at(url, &(struct db_options){.traced = note, .traced_arg = &told});
    assert_non_null(strstr(told.lines, "script\n"));
    told.lines[0] = '\0';
    assert_int_equal(put(db, "secret", NULL), 0);
    assert_int_equal(put(db, "secret", NULL), OTK_ECONFLICT);
    assert_int_equal(put(db, "another", NULL), 0);
    assert_int_equal(db_read(db, 0, read_names, NULL, NULL), 0);
    assert_string_equal(told.lines,
                        "0 0 INSERT INTO things (name) VALUES (?1)\n"
                        "0 0 write\n"
                        "-9 0 INSERT INTO things (name) VALUES (?1)\n"
                        "-9 0 write\n"
                        "0 0 INSERT INTO things (name) VALUES (?1)\n"
                        "0 0 write\n"
                        "0 2 SELECT name FROM things\n"
                        "0 0 read\n");
    assert_string_equal(db_driver(db), "trace");
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
