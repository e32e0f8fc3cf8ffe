/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a text: folding twice changes nothing, words and features lie
 * inside what they were cut from. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "text/features.h"
#include "text/language.h"
#include "text/unicode.h"
#include "text/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cutter *cutter;
    struct str text = {(const char *)data, size};
    struct arena *a = arena_new();
    struct str folded = text_fold(a, text);
    if (utf8_check(folded) != folded.n)
        abort();
    (void)text_fingerprint(a, text);
    (void)language_detect(text);
    size_t at = 0;
    size_t last = 0;
    struct word w;
    while (word_next(text, &at, &w)) {
        if (w.at < last || w.at + w.text.n > text.n || w.text.n == 0)
            abort();
        last = w.at + w.text.n;
    }
    if (!cutter)
        cutter = cutter_new();
    const struct raw_feature *raw;
    size_t n = cutter_cut(cutter, text, &raw);
    for (size_t i = 0; i < n; i++) {
        if (raw[i].at + raw[i].len > cutter_folded(cutter).n)
            abort();
    }
    arena_free(a);
    return 0;
}
