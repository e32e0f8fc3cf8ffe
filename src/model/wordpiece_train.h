/*
 * model/wordpiece_train.h - a vocabulary learnt from texts
 *
 * WordPiece (Schuster and Nakajima 2012): begin with single characters, and of
 * all two neighbours make that pair one token which raises the likelihood of
 * the texts the most, count · log(p(ab) / p(a)p(b)), until there are as many
 * tokens as wanted or no pair is worth it.
 *
 * The same texts in the same order give the same vocabulary.
 */
#ifndef OTK_MODEL_WORDPIECE_TRAIN_H
#define OTK_MODEL_WORDPIECE_TRAIN_H

#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;

enum {
    WORDPIECE_VOCAB_MAX = 200000,
    WORDPIECE_WORDS_MAX = 4000000, /* different ones */
    WORDPIECE_LETTERS_MAX = 1000,  /* the most frequent ones; a word with
                                      another is no token and no teacher */
};

/* As vocab.txt has them: [PAD] [UNK] [CLS] [SEP] [MASK], then characters, at
 * the front of words and inside ("##a"), then what was put together. */
struct wordpiece_vocabulary {
    struct str *tokens;
    size_t n;
};

/*
 * At most `most` tokens, in `a`. OTK_EINVAL: `most` does not hold the
 * characters alone, or is over the limit; OTK_EFORMAT: the texts have no
 * words; OTK_ELIMIT: they have too many.
 */
int wordpiece_train(const struct str *texts, size_t n, size_t most,
                    struct arena *a, struct wordpiece_vocabulary *ret,
                    struct err *e);

#endif
