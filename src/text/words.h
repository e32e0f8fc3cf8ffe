/*
 * text/words.h - cutting text into words
 *
 * A word is a run of letters, digits and combining marks; inside one, a
 * single - ' . @ _ between two such characters keeps it together when both
 * sides are digits or Latin letters ("wi-fi", "10.0.0.1", "a@b.ru"), so that
 * "по-русски" is two words and "don't" is one.
 */
#ifndef OTK_TEXT_WORDS_H
#define OTK_TEXT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct word {
    struct str text; /* a view into the text */
    size_t at;       /* byte offset */
};

/* The next word of `s` from *at on; false when there is none. */
bool word_next(struct str s, size_t *at, struct word *ret);

#endif
