/*
 * text/bert_words.h - the words that a vocabulary is learnt from
 *
 * The stations that a text passes before WordPiece (text/tokenizer.h) looks
 * for its pieces: BERT's cleaning, lower case without loss of accents (й and ё
 * stay what they are), spaces around Chinese characters, cut at white space
 * and around punctuation.
 */
#ifndef OTK_TEXT_BERT_WORDS_H
#define OTK_TEXT_BERT_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct bert_words; /* with working memory: of one thread */

struct bert_words *bert_words_new(void);
void bert_words_free(struct bert_words *w); /* NULL is fine */

/* `put` for each word, in the text's order; `n` > 0 code points. What is
 * longer than TOKENIZER_TEXT_MAX is cut there. */
void bert_words_each(struct bert_words *w, struct str text,
                     void (*put)(void *ctx, const uint32_t *cps, size_t n),
                     void *ctx);

#endif
