/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an article and as the owner's words: a prompt is never longer
 * than it may be, and ends as one does. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "desk/catalog.h"
#include "desk/vocabulary.h"
#include "knowledge/knowledge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct catalog none = {0};
    struct knowledge_article x = {
        .language = STR("ru"), .title = text, .answer = text};
    struct arena *a = arena_new();
    struct vocabulary *v = vocabulary_new(&x, 1);
    struct str s = vocabulary_prompt(v, &none, text, "ru", a);
    if (s.n > VOCABULARY_PROMPT_BYTES || (s.n && !str_ends(s, ".")))
        abort();
    vocabulary_unref(v);
    arena_free(a);
    return 0;
}
