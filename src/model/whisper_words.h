/*
 * model/whisper_words.h - when each word of a window was said
 *
 * Where the decoder's heads look while a token is written is compared with
 * the order of the tokens by dynamic time warping (whisper's timing.py).
 */
#ifndef OTK_MODEL_WHISPER_WORDS_H
#define OTK_MODEL_WHISPER_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct whisper;
struct whisper_memory;
struct whisper_session;

struct whisper_alignment {
    const struct whisper *w;
    struct whisper_session *s;
    struct whisper_memory *m; /* that heard the window; line 0 is overwritten */
    const uint32_t *prompt;   /* start, language, task */
    size_t n_prompt;
    const uint32_t *tokens; /* of text, without timestamps */
    size_t n;
    size_t rows; /* of the encoder that have sound, not 0 */
};

/* The row at which each token begins, and one more for the end, n + 1 in all:
 * never falling. */
int whisper_align(const struct whisper_alignment *x, size_t *ret,
                  struct err *e);

/*
 * The way of least cost through n × columns numbers, from one corner to the
 * other by steps right, down and both: the first column of each row.
 */
void whisper_warp(const float *cost, size_t n, size_t columns, size_t *ret);

#endif
