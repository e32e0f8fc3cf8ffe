/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as vocab.json or tokenizer.json, and as what is said with it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/whisper_folder.h"
#include "model/whisper_tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VOCAB = 51865, TOKENS = 64 };

static void use(const struct str *tokens, size_t n, struct str text)
{
    struct whisper_vocabulary v;
    uint32_t ids[TOKENS];
    size_t bytes = 0;
    if (whisper_vocabulary_init(&v, tokens, n, VOCAB, NULL))
        return;
    size_t made = whisper_vocabulary_encode(&v, text, ids, TOKENS);
    for (size_t i = 0; i < made; i++)
        bytes += whisper_vocabulary_bytes(&v, ids[i]).n;
    if (made > TOKENS || bytes > text.n)
        abort();
    whisper_vocabulary_deinit(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct arena *a = arena_new();
    struct str *tokens = NULL;
    size_t n = 0;
    struct err e = {0};
    int r = whisper_vocabulary_read(text, a, VOCAB, &tokens, &n, &e);
    if (r && !e.msg[0])
        abort();
    if (!r)
        use(tokens, n, text);
    arena_free(a);
    return 0;
}
