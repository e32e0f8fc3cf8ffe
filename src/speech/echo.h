/*
 * speech/echo.h - words of a prompt that nobody said
 *
 * A model that is told which words are likely writes them down, now and then,
 * where it hears noise: the list itself, or a part of it in its order. A word
 * or a name of the list is what people do say, and stays; so does a list among
 * other words. What goes is a piece of a transcript that consists of the list:
 * of five of its entries in a row, or of the whole of three and more, or of so
 * many words in a row as no name has. Where the model itself was not certain,
 * two entries or the whole of it are enough.
 */
#ifndef OTK_SPEECH_ECHO_H
#define OTK_SPEECH_ECHO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct echo_piece {
    struct str text;
    bool is_doubtful; /* the model was not certain, or does not say */
};

/* The pieces of one transcript, in order: a list may go over several of them.
 * ret[i]: the i-th is an echo. `prompt`: entries between commas or full stops;
 * empty: there is none. */
void echo_find(struct str prompt, const struct echo_piece *pieces, size_t n,
               bool *ret);

#endif
