/*
 * data/table.h - rows of text cells from CSV, JSONL or XLSX
 *
 * Bytes in, table out; nothing here reads files but table_read_file(). The
 * first row (of CSV and XLSX) or the fields (of JSONL) name the columns. A row
 * that is broken is left out and listed with its number and the reason; the
 * good ones stay. Cells are valid UTF-8.
 */
#ifndef OTK_DATA_TABLE_H
#define OTK_DATA_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct buf;
struct err;

enum {
    TABLE_COLUMNS_MAX = 256,
    TABLE_ROWS_MAX = 5000000,
    TABLE_CELL_MAX = 1 << 20, /* bytes of one cell */
    TABLE_BAD_MAX = 1000,     /* bad rows that are listed */
};
#define TABLE_FILE_MAX ((size_t)1 << 30)

enum table_format { TABLE_CSV, TABLE_JSONL, TABLE_XLSX };

struct table_bad {
    size_t number; /* as a person counts: line of the file, row of the sheet */
    const char *reason;
};

struct table {
    struct arena *arena; /* owns all texts */
    struct str *columns;
    size_t n_columns;
    struct str *cells; /* n_rows × n_columns */
    size_t *numbers;   /* of each row, as a person counts */
    size_t n_rows;
    struct table_bad *bad;
    size_t n_bad; /* in all; the first TABLE_BAD_MAX are listed */
    size_t cells_cap, numbers_cap, bad_cap;
};

/* By extension, else by the first bytes. */
enum table_format table_format_of(const char *path, struct str bytes);

/*
 * OTK_EFORMAT when there is no table at all (no header, not a spreadsheet),
 * OTK_ELIMIT. `sheet`: name of an XLSX sheet, NULL: the first. table_free()
 * in any case.
 */
int table_read(struct str bytes, enum table_format f, const char *sheet,
               struct table *ret, struct err *e);
int table_read_file(const char *path, const char *sheet, struct table *ret,
                    struct err *e);
void table_free(struct table *t);

/* Column by name (folded ASCII case, trimmed); -1: there is none. */
int table_column(const struct table *t, struct str name);
/* The column of what people were answered, under the names that other desks
 * give it; -1: there is none. */
int table_answer_column(const struct table *t);
/* "to=From,to2=From 2": rename columns; OTK_ENOENT names the missing one. */
int table_map(struct table *t, const char *mapping, struct err *e);
static inline struct str table_cell(const struct table *t, size_t row, int col)
{
    if (col < 0)
        return (struct str){.p = "", .n = 0};
    return t->cells[row * t->n_columns + (size_t)col];
}

/* One CSV row (RFC 4180) with a line end; cells are quoted when they must. */
void csv_put_row(struct buf *b, const struct str *cells, size_t n);

/* For the readers: a row of n_columns cells, or why it is bad. */
void table_add(struct table *t, size_t number, const struct str *cells);
void table_add_bad(struct table *t, size_t number, const char *reason);

int csv_read(struct str bytes, struct table *t, struct err *e);
int jsonl_read(struct str bytes, struct table *t, struct err *e);
int xlsx_read(struct str bytes, const char *sheet, struct table *t,
              struct err *e);

#endif
