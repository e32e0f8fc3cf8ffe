/*
 * triage/features.h - a text as a sparse vector
 *
 * Two blocks: stems and pairs of stems; character 3- to 5-grams inside words
 * (with a space at each end, as scikit-learn's char_wb). Weights are
 * (1 + ln tf) * idf, each block scaled to length 1 (Salton & Buckley 1988).
 * A feature is known by a 64-bit hash of itself; strings are not kept.
 */
#ifndef OTK_TRIAGE_FEATURES_H
#define OTK_TRIAGE_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { BLOCK_WORDS, BLOCK_CHARS, BLOCKS };

/* A feature of one text; `at` and `len` say where it stands in the folded
 * text, for explanations. */
struct raw_feature {
    uint64_t hash;
    uint32_t at;
    uint16_t len;
    uint8_t block;
};

struct feature {
    uint32_t id;
    float value;
};

/* Memory of one thread for cutting texts into features. */
struct cutter;
struct cutter *cutter_new(void);
void cutter_free(struct cutter *c); /* NULL is fine */

/*
 * All features of a text, in order of occurrence, repeated ones too; valid
 * until the next call, as is cutter_folded(), which `at` points into.
 */
size_t cutter_cut(struct cutter *c, struct str text,
                  const struct raw_feature **ret);
struct str cutter_folded(const struct cutter *c);

/* ---- the dictionary: which features a model knows, and their idf
 * --------------- */

struct dictionary {
    uint32_t n;            /* features; ids are 0 … n-1 */
    uint32_t slots;        /* a power of two, > n */
    const uint32_t *table; /* slots × {check, id + 1}; id + 1 = 0: free */
    const float *idf;      /* n */
};

/* UINT32_MAX: unknown. */
uint32_t dictionary_find(const struct dictionary *d, uint64_t hash);

/*
 * The vector of a text: at most `max` features into `ret`, each once. Returns
 * how many. *ret_known is the share of the text's features that the
 * dictionary has, 0-1.
 */
size_t features_of(const struct dictionary *d, struct cutter *c,
                   struct str text, struct feature *ret, size_t max,
                   float *ret_known);

/* How many features a text can have at most: room for features_of(). */
size_t cutter_max(void);

#endif
