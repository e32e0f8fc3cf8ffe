/*
 * text/features.h - a text as a row of features: stems, pairs, n-grams
 *
 * Stems and pairs of neighbouring stems; character 3- to 5-grams inside words
 * (with a space at each end, as scikit-learn's char_wb). A feature is known by
 * a 64-bit hash of itself; strings are not kept.
 */
#ifndef OTK_TEXT_FEATURES_H
#define OTK_TEXT_FEATURES_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum feature_kind { FEATURE_WORD, FEATURE_PAIR, FEATURE_CHARS };

enum {
    FEATURES_MAX = 65536,      /* of one text; what comes later is left out */
    FEATURES_TEXT = 64 * 1024, /* bytes of a text that are looked at */
};

/* `at` and `len` say where it stands in the folded text. */
struct raw_feature {
    uint64_t hash;
    uint32_t at;
    uint16_t len;
    uint8_t kind;
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

#endif
