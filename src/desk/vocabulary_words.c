/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/vocabulary_words.h"

#include <string.h>

#include "base/utf8.h"
#include "desk/vocabulary.h"
#include "text/unicode.h"
#include "text/words.h"

/* What a word is made of, in code points. */
struct makeup {
    size_t letters, capitals, latin, digits;
    bool begins_with_digit;
    bool begins_with_capital;
    bool is_joined; /* by what addresses and files have: @ . _ ' */
};

static struct makeup look(struct str word)
{
    struct makeup m = {0};
    for (size_t i = 0; i < word.n;) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(word, i, UTF8_MAX), &cp);
        bool letter = len && cp_is_letter(cp);
        m.begins_with_capital |= i == 0 && letter && cp_is_capital(cp);
        m.begins_with_digit |= i == 0 && len && cp_is_digit(cp);
        m.letters += letter;
        m.capitals += letter && cp_is_capital(cp);
        m.latin += letter && cp_is_latin(cp);
        m.digits += len && cp_is_digit(cp);
        m.is_joined |= len == 1 && strchr("@._'", (int)cp) != NULL;
        i += len ? len : 1;
    }
    return m;
}

/* An address or a path: what stands around the word up to white space. */
static bool is_in_address(struct str text, size_t at, size_t end)
{
    enum { AROUND = 100 }; /* bytes each way; longer ones are none to say */
    size_t from = at;
    while (from > 0 && at - from < AROUND &&
           (unsigned char)text.p[from - 1] > ' ')
        from--;
    size_t to = end;
    while (to < text.n && to - end < AROUND && (unsigned char)text.p[to] > ' ')
        to++;
    struct str chunk = str_sub(text, from, to - from);
    return memchr(chunk.p, '@', chunk.n) || memchr(chunk.p, '\\', chunk.n) ||
           memmem(chunk.p, chunk.n, "//", 2) ||
           memmem(chunk.p, chunk.n, "www.", 4);
}

/* Whatever is not a blank or a comma may begin a sentence, a label, a list. */
static bool is_within_sentence(const struct vocabulary_words *x, size_t at)
{
    for (size_t i = x->last; i < at; i++) {
        if (x->text.p[i] != ' ' && x->text.p[i] != ',')
            return false;
    }
    return x->last > 0;
}

static enum vocabulary_case case_of(const struct makeup *m, bool within)
{
    if (m->capitals == 0)
        return CASE_SMALL;
    bool own = m->capitals > 1 || !m->begins_with_capital;
    return own || within ? CASE_NAME : CASE_FIRST;
}

static bool is_foreign(const struct makeup *m, bool is_russian)
{
    if (m->digits && (m->begins_with_digit || !m->latin))
        return m->capitals > 0; /* 30px, 5мин are none */
    return m->digits > 0 || (is_russian && m->latin == m->letters);
}

bool vocabulary_word_next(struct vocabulary_words *x,
                          struct vocabulary_word *ret)
{
    struct word w;
    while (word_next(x->text, &x->at, &w)) {
        struct makeup m = look(w.text);
        bool within = is_within_sentence(x, w.at);
        x->last = x->at;
        if (m.letters + m.digits < 2 || m.letters == 0 || m.is_joined ||
            w.text.n > VOCABULARY_WORD_MAX ||
            is_in_address(x->text, w.at, x->at))
            continue;
        *ret = (struct vocabulary_word){
            .text = w.text,
            .kind = case_of(&m, within),
            .is_foreign = is_foreign(&m, x->is_russian),
        };
        return true;
    }
    return false;
}
