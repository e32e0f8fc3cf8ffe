/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

struct str str_from(const char *s)
{
    return (struct str){.p = s, .n = s ? strlen(s) : 0};
}

struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from > s.n)
        from = s.n;
    if (n > s.n - from)
        n = s.n - from;
    return (struct str){.p = s.p ? s.p + from : NULL, .n = n};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *b)
{
    return str_eq(a, str_from(b));
}

bool str_starts(struct str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

bool str_ends(struct str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.n >= n && (n == 0 || memcmp(s.p + s.n - n, suffix, n) == 0);
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c)
        return c;
    return (a.n > b.n) - (a.n < b.n);
}

size_t str_find(struct str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

bool str_next(struct str *rest, char sep, struct str *ret)
{
    if (!rest->p)
        return false;
    size_t at = str_find(*rest, sep);
    *ret = str_sub(*rest, 0, at);
    if (at == rest->n)
        *rest = (struct str){0};
    else
        *rest = str_sub(*rest, at + 1, rest->n);
    return true;
}

char *str_copy(struct str s)
{
    return mem_copy(s.p, s.n);
}

enum { NUMBER_MAX = 63 };

/* strto*() need a NUL and skip white space; a number here has neither. */
static bool number_text(struct str s, char ret[NUMBER_MAX + 1])
{
    if (s.n == 0 || s.n > NUMBER_MAX || is_space(s.p[0]))
        return false;
    memcpy(ret, s.p, s.n);
    ret[s.n] = '\0';
    return true;
}

int str_to_int(struct str s, int64_t *ret)
{
    char text[NUMBER_MAX + 1];
    if (!number_text(s, text))
        return OTK_EFORMAT;
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || end != text + s.n)
        return OTK_EFORMAT;
    *ret = v;
    return OTK_OK;
}

int str_to_real(struct str s, double *ret)
{
    char text[NUMBER_MAX + 1];
    if (!number_text(s, text))
        return OTK_EFORMAT;
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (errno || end != text + s.n || !isfinite(v))
        return OTK_EFORMAT;
    *ret = v;
    return OTK_OK;
}

uint64_t str_hash(struct str s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.n; i++) {
        h ^= (unsigned char)s.p[i];
        h *= 0x100000001b3u;
    }
    /* FNV's low bits are weak for short keys; one round of mixing helps */
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    return h;
}
