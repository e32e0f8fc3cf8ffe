/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as Markdown: what is said has its limit. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "text/markdown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct arena *a = arena_new();
    for (size_t max = 0; max < 200; max += 50) {
        if (markdown_speech(text, max, a).n > max)
            abort();
    }
    arena_free(a);
    return 0;
}
