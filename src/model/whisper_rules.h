/*
 * model/whisper_rules.h - which token may come next
 *
 * The rules of whisper's decoding.py: nothing empty at the beginning, no
 * special tokens within a text, no signs that nobody says, timestamps in pairs
 * that never go back, the first one within a second, and a timestamp where
 * all of them together are likelier than any word.
 *
 * Nothing here does I/O; threads: no shared state.
 */
#ifndef OTK_MODEL_WHISPER_RULES_H
#define OTK_MODEL_WHISPER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct whisper_vocabulary;

enum { WHISPER_FORBIDDEN_MAX = 256 };

struct whisper_rules {
    const struct whisper_vocabulary *v;
    bool has_times;
    uint32_t blank;                            /* the token " " */
    uint32_t forbidden[WHISPER_FORBIDDEN_MAX]; /* signs that nobody says */
    size_t n_forbidden;
};

/* `v` is kept. */
void whisper_rules_init(struct whisper_rules *r,
                        const struct whisper_vocabulary *v, bool has_times);

/* v->all logits become chances after `n` tokens of this window; what may not
 * come has 0. */
void whisper_rules_apply(const struct whisper_rules *r, const uint32_t *tokens,
                         size_t n, float *logits);

#endif
