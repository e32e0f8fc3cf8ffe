/* SPDX-License-Identifier: Apache-2.0 */
#include "text/language.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/unicode.h"
#include "text/words.h"

/*
 * Looked at: this many bytes. Letters of the alphabet tell most languages
 * from the desk's; for those that share its letters, short frequent words do.
 */
enum { LOOK_BYTES = 2000, WORD_BYTES = 24 };

/* Sorted; none of them is frequent in the other languages listed. */
static const char *const english[] = {
    "a",      "an",   "and",  "are",  "be",   "but",     "can",
    "can't",  "do",   "does", "for",  "from", "get",     "have",
    "hello",  "help", "how",  "i",    "i'm",  "is",      "it",
    "my",     "need", "not",  "of",   "on",   "or",      "our",
    "please", "that", "the",  "this", "to",   "was",     "we",
    "what",   "when", "why",  "with", "work", "working", "you"};
static const char *const russian[] = {
    "бы",   "был",    "была",  "было", "в",     "все",    "для", "до",
    "его",  "если",   "еще",   "и",    "из",    "или",    "как", "когда",
    "меня", "мне",    "можно", "мы",   "не",    "нет",    "но",  "нужно",
    "он",   "она",    "от",    "по",   "после", "почему", "при", "с",
    "так",  "только", "у",     "уже",  "что",   "чтобы",  "это", "я"};
static const char *const other_latin[] = {
    "aber", "al",   "auf",   "avec", "bir",   "che", "como", "con",
    "da",   "das",  "de",    "del",  "der",   "des", "di",   "die",
    "dla",  "do",   "du",    "ein",  "el",    "en",  "es",   "est",
    "et",   "foi",  "han",   "het",  "hilfe", "ich", "il",   "impresora",
    "ist",  "je",   "jest",  "kann", "la",    "las", "le",   "les",
    "los",  "ma",   "mein",  "mi",   "mit",   "mon", "na",   "ne",
    "nem",  "nie",  "nicht", "no",   "non",   "nu",  "och",  "os",
    "para", "pas",  "por",   "pour", "puedo", "que", "se",   "si",
    "sie",  "sono", "un",    "una",  "und",   "une", "van",  "ve",
    "w",    "wie",  "yo",    "z",    "zu"};
static const char *const other_cyrillic[] = {
    "але", "ви", "да", "дуже", "за", "и",  "е",    "жоқ", "ми", "моля", "на",
    "не",  "се", "си", "съм",  "та", "то", "това", "ще",  "як", "що",   "это"};

static bool in(const char *const *list, size_t n, struct str w)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(w, list[i]))
            return true;
    }
    return false;
}

#define IN(list, w) in(list, sizeof(list) / sizeof((list)[0]), w)

struct counts {
    int cyrillic, latin, other_letters;
    int foreign_cyrillic; /* letters that Russian does not have */
    int russian_only;     /* letters that its neighbours do not have: ы э */
    int accented;         /* Latin letters that English does not have */
    int words, english, russian, other_latin, other_cyrillic;
};

static void count_letter(struct counts *c, uint32_t cp)
{
    if (cp_is_cyrillic(cp)) {
        c->cyrillic++;
        bool shared =
            (cp >= 0x410 && cp <= 0x44f) || cp == 0x401 || cp == 0x451;
        c->foreign_cyrillic += !shared;
        c->russian_only += cp == 0x44b || cp == 0x42b || cp == 0x44d ||
                           cp == 0x42d || cp == 0x451 || cp == 0x401;
    } else if (cp_is_latin(cp)) {
        c->latin++;
        c->accented += cp >= 0x80;
    } else if (cp_is_letter(cp)) {
        c->other_letters++;
    }
}

static void count_words(struct counts *c, struct str text)
{
    size_t at = 0;
    struct word w;
    while (word_next(text, &at, &w)) {
        c->words++;
        if (w.text.n > WORD_BYTES)
            continue;
        char low[WORD_BYTES];
        memcpy(low, w.text.p, w.text.n);
        for (size_t i = 0; i < w.text.n; i++) {
            unsigned char b = (unsigned char)low[i];
            if (b >= 'A' && b <= 'Z')
                low[i] = (char)(b + 0x20);
        }
        struct str s = {.p = low, .n = w.text.n};
        c->english += IN(english, s);
        c->russian += IN(russian, s);
        c->other_latin += IN(other_latin, s);
        c->other_cyrillic += IN(other_cyrillic, s);
    }
}

static struct language_guess guess_cyrillic(const struct counts *c)
{
    bool foreign = c->foreign_cyrillic * 40 >= c->cyrillic &&
                   c->foreign_cyrillic > c->russian_only;
    if (foreign)
        return (struct language_guess){LANGUAGE_OTHER, 0.9};
    bool no_russian = c->russian_only == 0 && c->cyrillic > 40;
    if (no_russian && c->other_cyrillic > c->russian)
        return (struct language_guess){LANGUAGE_OTHER, 0.7};
    double sure =
        0.7 + 0.03 * (c->russian + c->russian_only) + 0.005 * c->cyrillic;
    return (struct language_guess){LANGUAGE_RU, sure > 0.99 ? 0.99 : sure};
}

static struct language_guess guess_latin(const struct counts *c)
{
    bool foreign = c->other_latin > c->english ||
                   (c->accented * 25 > c->latin && c->english == 0);
    if (foreign)
        return (struct language_guess){LANGUAGE_OTHER,
                                       c->other_latin > 1 ? 0.9 : 0.6};
    double sure = 0.55 + 0.1 * (c->english - c->other_latin);
    return (struct language_guess){LANGUAGE_EN, sure > 0.99 ? 0.99 : sure};
}

struct language_guess language_detect(struct str text)
{
    text = utf8_cut(text, LOOK_BYTES);
    struct counts c = {0};
    for (size_t i = 0; i < text.n;) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(text, i, UTF8_MAX), &cp);
        if (len)
            count_letter(&c, cp);
        i += len ? len : 1;
    }
    int letters = c.cyrillic + c.latin + c.other_letters;
    if (letters < 2)
        return (struct language_guess){LANGUAGE_UNKNOWN, 0};
    if (c.other_letters * 2 > letters)
        return (struct language_guess){LANGUAGE_OTHER, 0.9};
    count_words(&c, text);
    /* Russian texts are full of Latin names of programs, not the reverse */
    if (c.cyrillic * 3 >= c.latin)
        return guess_cyrillic(&c);
    return guess_latin(&c);
}

static const char *const codes[] = {"und", "ru", "en", "other"};

const char *language_code(enum language l)
{
    return codes[l];
}

enum language language_parse(struct str code)
{
    for (int i = LANGUAGE_RU; i <= LANGUAGE_OTHER; i++) {
        if (str_is(code, codes[i]))
            return (enum language)i;
    }
    return LANGUAGE_UNKNOWN;
}
