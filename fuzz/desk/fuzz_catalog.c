/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a catalog document, YAML or JSON. What is taken must load, and
 * must read back as it is printed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/catalog_edit.h"

enum { UNDO = 1, PRINT_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct db *store;

static void close_store(void)
{
    db_close(store);
}

static void stop(const char *what, const struct err *e)
{
    (void)fprintf(stderr, "%s: %s\n", what, e->msg);
    abort();
}

static void print(struct db_tx *tx, struct buf *b)
{
    struct err e = {0};
    if (catalog_print(tx, b, &e) || buf_check(b))
        stop("cannot be printed", &e);
}

/* Always undone, so that inputs do not see each other. */
static int apply(struct db_tx *tx, void *arg, struct err *e)
{
    struct err why = {0};
    struct catalog *c = NULL;
    struct buf first = BUF_INIT(PRINT_MAX);
    struct buf second = BUF_INIT(PRINT_MAX);
    if (catalog_apply(tx, "fuzz.yaml", *(struct str *)arg, 1000, &why)) {
        if (!why.msg[0])
            stop("an error without a text", &why);
        return err_set(e, UNDO, "undone");
    }
    if (catalog_load(tx, &c, &why))
        stop("cannot be loaded", &why);
    catalog_unref(c);
    print(tx, &first);
    if (catalog_apply(tx, "again.json", buf_str(&first), 1000, &why))
        stop(first.ptr, &why);
    print(tx, &second);
    if (!str_eq(buf_str(&first), buf_str(&second))) {
        (void)fprintf(stderr, "%s\n%s\n", first.ptr, second.ptr);
        stop("changed by its own print", &why);
    }
    buf_free(&first);
    buf_free(&second);
    return err_set(e, UNDO, "undone");
}

static void open_store(void)
{
    struct err e = {0};
    struct db_options o = {.readers = 1};
    if (db_open("memory:", &o, &store, &e) ||
        db_migrate(store, db_migrations, NULL, &e) || atexit(close_store))
        stop("no store", &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!store)
        open_store();
    struct str bytes = {(const char *)data, size};
    struct err e = {0};
    if (db_write(store, 0, apply, &bytes, &e) != UNDO)
        stop("not undone", &e);
    return 0;
}
