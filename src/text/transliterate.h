/*
 * text/transliterate.h - one word in the other alphabet
 *
 * As people write product names by ear: "outlook" and "аутлук" do not meet,
 * but "vpn" and "впн", "zoom" and "зум" nearly do. Letters go by how they are
 * usually written (close to GOST 7.79 B), not by how they sound in English.
 */
#ifndef OTK_TEXT_TRANSLITERATE_H
#define OTK_TEXT_TRANSLITERATE_H

#include "base/str.h"

struct arena;

/* A folded word of Cyrillic letters in Latin ones or the other way round;
 * empty when it has both, or any other character. */
struct str transliterate(struct arena *a, struct str folded_word);

#endif
