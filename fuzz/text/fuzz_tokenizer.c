/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a text, the first choosing the tokenizer: ids are of the
 * vocabulary, places are inside the text and between its characters, and what
 * is cut to few tokens begins as what is not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../tests/unit/text/tokenizer_samples.h"
#include "base/mem.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SAMPLES = 3, FEW = 5, KEPT = 4 /* the last may be a closing one */ };

/* A flag for each byte where a character begins, and for the end. */
static bool *beginnings(struct str text)
{
    bool *begins = mem_new(text.n + 1, sizeof(*begins));
    for (size_t i = 0; i < text.n;) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(text, i, UTF8_MAX), &cp);
        begins[i] = true;
        i += len ? len : 1;
    }
    begins[text.n] = true;
    return begins;
}

static void check(const struct tokenizer *t, struct str text,
                  const struct tokens *tokens)
{
    bool *begins = beginnings(text);
    for (size_t i = 0; i < tokens->n; i++) {
        if (tokens->ids[i] >= tokenizer_size(t) ||
            tokens->from[i] > tokens->to[i] || tokens->to[i] > text.n ||
            !begins[tokens->from[i]] || !begins[tokens->to[i]])
            abort();
    }
    free(begins);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tokenizer *all[SAMPLES];
    static struct tokenizer_scratch *s;
    static const char *const samples[SAMPLES] = {WORDPIECE, BPE, UNIGRAM};
    if (!s)
        s = tokenizer_scratch_new();
    size_t which = size ? data[0] % SAMPLES : 0;
    if (!all[which] && sample_parse(samples[which], "", "", &all[which], NULL))
        abort();
    struct str text = {(const char *)data, size};
    text = str_sub(text, 1, size);
    struct tokens tokens;
    uint32_t first[KEPT];
    if (tokenizer_encode(all[which], s, text, FEW, &tokens, NULL))
        abort();
    check(all[which], text, &tokens);
    bool cut = tokens.truncated;
    size_t kept = tokens.n < KEPT ? tokens.n : KEPT;
    memcpy(first, tokens.ids, kept * sizeof(*first));
    if (tokenizer_encode(all[which], s, text, 0, &tokens, NULL))
        abort();
    check(all[which], text, &tokens);
    if (cut != (tokens.n > FEW) ||
        memcmp(first, tokens.ids, kept * sizeof(*first)) != 0)
        abort();
    return 0;
}
