/* SPDX-License-Identifier: Apache-2.0 */
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"

enum {
    YO = 0x0451, /* ё */
    YE = 0x0435, /* е */
};

bool cp_is_cyrillic(uint32_t cp)
{
    return cp >= 0x0400 && cp <= 0x052f;
}

bool cp_is_latin(uint32_t cp)
{
    uint32_t low = cp | 0x20;
    if (cp < 0x80)
        return low >= 'a' && low <= 'z';
    return cp >= 0xc0 && cp <= 0x24f && cp != 0xd7 && cp != 0xf7;
}

bool cp_is_letter(uint32_t cp)
{
    if (cp < 0x80)
        return cp_is_latin(cp);
    if (cp >= 0x0400 && cp <= 0x0481)
        return true;
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool cp_is_capital(uint32_t cp)
{
    return utf8proc_tolower((utf8proc_int32_t)cp) != (utf8proc_int32_t)cp;
}

bool cp_is_digit(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= '0' && cp <= '9';
    return utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_ND;
}

/* ---- folding
 * -------------------------------------------------------------------- */

/* Growing output with the white-space rule in one place. */
struct out {
    char *p;
    size_t n;
    bool space; /* one is owed before the next character */
};

static void put(struct out *o, uint32_t cp)
{
    if (o->space && o->n)
        o->p[o->n++] = ' ';
    o->space = false;
    o->n += utf8_encode(cp, o->p + o->n);
}

static bool is_space(uint32_t cp)
{
    return cp <= 0x20 || (cp >= 0x7f && cp <= 0xa0) || cp == 0x2028 ||
           cp == 0x2029 || cp == 0x3000 || (cp >= 0x2000 && cp <= 0x200b) ||
           cp == 0xfeff;
}

/* Marks that folding leaves alone and that people's texts are full of. */
static bool is_plain_mark(uint32_t cp)
{
    return cp == 0xab || cp == 0xbb || (cp >= 0x2012 && cp <= 0x2015) ||
           (cp >= 0x2018 && cp <= 0x201f);
}

/*
 * ASCII, Russian letters and common marks fold by arithmetic; anything else
 * makes it give up, and the whole text goes through utf8proc.
 */
static bool fold_fast(struct str s, struct out *o)
{
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        uint32_t cp = c;
        size_t len = 1;
        if (c >= 0x80) {
            len = utf8_decode(str_sub(s, i, UTF8_MAX), &cp);
            if (len == 0)
                return false;
        }
        i += len;
        if (is_space(cp)) {
            o->space = true;
            continue;
        }
        if (cp >= 'A' && cp <= 'Z')
            cp += 0x20;
        else if (cp >= 0x410 && cp <= 0x42f)
            cp += 0x20;
        else if (cp >= 0x400 && cp <= 0x40f)
            cp += 0x50;
        else if (cp >= 0x80 && !(cp >= 0x430 && cp <= 0x45f) &&
                 !is_plain_mark(cp))
            return false;
        put(o, cp == YO ? YE : cp);
    }
    return true;
}

/* Valid UTF-8 of any bytes. */
static struct str repaired(struct arena *a, struct str s)
{
    if (utf8_check(s) == s.n)
        return s;
    struct out o = {.p = arena_alloc(a, 3 * s.n + 1, 1)};
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(s, i, UTF8_MAX), &cp);
        o.n += utf8_encode(len ? cp : 0xfffd, o.p + o.n);
        i += len ? len : 1;
    }
    return (struct str){.p = o.p, .n = o.n};
}

struct str text_lower(struct arena *a, struct str s)
{
    s = repaired(a, s);
    /* a small letter may take a byte more than its capital: U+023A */
    char *p = arena_alloc(a, s.n + s.n / 2 + UTF8_MAX, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        i += utf8_decode(str_sub(s, i, UTF8_MAX), &cp);
        cp = (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
        n += utf8_encode(cp, p + n);
    }
    return (struct str){.p = p, .n = n};
}

static struct str fold_slow(struct arena *a, struct str s)
{
    s = repaired(a, s);
    utf8proc_uint8_t *mapped = NULL;
    utf8proc_ssize_t n = utf8proc_map(
        (const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &mapped,
        UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD);
    if (n < 0) /* out of memory, or longer than its own limit */
        return s;
    struct str m = {.p = (const char *)mapped, .n = (size_t)n};
    struct out o = {.p = arena_alloc(a, m.n + 1, 1)};
    for (size_t i = 0; i < m.n;) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(m, i, UTF8_MAX), &cp);
        i += len;
        if (is_space(cp))
            o.space = true;
        else
            put(&o, cp == YO ? YE : cp);
    }
    free(mapped);
    return (struct str){.p = o.p, .n = o.n};
}

struct str text_fold(struct arena *a, struct str s)
{
    struct out o = {.p = arena_alloc(a, s.n + 1, 1)};
    if (fold_fast(s, &o))
        return (struct str){.p = o.p, .n = o.n};
    return fold_slow(a, s);
}

struct str text_fingerprint(struct arena *a, struct str s)
{
    struct str folded = text_fold(a, s);
    struct out o = {.p = arena_alloc(a, folded.n + 1, 1)};
    for (size_t i = 0; i < folded.n;) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(folded, i, UTF8_MAX), &cp);
        i += len;
        if (cp_is_letter(cp) || cp_is_digit(cp))
            put(&o, cp);
        else
            o.space = true;
    }
    if (o.n == 0) /* nothing but marks: "???" is not "!!!" */
        return folded;
    return (struct str){.p = o.p, .n = o.n};
}

/* ---- checking
 * --------------------------------------------------------------------- */

int text_check(struct str s, const char *field, size_t min, size_t max,
               struct err *e)
{
    size_t seen = 0;
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(s, i, UTF8_MAX), &cp);
        if (len == 0)
            return err_field(e, OTK_EFORMAT, field,
                             "not UTF-8 at byte %zu; send UTF-8", i);
        bool line = cp == '\t' || cp == '\n' || cp == '\r';
        if ((cp < 0x20 && !line) || cp == 0x7f)
            return err_field(e, OTK_EFORMAT, field,
                             "control character U+%04X at byte %zu", cp, i);
        seen += !is_space(cp);
        n++;
        i += len;
    }
    if (n > max)
        return err_field(e, OTK_ELIMIT, field,
                         "%zu characters long, the limit is %zu", n, max);
    if (seen < min)
        return err_field(e, OTK_EFORMAT, field, "must not be empty");
    return OTK_OK;
}
