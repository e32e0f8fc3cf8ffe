/* SPDX-License-Identifier: Apache-2.0 */
#include "data/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/buf.h"
#include "base/err.h"
#include "test.h"

static void check_cell(const struct table *t, size_t row, const char *column,
                       const char *want)
{
    struct str got = table_cell(t, row, table_column(t, str_from(column)));
    if (!str_is(got, want))
        fail_msg("row %zu %s: '" STR_FMT "', wanted '%s'", row, column,
                 STR_ARG(got), want);
}

static void test_csv(void **state)
{
    (void)state;
    struct table t;
    struct err e = {0};
    const char *text = "\xef\xbb\xbfText; Topic \r\n\"a;\"\"b\"\"\nc\";x\r\n"
                       "short\r\nplain;y\r\n\"open;z\r\n";
    assert_int_equal(table_read(str_from(text), TABLE_CSV, NULL, &t, &e), 0);
    assert_int_equal(t.n_columns, 2);
    assert_int_equal(t.n_rows, 2);
    check_cell(&t, 0, "text", "a;\"b\"\nc");
    check_cell(&t, 1, "topic", "y");
    assert_int_equal(t.numbers[1], 5);
    assert_int_equal(t.n_bad, 2);
    assert_int_equal(t.bad[0].number, 4);
    assert_non_null(strstr(t.bad[0].reason, "1 cells"));
    assert_non_null(strstr(t.bad[1].reason, "quote"));
    table_free(&t);
    assert_int_equal(table_read(STR(""), TABLE_CSV, NULL, &t, &e), OTK_EFORMAT);
    table_free(&t);
    assert_int_equal(table_read(STR("a,b\n\xff,1\n"), TABLE_CSV, NULL, &t, &e),
                     0);
    assert_int_equal(t.n_bad, 1);
    table_free(&t);
}

static void test_round_trip(void **state)
{
    (void)state;
    const struct str cells[] = {STR("a,b"), STR("q\"q"), STR("l\nl"), STR("")};
    struct buf b = BUF_INIT(1000);
    struct table t;
    csv_put_row(&b, (struct str[]){STR("1"), STR("2"), STR("3"), STR("4")}, 4);
    csv_put_row(&b, cells, 4);
    assert_int_equal(table_read(buf_str(&b), TABLE_CSV, NULL, &t, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_true(str_eq(table_cell(&t, 0, i), cells[i]));
    table_free(&t);
    buf_free(&b);
}

static void test_jsonl(void **state)
{
    (void)state;
    struct table t;
    const char *text =
        "{\"text\":\"a\",\"n\":1}\n\nnot json\n{\"text\":null}\n"
        "{\"text\":[1]}\n{\"other\":1}\n{\"text\":\"b\",\"n\":2.5}\n";
    assert_int_equal(table_read(str_from(text), TABLE_JSONL, NULL, &t, NULL),
                     0);
    assert_int_equal(t.n_rows, 3);
    check_cell(&t, 0, "n", "1");
    check_cell(&t, 1, "text", "");
    check_cell(&t, 2, "n", "2.5");
    assert_int_equal(t.n_bad, 3);
    assert_int_equal(t.bad[0].number, 3);
    table_free(&t);
}

static void test_map(void **state)
{
    (void)state;
    struct table t;
    struct err e = {0};
    assert_int_equal(
        table_read(STR("Вопрос,Ответ\nq,a\n"), TABLE_CSV, NULL, &t, &e), 0);
    assert_int_equal(table_map(&t, "question=Вопрос, answer=Ответ", &e), 0);
    check_cell(&t, 0, "answer", "a");
    assert_int_equal(table_map(&t, "x=Nowhere", &e), OTK_ENOENT);
    assert_int_equal(table_map(&t, "nonsense", &e), OTK_EFORMAT);
    table_free(&t);
}

/* ---- spreadsheets
 * ------------------------------------------------------------- */

static const char book[] =
    "<workbook xmlns:r=\"x\"><sheets><sheet name=\"One\" r:id=\"r1\"/>"
    "</sheets></workbook>";
static const char relations[] =
    "<Relationships><Relationship Id=\"r1\" Target=\"worksheets/s.xml\"/>"
    "</Relationships>";
static const char strings[] = "<sst><si><t>question</t></si><si><r><t>an</t>"
                              "</r><r><t>swer</t></r></si><si><t>ёж</t></si>"
                              "</sst>";

static struct str spreadsheet(const char *sheet, struct buf *keep)
{
    char path[] = "/tmp/otklik-xlsx-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    zip_t *z = zip_open(path, ZIP_TRUNCATE | ZIP_CREATE, NULL);
    const struct {
        const char *name, *text;
    } parts[] = {{"xl/workbook.xml", book},
                 {"xl/_rels/workbook.xml.rels", relations},
                 {"xl/sharedStrings.xml", strings},
                 {"xl/worksheets/s.xml", sheet}};
    for (size_t i = 0; i < ROWS(parts); i++)
        assert_true(zip_file_add(z, parts[i].name,
                                 zip_source_buffer(z, parts[i].text,
                                                   strlen(parts[i].text), 0),
                                 0) >= 0);
    assert_int_equal(zip_close(z), 0);
    FILE *f = fopen(path, "rb");
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_put(keep, chunk, n);
    (void)fclose(f);
    (void)unlink(path);
    return buf_str(keep);
}

static void test_xlsx(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1 << 20);
    struct table t;
    struct err e = {0};
    struct str bytes = spreadsheet(
        "<worksheet><sheetData>"
        "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\">"
        "<v>1</v></c></row>"
        "<row r=\"3\"><c r=\"A3\" t=\"s\"><v>2</v></c><c r=\"B3\"><f>1+1</f>"
        "<v>2</v></c></row>"
        "<row r=\"4\"><c r=\"A4\" t=\"inlineStr\"><is><t>in</t></is></c>"
        "<c r=\"B4\" t=\"b\"><v>1</v></c></row>"
        "<row r=\"5\"><c r=\"A5\"><f>NOW()</f></c></row>"
        "<row r=\"6\"><c r=\"A6\" t=\"s\"><v>99</v></c></row>"
        "</sheetData></worksheet>",
        &b);
    assert_int_equal(table_format_of("x", bytes), TABLE_XLSX);
    assert_int_equal(table_read(bytes, TABLE_XLSX, NULL, &t, &e), 0);
    assert_int_equal(t.n_rows, 2);
    check_cell(&t, 0, "question", "ёж");
    check_cell(&t, 0, "answer", "2");
    check_cell(&t, 1, "answer", "true");
    assert_int_equal(t.numbers[0], 3);
    assert_int_equal(t.n_bad, 2);
    assert_int_equal(t.bad[0].number, 5);
    assert_non_null(strstr(t.bad[0].reason, "formula without a value"));
    table_free(&t);
    assert_int_equal(table_read(bytes, TABLE_XLSX, "Two", &t, &e), OTK_ENOENT);
    table_free(&t);
    /* cut at any place: an error, never a crash */
    for (size_t n = 0; n < bytes.n; n += 7) {
        (void)table_read(str_sub(bytes, 0, n), TABLE_XLSX, NULL, &t, &e);
        table_free(&t);
    }
    buf_free(&b);
}

static void test_xlsx_dtd(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1 << 20);
    struct table t;
    struct err e = {0};
    struct str bytes =
        spreadsheet("<!DOCTYPE x [<!ENTITY a \"b\">]><worksheet/>", &b);
    assert_int_equal(table_read(bytes, TABLE_XLSX, NULL, &t, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "DTD"));
    table_free(&t);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),   cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_jsonl), cmocka_unit_test(test_map),
        cmocka_unit_test(test_xlsx),  cmocka_unit_test(test_xlsx_dtd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
