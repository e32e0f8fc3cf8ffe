/*
 * text/unicode.h - bringing text into one form before it is compared
 *
 * Folding is NFKC, case folding, ё → е, and every run of white space or
 * control characters to one space; the ends are trimmed. (Unicode TR15, TR21;
 * libutf8proc does the tables.)
 */
#ifndef OTK_TEXT_UNICODE_H
#define OTK_TEXT_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct buf;
struct err;

/* Folded copy of `s`; invalid UTF-8 is replaced by U+FFFD, never an error. */
struct str text_fold(struct arena *a, struct str s);

/* text_fold() without punctuation: equal for texts that say the same. */
struct str text_fingerprint(struct arena *a, struct str s);

/* `s` in small letters, one by one, and nothing else changed; invalid UTF-8 is
 * replaced as in text_fold(). */
struct str text_lower(struct arena *a, struct str s);

bool cp_is_letter(uint32_t cp);
bool cp_is_capital(uint32_t cp); /* has a small letter */
bool cp_is_digit(uint32_t cp);
bool cp_is_cyrillic(uint32_t cp);
bool cp_is_latin(uint32_t cp);

/*
 * Text that a person sent: refuse invalid UTF-8, NUL and other control bytes
 * except tab and line ends (OTK_EFORMAT), more than `max` characters
 * (OTK_ELIMIT) and, when `min` > 0, nothing but white space (OTK_EFORMAT).
 * `field` names it. Characters are code points, as in a JSON Schema's
 * maxLength.
 */
int text_check(struct str s, const char *field, size_t min, size_t max,
               struct err *e);

#endif
