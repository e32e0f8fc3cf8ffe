/*
 * desk/row_import.h - what an organisation has already, row by row
 *
 * examples: text, topic, priority, answer - labelled texts for training;
 * people:   name, email, phone, organisation, note, external_id;
 * tickets:  text, external_id, subject, state, topic, priority, created_at,
 *           name, email, phone, answer - the history of another desk.
 * A row is checked before anything is written, so that bad rows are left out
 * and the rest is kept; the same file again changes nothing.
 */
#ifndef OTK_DESK_ROW_IMPORT_H
#define OTK_DESK_ROW_IMPORT_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct catalog;
struct db_tx;
struct err;
struct stemmer;
struct table;

enum import_kind { IMPORT_EXAMPLES, IMPORT_PEOPLE, IMPORT_TICKETS };
enum import_verdict { IMPORT_NEW, IMPORT_CHANGED, IMPORT_SAME };

enum { IMPORT_COLUMNS = 12 };

struct row_import {
    enum import_kind kind;
    const struct table *table;
    const struct catalog *catalog;
    struct stemmer *stemmer;
    struct arena *arena; /* for one row; the caller resets it */
    int64_t now;
    size_t text_max;
    int columns[IMPORT_COLUMNS], answer; /* by row_import_begin() */
};

/* Finds the columns. OTK_EFORMAT: one that must be there is not. */
int row_import_begin(struct row_import *x, struct err *e);

/* OTK_EFORMAT, OTK_ELIMIT: the row is bad, nothing was written. */
int row_import_put(struct db_tx *tx, struct row_import *x, size_t row,
                   enum import_verdict *ret, struct err *e);

#endif
