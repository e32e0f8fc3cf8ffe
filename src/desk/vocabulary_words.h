/* desk/vocabulary_words.h - which words of a text look like names; for
 * vocabulary.c */
#ifndef OTK_DESK_VOCABULARY_WORDS_H
#define OTK_DESK_VOCABULARY_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum vocabulary_case {
    CASE_SMALL, /* no capital in it */
    CASE_FIRST, /* one, which its place in the sentence gives it */
    CASE_NAME,  /* one that is its own */
};

struct vocabulary_word {
    struct str text; /* a view into the text */
    enum vocabulary_case kind;
    bool is_foreign; /* Latin in a Russian text, or letters with digits */
};

struct vocabulary_words {
    struct str text;
    bool is_russian;
    size_t at;   /* where to go on */
    size_t last; /* the end of the word before; 0: there was none */
};

/* The next one; false: there is none. Numbers, single letters, very long words
 * and parts of addresses and paths are passed over. */
bool vocabulary_word_next(struct vocabulary_words *x,
                          struct vocabulary_word *ret);

#endif
