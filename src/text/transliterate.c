/* SPDX-License-Identifier: Apache-2.0 */
#include "text/transliterate.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "text/unicode.h"

enum { WORD_MAX = 256 };

struct pair {
    const char *from, *to;
};

static const struct pair latin_of[] = {
    {"а", "a"},  {"б", "b"},  {"в", "v"}, {"г", "g"}, {"д", "d"}, {"е", "e"},
    {"ж", "zh"}, {"з", "z"},  {"и", "i"}, {"й", "i"}, {"к", "k"}, {"л", "l"},
    {"м", "m"},  {"н", "n"},  {"о", "o"}, {"п", "p"}, {"р", "r"}, {"с", "s"},
    {"т", "t"},  {"у", "u"},  {"ф", "f"}, {"х", "h"}, {"ц", "c"}, {"ч", "ch"},
    {"ш", "sh"}, {"щ", "sh"}, {"ъ", ""},  {"ы", "y"}, {"ь", ""},  {"э", "e"},
    {"ю", "u"},  {"я", "ya"},
};

/* longer ones first */
static const struct pair cyrillic_of[] = {
    {"shch", "щ"}, {"sch", "щ"}, {"sh", "ш"}, {"ch", "ч"}, {"zh", "ж"},
    {"ya", "я"},   {"yu", "ю"},  {"ts", "ц"}, {"kh", "х"}, {"ck", "к"},
    {"ph", "ф"},   {"th", "т"},  {"a", "а"},  {"b", "б"},  {"c", "к"},
    {"d", "д"},    {"e", "е"},   {"f", "ф"},  {"g", "г"},  {"h", "х"},
    {"i", "и"},    {"j", "дж"},  {"k", "к"},  {"l", "л"},  {"m", "м"},
    {"n", "н"},    {"o", "о"},   {"p", "п"},  {"q", "к"},  {"r", "р"},
    {"s", "с"},    {"t", "т"},   {"u", "у"},  {"v", "в"},  {"w", "в"},
    {"x", "кс"},   {"y", "й"},   {"z", "з"},
};

static bool is_all(struct str word, bool (*kind)(uint32_t))
{
    while (word.n) {
        uint32_t cp;
        size_t n = utf8_decode(word, &cp);
        if (n == 0 || !kind(cp))
            return false;
        word = str_sub(word, n, word.n);
    }
    return true;
}

struct str transliterate(struct arena *a, struct str word)
{
    bool cyrillic = is_all(word, cp_is_cyrillic);
    const struct pair *pairs = cyrillic ? latin_of : cyrillic_of;
    size_t n = cyrillic ? sizeof(latin_of) / sizeof(latin_of[0])
                        : sizeof(cyrillic_of) / sizeof(cyrillic_of[0]);
    struct buf b = BUF_INIT(2 * WORD_MAX);
    if (word.n > WORD_MAX || (!cyrillic && !is_all(word, cp_is_latin)))
        return STR("");
    while (word.n) {
        size_t i = 0;
        while (i < n && !str_starts(word, pairs[i].from))
            i++;
        if (i == n) { /* a letter of another language */
            buf_free(&b);
            return STR("");
        }
        buf_puts(&b, pairs[i].to);
        word = str_sub(word, strlen(pairs[i].from), word.n);
    }
    struct str kept = arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}
