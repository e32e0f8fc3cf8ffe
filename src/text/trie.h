/*
 * text/trie.h - a set of words that is walked one character at a time
 *
 * Each word carries a number. A word of a text is looked up by walking from a
 * node over its code points, so that all words that begin at one place are
 * found in one walk. The edges are one hash table (Knuth, The Art of Computer
 * Programming 3, 6.4, linear probing), which needs no sorted input.
 *
 * Threads: any number may walk a trie that nobody adds to.
 */
#ifndef OTK_TEXT_TRIE_H
#define OTK_TEXT_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define TRIE_NONE  UINT32_MAX          /* no word ends here, no such node */
#define TRIE_NODES ((uint32_t)1 << 24) /* the most nodes of one trie */

enum { TRIE_ROOT = 0 };

struct trie_edge {
    uint32_t node; /* TRIE_NONE: the slot is free */
    uint32_t cp;
    uint32_t child;
};

struct trie {
    struct trie_edge *edges;
    unsigned shift;   /* 64 - log2 of the slots */
    uint32_t *values; /* of each node; TRIE_NONE where no word ends */
    uint32_t n_nodes;
    size_t cap; /* of `values` */
};

void trie_init(struct trie *t);
void trie_deinit(struct trie *t);

/*
 * The value slot of `word` (valid UTF-8), made with TRIE_NONE when absent;
 * NULL: the trie is full. Valid until the next trie_add().
 */
uint32_t *trie_add(struct trie *t, struct str word);

/* The value of `word`, or TRIE_NONE. */
uint32_t trie_find(const struct trie *t, struct str word);

static inline uint32_t trie_slot(const struct trie *t, uint32_t node,
                                 uint32_t cp)
{
    /* Fibonacci hashing of the pair */
    uint64_t key = ((uint64_t)node << 21 | cp) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(key >> t->shift);
}

/* The child of `node` by `cp`, or TRIE_NONE. */
static inline uint32_t trie_step(const struct trie *t, uint32_t node,
                                 uint32_t cp)
{
    uint32_t mask = (uint32_t)(UINT64_MAX >> t->shift);
    uint32_t i = trie_slot(t, node, cp);
    for (;; i = (i + 1) & mask) {
        const struct trie_edge *e = &t->edges[i];
        if (e->node == node && e->cp == cp)
            return e->child;
        if (e->node == TRIE_NONE)
            return TRIE_NONE;
    }
}

#endif
