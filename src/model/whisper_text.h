/* model/whisper_text.h - a window's tokens as segments with times and words */
#ifndef OTK_MODEL_WHISPER_TEXT_H
#define OTK_MODEL_WHISPER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/whisper.h"

struct arena;
struct err;
struct whisper_found;
struct whisper_memory;

/* Segments so far. */
struct whisper_texts {
    struct arena *arena;          /* of texts and words */
    struct whisper_segment *list; /* free() it */
    size_t n, cap;
};

struct whisper_window {
    const struct whisper *w;
    struct whisper_session *s;
    struct whisper_memory *m;
    const struct whisper_found *found;
    size_t from, frames; /* of 10 ms: where it begins, how many have sound */
    bool has_words;
    const uint32_t *prompt; /* for words: that the tokens came after */
    size_t n_prompt, start;
    float temperature, repetition;
};

/*
 * Cut at pairs of timestamps (whisper's transcribe.py); empty pieces are left
 * out. *ret_used: frames after which the next window begins; all of this one,
 * or up to the last pair, when something was left unsaid after it.
 */
int whisper_texts_add(struct whisper_texts *t, const struct whisper_window *x,
                      size_t *ret_used, struct err *e);

#endif
