/*
 * text/stem.h - Russian and English stems (Snowball)
 *
 * The algorithm is chosen word by word from its letters: Cyrillic words are
 * stemmed as Russian, Latin ones as English, everything else stays. A word
 * with both is left alone.
 *
 * Threads: a stemmer belongs to one thread at a time.
 */
#ifndef OTK_TEXT_STEM_H
#define OTK_TEXT_STEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct stemmer;

struct stemmer *stemmer_new(void);
void stemmer_free(struct stemmer *s); /* NULL is fine */

/* The stem of a folded word; valid until the next call. */
struct str stem(struct stemmer *s, struct str word);

/* Is it one of the small words (и, не, the, of) that say little? */
bool stem_is_stopword(struct str folded_word);

/*
 * Fold `text`, cut it into words and stem them: what the full-text index
 * takes, stems separated by one space, stop words kept.
 */
struct str stems_of(struct arena *a, struct stemmer *s, struct str text);

#endif
