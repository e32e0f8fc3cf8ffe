/*
 * model/whisper_tokens.h - what the numbers of Whisper's tokens mean
 *
 * Tokens of text come first, in the order of their merging (so the number is
 * the rank by which GPT-2's byte pair encoding joins), then the special ones:
 * end, start, languages, tasks, and a timestamp each 20 ms up to 30 s.
 */
#ifndef OTK_MODEL_WHISPER_TOKENS_H
#define OTK_MODEL_WHISPER_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct buf;
struct err;
struct map;

struct whisper_vocabulary {
    const struct str *tokens; /* bytes of each token of text */
    size_t n_text; /* tokens below this one are text; the end is it */
    size_t all;
    uint32_t end, start, languages, translate, transcribe, only_lm, before,
        no_speech, no_times, times;
    size_t n_languages; /* 0: English only, without tasks */
    struct map *by_bytes;
};

enum { WHISPER_TIME_MS = 20 };

/* `tokens` is kept; OTK_EFORMAT: a size that no model has. */
int whisper_vocabulary_init(struct whisper_vocabulary *v,
                            const struct str *tokens, size_t n, size_t vocab,
                            struct err *e);
void whisper_vocabulary_deinit(struct whisper_vocabulary *v);

/* Tokens of a text, at most `most` of them, to `ret`; how many. */
size_t whisper_vocabulary_encode(const struct whisper_vocabulary *v,
                                 struct str text, uint32_t *ret, size_t most);

/* Bytes of a token; empty for the special ones. */
struct str whisper_vocabulary_bytes(const struct whisper_vocabulary *v,
                                    uint32_t token);

static inline bool whisper_is_time(const struct whisper_vocabulary *v,
                                   uint32_t token)
{
    return token >= v->times;
}

#endif
