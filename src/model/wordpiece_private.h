/* model/wordpiece_private.h - what counts words and what joins tokens share */
#ifndef OTK_MODEL_WORDPIECE_PRIVATE_H
#define OTK_MODEL_WORDPIECE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map;

enum { WORD_CHARS = 100 /* the tokenizer takes no longer word */ };

/* A word of the texts, as the tokens that it is made of by now. */
struct word_row {
    size_t at, n; /* in `row` */
    int64_t count;
};

/* Two tokens that stand side by side. */
struct pair {
    uint32_t left, right;
    int64_t count;
    uint32_t *words; /* where they may be; some are there no more */
    size_t n_words, words_cap;
    bool touched; /* waits in `touched` */
};

/* A pair and what it was worth when it was put here. */
struct candidate {
    double gain;
    uint32_t pair;
};

struct trainer {
    struct map *words;  /* text -> count */
    struct map *chars;  /* text of one -> count */
    struct map *tokens; /* text -> id */
    struct map *pairs;  /* two ids -> place in `pair` */
    int64_t *counts;    /* of tokens in the texts */
    size_t counts_cap;
    int64_t total; /* of tokens in the texts */
    struct word_row *rows;
    size_t n_rows;
    uint32_t *row;
    struct pair *pair;
    size_t n_pairs, pairs_cap;
    struct candidate *heap;
    size_t n_heap, heap_cap;
    uint32_t *touched;
    size_t n_touched, touched_cap;
};

/* The id of a token, which is made when there is none. */
uint32_t wordpiece_token(struct trainer *t, struct str text);

/* Join neighbours in the rows until there are `most` tokens. */
void wordpiece_join(struct trainer *t, size_t most);
void wordpiece_pairs_free(struct trainer *t);

#endif
