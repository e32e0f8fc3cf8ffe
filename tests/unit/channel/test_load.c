/* SPDX-License-Identifier: Apache-2.0 */
/* phone.yaml of a desk, and what it says of recordings. */
#include "channel/phone.h"

#include "../desk/office.h"
#include "channel/phone_script.h"
#include "desk/retention.h"

static void write_script(const char *text)
{
    char path[300];
    struct err e = {0};
    (void)snprintf(path, sizeof(path), "%s/phone.yaml", folder);
    assert_int_equal(file_write(path, str_from(text), 0600, &e), 0);
}

/* Lines that say it themselves; of one that is there twice the first, which
 * calls come in on. */
static void test_keeping(void **state)
{
    (void)state;
    struct retention_lines lines;
    struct err e = {0};
    assert_int_equal(phone_load_keeping(desk, arena, &lines, &e), 0);
    assert_int_equal(lines.n, 0); /* there is no file */
    write_script("lines:\n"
                 "  \"200\": {keep_days: 30}\n"
                 "  \"201\": {language: en}\n"
                 "  default: {keep_days: 7}\n"
                 "  \"202\": {keep_days: 0}\n"
                 "  \"200\": {keep_days: 1}\n");
    assert_int_equal(phone_load_keeping(desk, arena, &lines, &e), 0);
    static const struct retention_line want[] = {
        {STR("default"), 7}, {STR("200"), 30}, {STR("202"), 0}};
    assert_int_equal(lines.n, ROWS(want));
    for (size_t i = 0; i < ROWS(want); i++) {
        assert_true(str_eq(lines.items[i].name, want[i].name));
        assert_int_equal(lines.items[i].days, want[i].days);
    }
    write_script("lines: {a: {keep_days: some}}\n");
    assert_int_equal(phone_load_keeping(desk, arena, &lines, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "phone.yaml:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeping),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
