/*
 * store.h - stores for the tests of the db layer
 *
 * A test that is run on several drivers finds the URL's scheme in *state.
 */
#ifndef OTK_TESTS_UNIT_DB_STORE_H
#define OTK_TESTS_UNIT_DB_STORE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "db/db.h"
#include "test.h"

static char folder[] = "/tmp/otklik-test-XXXXXX";
static int counter;

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char command[300];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static inline struct embed file_of(const char *name, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    return (struct embed){.name = name, .begin = p, .end = p + strlen(text)};
}

/* A set of migrations: one file, or two. */
static inline void migrations(struct embed ret[3], int n)
{
    ret[0] = file_of("0001_things.sql",
                     "CREATE TABLE things (id :id:, name TEXT UNIQUE, size "
                     "BIGINT, weight DOUBLE PRECISION, raw :bytes:);\n"
                     "CREATE TABLE parts (id :id:, thing_id BIGINT NOT NULL "
                     "REFERENCES things (id));\n"
                     ":fulltext: things_text\n");
    ret[1] =
        file_of("0002_more.sql", "ALTER TABLE things ADD COLUMN more TEXT;\n");
    ret[n] = (struct embed){0};
}

enum { URL_BYTES = 256 };

static inline bool is_memory(void *const *state)
{
    return strcmp(*state, "memory:") == 0;
}

static inline void fresh_url(const char *scheme, char ret[URL_BYTES])
{
    if (strcmp(scheme, "memory:") == 0)
        (void)snprintf(ret, URL_BYTES, "memory:");
    else
        (void)snprintf(ret, URL_BYTES, "%s%s/%d.db", scheme, folder, counter++);
}

static inline struct db *open_at(const char *url, const struct db_options *o)
{
    struct db *db = NULL;
    struct err e = {0};
    struct embed files[3];
    migrations(files, 1);
    if (db_open(url, o, &db, &e) || db_migrate(db, files, NULL, &e)) {
        (void)fprintf(stderr, "open %s: %s\n", url, e.msg);
        abort(); /* also in a child, where cmocka cannot fail */
    }
    return db;
}

static inline struct db *open_fresh(void **state)
{
    char url[URL_BYTES];
    fresh_url(*state, url);
    return open_at(url, NULL);
}

static inline int insert(struct db_tx *tx, void *arg, struct err *e)
{
    return db_exec(tx, e, "INSERT INTO things (name) VALUES (?1)", "t",
                   (const char *)arg);
}

static inline int insert_then_fail(struct db_tx *tx, void *arg, struct err *e)
{
    int r = insert(tx, arg, e);
    return r ? r : err_set(e, OTK_EDENIED, "changed my mind");
}

/* db_write() of one name. */
static inline int put(struct db *db, const char *name, struct err *e)
{
    char copy[64];
    (void)snprintf(copy, sizeof(copy), "%s", name);
    return db_write(db, 0, insert, copy, e);
}

static inline int count(struct db_tx *tx, void *arg, struct err *e)
{
    return db_int_of(tx, arg, e, "SELECT COUNT(*) FROM things", "");
}

static inline int64_t count_of(struct db *db)
{
    int64_t n = -1;
    (void)db_read(db, 0, count, &n, NULL);
    return n;
}

/* A test on every driver; a new driver adds its scheme here. */
#define ON(test, scheme)                                                       \
    {                                                                          \
        .name = #test " " scheme, .test_func = test, .initial_state = scheme   \
    }
#define ON_ALL(test)                                                           \
    ON(test, "sqlite:"), ON(test, "memory:"), ON(test, "trace:sqlite:")

#endif
