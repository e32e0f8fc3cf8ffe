/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

static bool is_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t utf8_decode(struct str s, uint32_t *ret)
{
    unsigned char c = (unsigned char)s.p[0];
    if (c < 0x80) {
        *ret = c;
        return 1;
    }
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || s.n < len)
        return 0;
    uint32_t cp = c & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (!is_tail(s.p[i]))
            return 0;
        cp = cp << 6 | ((unsigned char)s.p[i] & 0x3fu);
    }
    /* RFC 3629 section 3: the shortest form only, and no surrogates */
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return 0;
    *ret = cp;
    return len;
}

size_t utf8_encode(uint32_t cp, char p[UTF8_MAX])
{
    if (cp < 0x80) {
        p[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        p[0] = (char)(0xc0 | cp >> 6);
        p[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        p[0] = (char)(0xe0 | cp >> 12);
        p[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        p[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    p[0] = (char)(0xf0 | cp >> 18);
    p[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    p[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    p[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

size_t utf8_check(struct str s)
{
    size_t at = 0;
    while (at < s.n) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(s, at, UTF8_MAX), &cp);
        if (len == 0)
            return at;
        at += len;
    }
    return at;
}

size_t utf8_len(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += !is_tail(s.p[i]);
    return n;
}

struct str utf8_cut(struct str s, size_t n)
{
    if (s.n <= n)
        return s;
    while (n > 0 && is_tail(s.p[n]))
        n--;
    return str_sub(s, 0, n);
}
