/*
 * text/language.h - which language is this?
 *
 * Letters decide the script; for each script the frequent short words and
 * letter pairs decide the language. Made for the desk's languages: Russian
 * and English are told from everything else.
 */
#ifndef OTK_TEXT_LANGUAGE_H
#define OTK_TEXT_LANGUAGE_H

#include "base/str.h"

enum language {
    LANGUAGE_UNKNOWN, /* too short, numbers, emoji only */
    LANGUAGE_RU,
    LANGUAGE_EN,
    LANGUAGE_OTHER, /* a language, but neither of these */
};

struct language_guess {
    enum language language;
    double confidence; /* 0-1 */
};

struct language_guess language_detect(struct str text);

const char *language_code(enum language l); /* "und" "ru" "en" "other" */
enum language language_parse(struct str code);

#endif
