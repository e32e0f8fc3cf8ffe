/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_range.h"

#include "test.h"

#define TAG "\"ab\""

static void check(struct http_range_ask q, uint64_t size, int status,
                  uint64_t from, uint64_t n)
{
    struct http_range part;
    int is = http_range_find(&q, STR(TAG), size, &part);
    if (is != status || part.from != from || part.n != n)
        fail_msg("'" STR_FMT "': %d %llu+%llu instead of %d %llu+%llu",
                 STR_ARG(q.range), is, (unsigned long long)part.from,
                 (unsigned long long)part.n, status, (unsigned long long)from,
                 (unsigned long long)n);
}

static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        int status;
        uint64_t from, n;
    } rows[] = {
        {"", 200, 0, 1000},
        {"bytes=0-499", 206, 0, 500},
        {"bytes=0-0", 206, 0, 1},
        {"Bytes=500-999", 206, 500, 500},
        {" bytes= 500-5000 ", 206, 500, 500},
        {"bytes=999-", 206, 999, 1},
        {"bytes=0-", 206, 0, 1000},
        {"bytes=-1", 206, 999, 1},
        {"bytes=-1000", 206, 0, 1000},
        {"bytes=-99999999999999999999999", 206, 0, 1000},
        {"bytes=0-99999999999999999999999", 206, 0, 1000},
        {"bytes=000-0001", 206, 0, 2},
        /* there are no such bytes */
        {"bytes=1000-", 416, 0, 1000},
        {"bytes=1000-1000", 416, 0, 1000},
        {"bytes=99999999999999999999999-", 416, 0, 1000},
        {"bytes=-0", 416, 0, 1000},
        /* no range of bytes: passed over */
        {"bytes=5-4", 200, 0, 1000},
        {"bytes=", 200, 0, 1000},
        {"bytes=-", 200, 0, 1000},
        {"bytes=5", 200, 0, 1000},
        {"bytes=a-b", 200, 0, 1000},
        {"bytes=1-b", 200, 0, 1000},
        {"bytes=+1-2", 200, 0, 1000},
        {"bytes=--1", 200, 0, 1000},
        {"bytes 0-1", 200, 0, 1000},
        {"seconds=0-1", 200, 0, 1000},
        {"bytes=0-1,5-6", 200, 0, 1000},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        check((struct http_range_ask){.range = str_from(rows[i].range)}, 1000,
              rows[i].status, rows[i].from, rows[i].n);
    check((struct http_range_ask){.range = STR("bytes=0-")}, 0, 416, 0, 0);
    check((struct http_range_ask){.range = STR("bytes=-5")}, 0, 416, 0, 0);
}

static void conditions(void **state)
{
    (void)state;
    struct http_range_ask q = {.range = STR("bytes=1-2"), .if_range = STR(TAG)};
    check(q, 9, 206, 1, 2);
    q.if_range = STR("W/" TAG); /* only a strong one will do */
    check(q, 9, 200, 0, 9);
    q.if_range = STR("\"other\"");
    check(q, 9, 200, 0, 9);
    q.if_range = STR("Sat, 29 Oct 1994 19:43:31 GMT");
    check(q, 9, 200, 0, 9);
    q.if_range = (struct str){0};
    q.if_none_match = STR("\"x\", W/" TAG);
    check(q, 9, 304, 0, 9);
    q.if_none_match = STR("*");
    check(q, 9, 304, 0, 9);
    q.if_none_match = STR("\"x\"");
    check(q, 9, 206, 1, 2);
    q.if_match = STR("\"x\" , " TAG);
    check(q, 9, 206, 1, 2);
    q.if_match = STR("*");
    check(q, 9, 206, 1, 2);
    q.if_match = STR("W/" TAG);
    q.if_none_match = STR(TAG); /* what must match is looked at first */
    check(q, 9, 412, 0, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
