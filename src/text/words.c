/* SPDX-License-Identifier: Apache-2.0 */
#include "text/words.h"

#include <stdint.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "text/unicode.h"

enum kind { KIND_OTHER, KIND_WORD, KIND_LATIN /* or a digit */ };

static enum kind kind_of(uint32_t cp)
{
    if (cp < 0x80) {
        bool in = (cp >= '0' && cp <= '9') || cp_is_latin(cp);
        return in ? KIND_LATIN : KIND_OTHER;
    }
    if (cp >= 0x0400 && cp <= 0x0481)
        return KIND_WORD;
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    bool in = c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NO;
    if (!in)
        return KIND_OTHER;
    return cp_is_latin(cp) ? KIND_LATIN : KIND_WORD;
}

static bool is_joiner(char c)
{
    return c == '-' || c == '\'' || c == '.' || c == '@' || c == '_';
}

/* The kind of the character at `i`, and its length. */
static enum kind look(struct str s, size_t i, size_t *ret_len)
{
    uint32_t cp;
    if (i >= s.n) {
        *ret_len = 0;
        return KIND_OTHER;
    }
    size_t len = utf8_decode(str_sub(s, i, UTF8_MAX), &cp);
    *ret_len = len ? len : 1;
    return len ? kind_of(cp) : KIND_OTHER;
}

bool word_next(struct str s, size_t *at, struct word *ret)
{
    size_t i = *at;
    size_t len;
    while (i < s.n && look(s, i, &len) == KIND_OTHER)
        i += len;
    size_t begin = i;
    enum kind last = KIND_OTHER;
    while (i < s.n) {
        enum kind k = look(s, i, &len);
        if (k == KIND_OTHER) {
            size_t next_len;
            bool joins = is_joiner(s.p[i]) && last == KIND_LATIN &&
                         look(s, i + 1, &next_len) == KIND_LATIN;
            if (!joins)
                break;
        }
        last = k;
        i += len;
    }
    *at = i;
    *ret = (struct word){.text = str_sub(s, begin, i - begin), .at = begin};
    return i > begin;
}
