/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/time_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "desk/time_rule.h"

enum {
    FILE_MAX = 1 << 20,
    TRANSITIONS_MAX = 10000,
    HEADER = 44,
    DAY_S = 86400,
};

struct time_zone {
    size_t n;      /* transitions */
    int64_t *when; /* seconds, rising */
    int *offset;   /* from then on */
    int first;     /* before the first, and when there is none */
    bool has_rule; /* … which holds after the last */
    struct time_rule rule;
};

void time_zone_free(struct time_zone *z)
{
    if (!z)
        return;
    free(z->when);
    free(z->offset);
    free(z);
}

static uint64_t big_endian(const char *p, int bytes)
{
    uint64_t x = 0;
    for (int i = 0; i < bytes; i++)
        x = x << 8 | (unsigned char)p[i];
    return x;
}

struct counts {
    size_t isut, isstd, leap, time, type, chars;
};

static bool read_header(struct str b, struct counts *ret)
{
    if (b.n < HEADER || memcmp(b.p, "TZif", 4) != 0)
        return false;
    size_t *at[] = {&ret->isut, &ret->isstd, &ret->leap,
                    &ret->time, &ret->type,  &ret->chars};
    for (int i = 0; i < 6; i++) {
        *at[i] = (size_t)big_endian(b.p + 20 + 4 * i, 4);
        if (*at[i] > TRANSITIONS_MAX)
            return false;
    }
    return true;
}

static size_t body_bytes(const struct counts *c, size_t wide)
{
    return c->time * (wide + 1) + c->type * 6 + c->chars +
           c->leap * (wide + 4) + c->isstd + c->isut;
}

static int bad(struct err *e)
{
    return err_set(e, OTK_EFORMAT, "not a file of the tz database");
}

static bool is_offset(int s)
{
    return s > -DAY_S && s < DAY_S;
}

/* The line after the tables; an empty one: nothing is known to follow. */
static int read_rule(struct str rest, struct time_zone *z)
{
    struct str line = str_sub(rest, 1, rest.n);
    size_t end = str_find(line, '\n');
    if (rest.n == 0 || rest.p[0] != '\n' || end == line.n)
        return OTK_EFORMAT;
    line = str_sub(line, 0, end);
    z->has_rule = line.n > 0;
    return z->has_rule ? time_rule_parse(line, &z->rule) : OTK_OK;
}

/* The second, 64-bit part of the file; the first is for older readers. */
int time_zone_parse(struct str b, struct time_zone **ret, struct err *e)
{
    struct counts c;
    if (!read_header(b, &c) || b.p[4] < '2')
        return bad(e);
    size_t skip = HEADER + body_bytes(&c, 4);
    if (skip > b.n)
        return bad(e);
    b = str_sub(b, skip, b.n);
    if (!read_header(b, &c) || b.n < HEADER + body_bytes(&c, 8) || c.type == 0)
        return bad(e);
    const char *times = b.p + HEADER;
    const char *indexes = times + 8 * c.time;
    const char *types = indexes + c.time;
    struct time_zone *z = MEM_NEW(struct time_zone);
    z->when = mem_new(c.time + 1, sizeof(*z->when));
    z->offset = mem_new(c.time + 1, sizeof(*z->offset));
    z->n = c.time;
    z->first = (int)(int32_t)big_endian(types, 4);
    bool ok = is_offset(z->first) &&
              read_rule(str_sub(b, HEADER + body_bytes(&c, 8), b.n), z) == 0;
    for (size_t i = 0; i < c.time; i++) {
        size_t type = (unsigned char)indexes[i];
        z->when[i] = (int64_t)big_endian(times + 8 * i, 8);
        z->offset[i] = type < c.type
                           ? (int)(int32_t)big_endian(types + 6 * type, 4)
                           : DAY_S;
        ok = ok && is_offset(z->offset[i]) &&
             (i == 0 || z->when[i] >= z->when[i - 1]);
    }
    if (!ok) {
        time_zone_free(z);
        return bad(e);
    }
    *ret = z;
    return OTK_OK;
}

/* "UTC+03:00": sign, hours, optional minutes. */
static int parse_offset(struct str s, int *ret)
{
    int64_t h = 0;
    int64_t m = 0;
    if (s.n == 0) {
        *ret = 0;
        return OTK_OK;
    }
    int sign = s.p[0] == '-' ? -1 : 1;
    if (s.p[0] != '+' && s.p[0] != '-')
        return OTK_EFORMAT;
    s = str_sub(s, 1, s.n);
    size_t colon = str_find(s, ':');
    if (str_to_int(str_sub(s, 0, colon), &h) || h < 0 || h > 14 ||
        (colon < s.n &&
         (str_to_int(str_sub(s, colon + 1, s.n), &m) || m < 0 || m > 59)))
        return OTK_EFORMAT;
    *ret = sign * (int)(h * 3600 + m * 60);
    return OTK_OK;
}

/* Letters, digits, _ + - and single slashes: a path that stays in its tree. */
static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' ||
                  (c == '/' && i);
        if (!ok)
            return false;
    }
    return s.n > 0 && s.n < 64;
}

int time_zone_new(struct str name, struct time_zone **ret, struct err *e)
{
    int offset;
    if (str_starts(name, "UTC")) {
        if (parse_offset(str_sub(name, 3, name.n), &offset))
            return err_field(e, OTK_EFORMAT, "time_zone",
                             "'" STR_FMT "' is not UTC+HH:MM", STR_ARG(name));
        *ret = MEM_NEW(struct time_zone);
        (*ret)->first = offset;
        return OTK_OK;
    }
    char path[128];
    struct buf bytes = BUF_INIT(FILE_MAX);
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/" STR_FMT,
                   STR_ARG(name));
    if (!is_name(name) || !file_exists(path))
        return err_field(e, OTK_ENOENT, "time_zone",
                         "no time zone '" STR_FMT "' here; install tzdata or "
                         "write UTC+HH:MM",
                         STR_ARG(name));
    int r = file_read(path, &bytes, e);
    if (!r)
        r = time_zone_parse(buf_str(&bytes), ret, e);
    buf_free(&bytes);
    return r;
}

int time_zone_offset(const struct time_zone *z, int64_t at_s)
{
    size_t low = 0;
    size_t high = z->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (z->when[mid] <= at_s)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == z->n && z->has_rule)
        return time_rule_offset(&z->rule, at_s);
    return low ? z->offset[low - 1] : z->first;
}
