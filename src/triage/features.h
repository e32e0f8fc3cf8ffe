/*
 * triage/features.h - a text as a sparse vector over a dictionary
 *
 * Two blocks, stems with their pairs and character n-grams (text/features.h).
 * Weights are (1 + ln tf) * idf, each block scaled to length 1 (Salton &
 * Buckley 1988).
 */
#ifndef OTK_TRIAGE_FEATURES_H
#define OTK_TRIAGE_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "text/features.h"

enum { BLOCK_WORDS, BLOCK_CHARS, BLOCKS };

static inline int block_of_kind(int kind)
{
    return kind == FEATURE_CHARS ? BLOCK_CHARS : BLOCK_WORDS;
}

struct feature {
    uint32_t id;
    float value;
};

/* Which features a model knows, and their idf. */
struct dictionary {
    uint32_t n;            /* features; ids are 0 … n-1 */
    uint32_t slots;        /* a power of two, > n */
    const uint32_t *table; /* slots × {check, id + 1}; id + 1 = 0: free */
    const float *idf;      /* n */
};

/* UINT32_MAX: unknown. */
uint32_t dictionary_find(const struct dictionary *d, uint64_t hash);

/* Memory of one thread for making vectors. */
struct weigher;
struct weigher *weigher_new(void);
void weigher_free(struct weigher *w); /* NULL is fine */

/*
 * The vector of a text: at most FEATURES_MAX features into `ret`, each once.
 * Those of the first block come first. Returns how many. *ret_known is the
 * share of the text's features that the dictionary has, 0-1.
 */
size_t features_of(const struct dictionary *d, struct weigher *w,
                   struct cutter *c, struct str text, struct feature *ret,
                   float *ret_known);

#endif
