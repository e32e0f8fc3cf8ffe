/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a tokenizer.json: an error, or a tokenizer whose ids are
 * below its size. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tokenizer *t = NULL;
    struct err e = {0};
    struct tokens tokens;
    int rc = tokenizer_parse((struct str){(const char *)data, size}, &t, &e);
    if (rc) {
        if (t || e.msg[0] == '\0' || e.code != rc)
            abort();
        return 0;
    }
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    rc = tokenizer_encode(t, s, STR("Не ABBA <s> е\u0308лки low abc 中"), 0,
                          &tokens, &e);
    for (size_t i = 0; rc == 0 && i < tokens.n; i++) {
        if (tokens.ids[i] >= tokenizer_size(t))
            abort();
    }
    tokenizer_scratch_free(s);
    tokenizer_free(t);
    return 0;
}
