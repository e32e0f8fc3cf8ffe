/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte pair encoding (Sennrich et al. 2016): of all neighbours that a rule
 * joins, the pair with the earliest rule is joined first, the leftmost of
 * equals. A heap holds the possible joins, so that a long word costs
 * n log n.
 */
#include "base/err.h"
#include "base/mem.h"
#include "text/tokenizer_parts.h"

/* ---- the rules --------------------------------------------------------------
 */

static size_t slot_of(const struct bpe *b, uint32_t left, uint32_t right)
{
    uint64_t key = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    return (size_t)(key >> b->shift);
}

/* The rule's slot, or the free one where it would be. */
static struct merge *find(const struct bpe *b, uint32_t left, uint32_t right)
{
    size_t mask = ((size_t)1 << (64 - b->shift)) - 1;
    size_t i = slot_of(b, left, right);
    while (b->slots[i].left != TRIE_NONE &&
           (b->slots[i].left != left || b->slots[i].right != right))
        i = (i + 1) & mask;
    return &b->slots[i];
}

void bpe_init(struct bpe *b, size_t merges)
{
    b->shift = 64 - 4;
    while (((size_t)1 << (64 - b->shift)) < merges * 2)
        b->shift--;
    size_t n = (size_t)1 << (64 - b->shift);
    b->slots = mem_new(n, sizeof(*b->slots));
    for (size_t i = 0; i < n; i++)
        b->slots[i].left = TRIE_NONE;
}

int bpe_put(struct bpe *b, struct merge m)
{
    struct merge *slot = find(b, m.left, m.right);
    if (slot->left != TRIE_NONE)
        return OTK_ECONFLICT;
    *slot = m;
    b->n++;
    return OTK_OK;
}

/* ---- the heap ----------------------------------------------------------- */

static bool before(struct candidate a, struct candidate b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

static void heap_push(struct tokenizer_scratch *s, struct candidate c)
{
    s->heap = mem_grow(s->heap, s->n_heap, &s->heap_cap, sizeof(*s->heap));
    size_t i = s->n_heap++;
    while (i && before(c, s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = c;
}

static struct candidate heap_pop(struct tokenizer_scratch *s)
{
    struct candidate *h = s->heap;
    struct candidate top = h[0];
    struct candidate last = h[--s->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= s->n_heap)
            break;
        if (child + 1 < s->n_heap && before(h[child + 1], h[child]))
            child++;
        if (!before(h[child], last))
            break;
        h[i] = h[child];
        i = child;
    }
    h[i] = last;
    return top;
}

/* ---- one word ------------------------------------------------------------ */

static void symbol_put(struct tokenizer_scratch *s, size_t *n, uint32_t id,
                       size_t at)
{
    s->symbols = mem_grow(s->symbols, *n, &s->symbols_cap, sizeof(*s->symbols));
    s->symbols[*n] = (struct symbol){
        .id = id,
        .n = 1,
        .at = (uint32_t)at,
        .prev = *n ? (uint32_t)*n - 1 : TRIE_NONE,
        .next = (uint32_t)*n + 1,
    };
    (*n)++;
}

/* A symbol for each character; without an unknown token, what the vocabulary
 * lacks goes, as in the reference. */
static size_t symbols_of(const struct tokenizer *t, struct tokenizer_scratch *s,
                         const struct glyph *g, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t node = trie_step(&t->vocabulary, TRIE_ROOT, g[i].cp);
        uint32_t id =
            node == TRIE_NONE ? TRIE_NONE : t->vocabulary.values[node];
        bool fused = id == TRIE_NONE && t->bpe.fuse_unk && count &&
                     s->symbols[count - 1].id == t->unk &&
                     s->symbols[count - 1].at + s->symbols[count - 1].n == i;
        if (id == TRIE_NONE)
            id = t->unk;
        if (fused)
            s->symbols[count - 1].n++;
        else if (id != TRIE_NONE)
            symbol_put(s, &count, id, i);
    }
    if (count)
        s->symbols[count - 1].next = TRIE_NONE;
    return count;
}

/* Consider joining the symbol at `at` with the next. */
static void consider(const struct tokenizer *t, struct tokenizer_scratch *s,
                     uint32_t at)
{
    if (at == TRIE_NONE || s->symbols[at].next == TRIE_NONE)
        return;
    const struct merge *m =
        find(&t->bpe, s->symbols[at].id, s->symbols[s->symbols[at].next].id);
    if (m->left != TRIE_NONE)
        heap_push(s, (struct candidate){m->rank, at, m->id});
}

static void join(const struct tokenizer *t, struct tokenizer_scratch *s,
                 struct candidate c)
{
    struct symbol *a = &s->symbols[c.at];
    if (a->n == 0 || a->next == TRIE_NONE)
        return; /* joined to another since */
    struct symbol *b = &s->symbols[a->next];
    const struct merge *m = find(&t->bpe, a->id, b->id);
    if (m->left == TRIE_NONE || m->id != c.id)
        return; /* one of the two has changed since */
    a->id = c.id;
    a->n = b->at + b->n - a->at;
    a->next = b->next;
    b->n = 0;
    if (a->next != TRIE_NONE)
        s->symbols[a->next].prev = c.at;
    consider(t, s, a->prev);
    consider(t, s, c.at);
}

void bpe_encode(const struct tokenizer *t, struct tokenizer_scratch *s,
                const struct glyph *g, size_t n)
{
    size_t count = symbols_of(t, s, g, n);
    s->n_heap = 0;
    for (uint32_t i = 0; i + 1 < count; i++)
        consider(t, s, i);
    while (s->n_heap)
        join(t, s, heap_pop(s));
    for (size_t i = 0; i < count; i++) {
        const struct symbol *a = &s->symbols[i];
        if (a->n)
            token_put(t, s, a->id, g + a->at, a->n);
    }
}
