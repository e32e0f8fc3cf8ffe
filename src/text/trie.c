/* SPDX-License-Identifier: Apache-2.0 */
#include "text/trie.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { FIRST_SHIFT = 64 - 8 };

static size_t slots_of(unsigned shift)
{
    return (size_t)1 << (64 - shift);
}

static struct trie_edge *edges_new(unsigned shift)
{
    size_t n = slots_of(shift);
    struct trie_edge *edges = mem_new(n, sizeof(*edges));
    for (size_t i = 0; i < n; i++)
        edges[i].node = TRIE_NONE;
    return edges;
}

void trie_init(struct trie *t)
{
    *t = (struct trie){.shift = FIRST_SHIFT, .n_nodes = 1};
    t->edges = edges_new(FIRST_SHIFT);
    t->values = mem_grow(NULL, 0, &t->cap, sizeof(*t->values));
    t->values[TRIE_ROOT] = TRIE_NONE;
}

void trie_deinit(struct trie *t)
{
    free(t->edges);
    free(t->values);
    *t = (struct trie){0};
}

static void place(struct trie *t, struct trie_edge edge)
{
    size_t mask = slots_of(t->shift) - 1;
    size_t i = trie_slot(t, edge.node, edge.cp);
    while (t->edges[i].node != TRIE_NONE)
        i = (i + 1) & mask;
    t->edges[i] = edge;
}

/* Each node but the root has one edge to it: nodes tell how full it is. */
static void make_room(struct trie *t)
{
    size_t slots = slots_of(t->shift);
    if ((size_t)t->n_nodes * 2 < slots)
        return;
    struct trie_edge *old = t->edges;
    t->shift--;
    t->edges = edges_new(t->shift);
    for (size_t i = 0; i < slots; i++) {
        if (old[i].node != TRIE_NONE)
            place(t, old[i]);
    }
    free(old);
}

static uint32_t child_new(struct trie *t, uint32_t node, uint32_t cp)
{
    if (t->n_nodes == TRIE_NODES)
        return TRIE_NONE;
    make_room(t);
    t->values = mem_grow(t->values, t->n_nodes, &t->cap, sizeof(*t->values));
    uint32_t child = t->n_nodes++;
    t->values[child] = TRIE_NONE;
    place(t, (struct trie_edge){.node = node, .cp = cp, .child = child});
    return child;
}

uint32_t *trie_add(struct trie *t, struct str word)
{
    uint32_t node = TRIE_ROOT;
    for (size_t i = 0; i < word.n;) {
        uint32_t cp;
        i += utf8_decode(str_sub(word, i, UTF8_MAX), &cp);
        uint32_t next = trie_step(t, node, cp);
        if (next == TRIE_NONE)
            next = child_new(t, node, cp);
        if (next == TRIE_NONE)
            return NULL;
        node = next;
    }
    return &t->values[node];
}

uint32_t trie_find(const struct trie *t, struct str word)
{
    uint32_t node = TRIE_ROOT;
    for (size_t i = 0; i < word.n && node != TRIE_NONE;) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(word, i, UTF8_MAX), &cp);
        if (len == 0)
            return TRIE_NONE;
        i += len;
        node = trie_step(t, node, cp);
    }
    return node == TRIE_NONE ? TRIE_NONE : t->values[node];
}
