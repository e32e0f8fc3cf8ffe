/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XLSX (ECMA-376): a zip of XML parts. Only cell values are read: shared and
 * inline strings, numbers, booleans, errors and the cached values of formulas.
 * Parts are unpacked with a limit and parsed by expat; a DTD is refused.
 */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "data/table.h"

enum {
    PART_MAX = 256 << 20, /* bytes of one unpacked part */
    DEPTH_MAX = 64,
    NAME_MAX_BYTES = 256,
};

enum cell_type {
    CELL_VALUE,
    CELL_SHARED,
    CELL_INLINE,
    CELL_BOOLEAN,
    CELL_ERROR
};

struct book {
    struct arena *arena;
    struct str *strings; /* the shared ones */
    size_t n_strings, strings_cap;
    const char *sheet;             /* wanted, or NULL */
    char relation[NAME_MAX_BYTES]; /* r:id of the sheet */
    char target[NAME_MAX_BYTES];   /* its part */
    struct table *table;

    XML_Parser parser;
    struct err *e;
    int result;
    int depth;
    bool in_text; /* between tags whose text counts */
    struct buf text;

    size_t row; /* as the sheet counts */
    struct str cells[TABLE_COLUMNS_MAX];
    size_t n_cells; /* highest used column + 1 */
    int column;
    enum cell_type type;
    bool has_value, has_formula, in_phonetic;
    const char *wrong; /* with this row */
};

/* ---- parts
 * -----------------------------------------------------------------------------
 */

static int read_part(zip_t *z, const char *name, struct buf *ret, struct err *e)
{
    zip_stat_t st;
    if (zip_stat(z, name, ZIP_FL_NOCASE, &st))
        return err_set(e, OTK_ENOENT, "the spreadsheet lacks %s", name);
    zip_file_t *f = zip_fopen_index(z, st.index, 0);
    if (!f)
        return err_set(e, OTK_EFORMAT, "%s cannot be unpacked: %s", name,
                       zip_strerror(z));
    char chunk[16384];
    zip_int64_t n;
    while ((n = zip_fread(f, chunk, sizeof(chunk))) > 0 && !ret->full)
        buf_put(ret, chunk, (size_t)n);
    (void)zip_fclose(f);
    if (n < 0)
        return err_set(e, OTK_EFORMAT, "%s is damaged", name);
    return buf_check(ret)
               ? err_set(e, OTK_ELIMIT, "%s is larger than %d MB unpacked",
                         name, PART_MAX >> 20)
               : OTK_OK;
}

static void stop(struct book *b, int code, const char *why)
{
    b->result = err_set(b->e, code, "%s", why);
    (void)XML_StopParser(b->parser, XML_FALSE);
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *sys,
                       const XML_Char *pub, int internal)
{
    (void)name;
    (void)sys;
    (void)pub;
    (void)internal;
    stop(ctx, OTK_EFORMAT, "the spreadsheet has a DTD, which is refused");
}

static void on_text(void *ctx, const XML_Char *p, int n)
{
    struct book *b = ctx;
    if (b->in_text && !b->in_phonetic)
        buf_put(&b->text, p, (size_t)n);
}

/* Names without their namespace prefix: "x:row" and "row" are the same. */
static const char *local(const XML_Char *name)
{
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

static const char *attribute(const XML_Char **a, const char *name)
{
    for (; *a; a += 2) {
        if (strcmp(local(*a), name) == 0)
            return a[1];
    }
    return NULL;
}

/* expat 2.9 gave the function a name with a width and calls the old one
 * deprecated. */
static unsigned long long line_of(XML_Parser parser)
{
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9
    return XML_GetCurrentLineNumber64(parser);
#else
    return XML_GetCurrentLineNumber(parser);
#endif
}

static int parse_part(zip_t *z, const char *name, struct book *b,
                      XML_StartElementHandler start, XML_EndElementHandler end)
{
    struct buf bytes = BUF_INIT(PART_MAX);
    int r = read_part(z, name, &bytes, b->e);
    if (r) {
        buf_free(&bytes);
        return r;
    }
    b->parser = XML_ParserCreate(NULL);
    b->depth = 0;
    b->in_text = false;
    b->result = OTK_OK;
    XML_SetUserData(b->parser, b);
    XML_SetElementHandler(b->parser, start, end);
    XML_SetCharacterDataHandler(b->parser, on_text);
    XML_SetStartDoctypeDeclHandler(b->parser, on_doctype);
    if (XML_Parse(b->parser, bytes.ptr, (int)bytes.len, 1) ==
            XML_STATUS_ERROR &&
        !b->result)
        b->result = err_set(b->e, OTK_EFORMAT, "%s line %llu: %s", name,
                            line_of(b->parser),
                            XML_ErrorString(XML_GetErrorCode(b->parser)));
    XML_ParserFree(b->parser);
    buf_free(&bytes);
    return b->result;
}

static bool too_deep(struct book *b)
{
    if (++b->depth <= DEPTH_MAX)
        return false;
    stop(b, OTK_ELIMIT, "the XML is nested too deeply");
    return true;
}

/* ---- which sheet, and where
 * ---------------------------------------------------------- */

static void book_start(void *ctx, const XML_Char *name, const XML_Char **a)
{
    struct book *b = ctx;
    if (too_deep(b) || strcmp(local(name), "sheet") != 0 || b->relation[0])
        return;
    const char *title = attribute(a, "name");
    const char *id = NULL;
    for (const XML_Char **p = a; *p; p += 2) {
        if (strchr(*p, ':') && strcmp(local(*p), "id") == 0)
            id = p[1];
    }
    if (id && (!b->sheet || (title && strcmp(title, b->sheet) == 0)))
        (void)snprintf(b->relation, sizeof(b->relation), "%s", id);
}

static void relation_start(void *ctx, const XML_Char *name, const XML_Char **a)
{
    struct book *b = ctx;
    const char *id = attribute(a, "Id");
    const char *target = attribute(a, "Target");
    if (too_deep(b) || strcmp(local(name), "Relationship") != 0 || !id ||
        !target || strcmp(id, b->relation) != 0)
        return;
    (void)snprintf(b->target, sizeof(b->target), "%s%s",
                   target[0] == '/' ? "" : "xl/",
                   target[0] == '/' ? target + 1 : target);
}

static void plain_end(void *ctx, const XML_Char *name)
{
    (void)name;
    ((struct book *)ctx)->depth--;
}

/* ---- shared strings
 * ---------------------------------------------------------------------- */

static void strings_start(void *ctx, const XML_Char *name, const XML_Char **a)
{
    (void)a;
    struct book *b = ctx;
    const char *n = local(name);
    if (too_deep(b))
        return;
    if (strcmp(n, "si") == 0)
        buf_reset(&b->text);
    if (strcmp(n, "rPh") == 0)
        b->in_phonetic = true;
    b->in_text = strcmp(n, "t") == 0;
}

static void strings_end(void *ctx, const XML_Char *name)
{
    struct book *b = ctx;
    const char *n = local(name);
    b->depth--;
    b->in_text = false;
    if (strcmp(n, "rPh") == 0)
        b->in_phonetic = false;
    if (strcmp(n, "si") != 0)
        return;
    b->strings = mem_grow(b->strings, b->n_strings, &b->strings_cap,
                          sizeof(*b->strings));
    b->strings[b->n_strings++] = arena_str(b->arena, buf_str(&b->text));
}

/* ---- the sheet
 * ------------------------------------------------------------------------------
 */

/* "BC12" is column 54 (from 0); -1: nonsense. */
static int column_of(const char *reference)
{
    int column = 0;
    const char *p = reference;
    for (; *p >= 'A' && *p <= 'Z' && column <= TABLE_COLUMNS_MAX; p++)
        column = column * 26 + (*p - 'A' + 1);
    return p == reference ? -1 : column - 1;
}

static void begin_cell(struct book *b, const XML_Char **a)
{
    const char *reference = attribute(a, "r");
    const char *type = attribute(a, "t");
    b->column = reference ? column_of(reference) : b->column + 1;
    b->type = CELL_VALUE;
    b->has_value = b->has_formula = false;
    if (type && strcmp(type, "s") == 0)
        b->type = CELL_SHARED;
    else if (type && strcmp(type, "inlineStr") == 0)
        b->type = CELL_INLINE;
    else if (type && strcmp(type, "b") == 0)
        b->type = CELL_BOOLEAN;
    else if (type && strcmp(type, "e") == 0)
        b->type = CELL_ERROR;
    buf_reset(&b->text);
}

static struct str value_of(struct book *b)
{
    struct str text = buf_str(&b->text);
    int64_t i;
    switch (b->type) {
    case CELL_SHARED:
        if (str_to_int(str_trim(text), &i) || i < 0 ||
            (size_t)i >= b->n_strings) {
            b->wrong = "a shared string is missing";
            return STR("");
        }
        return b->strings[i];
    case CELL_BOOLEAN: return str_is(text, "1") ? STR("true") : STR("false");
    case CELL_ERROR: b->wrong = "a cell holds an error"; return STR("");
    case CELL_VALUE:
    case CELL_INLINE: break;
    }
    return arena_str(b->arena, text);
}

static void end_cell(struct book *b)
{
    if (b->column < 0 || b->column >= TABLE_COLUMNS_MAX) {
        b->wrong = "a cell stands outside the sheet";
        return;
    }
    if (b->has_formula && !b->has_value) {
        b->wrong = "a formula without a value: open the file and save it again";
        return;
    }
    if (!b->has_value)
        return;
    while (b->n_cells <= (size_t)b->column)
        b->cells[b->n_cells++] = STR("");
    b->cells[b->column] = value_of(b);
}

static void add_header(struct book *b)
{
    struct table *t = b->table;
    t->columns = ARENA_ARRAY(t->arena, struct str, b->n_cells);
    for (size_t i = 0; i < b->n_cells; i++)
        t->columns[i] = arena_str(t->arena, str_trim(b->cells[i]));
    t->n_columns = b->n_cells;
}

static void end_row(struct book *b)
{
    struct table *t = b->table;
    size_t used = 0;
    for (size_t i = 0; i < b->n_cells; i++)
        used += b->cells[i].n > 0;
    if (t->n_columns == 0) {
        if (used)
            add_header(b);
        return;
    }
    while (b->n_cells < t->n_columns)
        b->cells[b->n_cells++] = STR("");
    for (size_t i = t->n_columns; i < b->n_cells && !b->wrong; i++)
        b->wrong = b->cells[i].n ? "more cells than the header" : NULL;
    if (b->wrong)
        table_add_bad(t, b->row, b->wrong);
    else if (used && t->n_rows == TABLE_ROWS_MAX)
        stop(b, OTK_ELIMIT, "too many rows");
    else if (used)
        table_add(t, b->row, b->cells);
}

static void sheet_start(void *ctx, const XML_Char *name, const XML_Char **a)
{
    struct book *b = ctx;
    const char *n = local(name);
    if (too_deep(b))
        return;
    if (strcmp(n, "row") == 0) {
        const char *r = attribute(a, "r");
        int64_t number;
        b->row++;
        if (r && !str_to_int(str_from(r), &number) && number > 0)
            b->row = (size_t)number;
        b->n_cells = 0;
        b->column = -1;
        b->wrong = NULL;
    } else if (strcmp(n, "c") == 0) {
        begin_cell(b, a);
    } else if (strcmp(n, "f") == 0) {
        b->has_formula = true;
    } else if (strcmp(n, "rPh") == 0) {
        b->in_phonetic = true;
    } else if (strcmp(n, "v") == 0 || strcmp(n, "t") == 0) {
        b->in_text = true;
        b->has_value = true;
    }
}

static void sheet_end(void *ctx, const XML_Char *name)
{
    struct book *b = ctx;
    const char *n = local(name);
    b->depth--;
    b->in_text = false;
    if (strcmp(n, "rPh") == 0)
        b->in_phonetic = false;
    else if (strcmp(n, "c") == 0)
        end_cell(b);
    else if (strcmp(n, "row") == 0)
        end_row(b);
}

/* ---- all together
 * ------------------------------------------------------------------------------
 */

static int read_book(zip_t *z, struct book *b)
{
    int r = parse_part(z, "xl/workbook.xml", b, book_start, plain_end);
    if (!r && !b->relation[0])
        r = err_set(b->e, OTK_ENOENT, "no sheet '%s' in the spreadsheet",
                    b->sheet ? b->sheet : "(first)");
    if (!r)
        r = parse_part(z, "xl/_rels/workbook.xml.rels", b, relation_start,
                       plain_end);
    if (!r && !b->target[0])
        r = err_set(b->e, OTK_EFORMAT, "the sheet's part is not named");
    zip_stat_t st;
    if (!r && zip_stat(z, "xl/sharedStrings.xml", ZIP_FL_NOCASE, &st) == 0)
        r = parse_part(z, "xl/sharedStrings.xml", b, strings_start,
                       strings_end);
    if (!r)
        r = parse_part(z, b->target, b, sheet_start, sheet_end);
    if (!r && b->table->n_columns == 0)
        r = err_set(b->e, OTK_EFORMAT, "the sheet is empty");
    return r;
}

int xlsx_read(struct str bytes, const char *sheet, struct table *t,
              struct err *e)
{
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t *source = zip_source_buffer_create(bytes.p, bytes.n, 0, &why);
    zip_t *z = source ? zip_open_from_source(source, ZIP_RDONLY, &why) : NULL;
    if (!z) {
        int r = err_set(e, OTK_EFORMAT, "not a spreadsheet: %s",
                        zip_error_strerror(&why));
        zip_source_free(source);
        zip_error_fini(&why);
        return r;
    }
    struct book *b = MEM_NEW(struct book);
    b->arena = arena_new();
    b->sheet = sheet;
    b->table = t;
    b->e = e;
    b->text = (struct buf)BUF_INIT(TABLE_CELL_MAX);
    int r = read_book(z, b);
    buf_free(&b->text);
    arena_free(b->arena);
    free(b->strings);
    free(b);
    (void)zip_close(z);
    zip_error_fini(&why);
    return r;
}
