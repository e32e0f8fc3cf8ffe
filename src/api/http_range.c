/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_range.h"

#include <stdbool.h>
#include <strings.h>

/* ---- tags
 * ------------------------------------------------------------------------- */

/* Is `tag` on the list, or the list "*"? A weak one, W/"x", counts where
 * `weak` does (8.8.3.2). */
static bool has_tag(struct str list, struct str tag, bool weak)
{
    struct str one;
    if (str_is(str_trim(list), "*"))
        return true;
    while (str_next(&list, ',', &one)) {
        one = str_trim(one);
        if (weak && str_starts(one, "W/"))
            one = str_sub(one, 2, one.n);
        if (str_eq(one, tag))
            return true;
    }
    return false;
}

/* ---- one range
 * -------------------------------------------------------------------- */

/* Digits alone; more than there can be is as much as there can be. */
static bool read_number(struct str s, uint64_t *ret)
{
    uint64_t x = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        x = x > (UINT64_MAX - digit) / 10 ? UINT64_MAX : x * 10 + digit;
    }
    *ret = x;
    return s.n > 0;
}

/* "from-", "from-to" or "-last" (14.1.2). 416 also where there are no bytes. */
static int read_spec(struct str spec, uint64_t size, struct http_range *ret)
{
    uint64_t from = 0;
    uint64_t to = UINT64_MAX;
    size_t dash = str_find(spec, '-');
    struct str first = str_sub(spec, 0, dash);
    struct str last = str_sub(spec, dash + 1, spec.n);
    if (dash == spec.n || (last.n && !read_number(last, &to)))
        return 200;
    if (first.n == 0) {
        if (last.n == 0)
            return 200;
        from = to < size ? size - to : 0;
        from = to ? from : size;
        to = UINT64_MAX;
    } else if (!read_number(first, &from) || from > to) {
        return 200;
    }
    if (from >= size)
        return 416;
    to = to < size ? to : size - 1;
    *ret = (struct http_range){from, to - from + 1};
    return 206;
}

static int read_range(struct str range, uint64_t size, struct http_range *ret)
{
    static const char unit[] = "bytes=";
    enum { UNIT = sizeof(unit) - 1 };
    range = str_trim(range);
    if (range.n < UNIT || strncasecmp(range.p, unit, UNIT) != 0)
        return 200;
    struct str spec = str_trim(str_sub(range, UNIT, range.n));
    bool several = str_find(spec, ',') < spec.n;
    return several ? 200 : read_spec(spec, size, ret);
}

int http_range_find(const struct http_range_ask *q, struct str tag,
                    uint64_t size, struct http_range *ret)
{
    *ret = (struct http_range){0, size};
    if (q->if_match.n && !has_tag(q->if_match, tag, false))
        return 412;
    if (q->if_none_match.n && has_tag(q->if_none_match, tag, true))
        return 304;
    /* 13.1.5: what is another file by now, or is told by a date, is sent whole
     */
    if (q->if_range.n && !str_eq(str_trim(q->if_range), tag))
        return 200;
    return read_range(q->range, size, ret);
}
