/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/asked.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "text/transliterate.h"

enum {
    ASKED_MAX = 2000, /* features that are looked up */
    SLOTS = 4 * 2048,
};

static const float weight_of_pair = 0.5F;

struct asked {
    struct cutter *cutter;
    struct arena *arena;
    struct asked_feature features[ASKED_MAX];
    size_t n;
    uint64_t seen[SLOTS]; /* open addressing, 0: free */
};

struct asked *asked_new(void)
{
    struct asked *a = MEM_NEW(struct asked);
    a->cutter = cutter_new();
    a->arena = arena_new();
    return a;
}

void asked_free(struct asked *a)
{
    if (!a)
        return;
    cutter_free(a->cutter);
    arena_free(a->arena);
    free(a);
}

static bool is_new(struct asked *a, uint64_t hash)
{
    hash = hash ? hash : 1;
    size_t i = hash % SLOTS;
    while (a->seen[i] && a->seen[i] != hash)
        i = (i + 1) % SLOTS;
    if (a->seen[i])
        return false;
    a->seen[i] = hash;
    return true;
}

/* Adds what is new among the features; returns how many words that are. */
static size_t add(struct asked *a, const struct raw_feature *raw, size_t n)
{
    size_t words = 0;
    for (size_t i = 0; i < n && a->n < ASKED_MAX; i++) {
        if (!is_new(a, raw[i].hash))
            continue;
        words += raw[i].kind == FEATURE_WORD;
        a->features[a->n++] = (struct asked_feature){
            .hash = raw[i].hash,
            .space = space_of(&raw[i]),
            .weight = raw[i].kind == FEATURE_PAIR ? weight_of_pair : 1,
        };
    }
    return words;
}

static bool is_known(const struct knowledge_index *x, uint64_t hash)
{
    return postings_term(x->wholes[SPACE_WORDS], hash) != POSTINGS_NONE;
}

/* Words that no article has, in the other alphabet. */
static size_t find_others(struct asked *a, const struct knowledge_index *x,
                          const struct raw_feature *raw, size_t n,
                          struct str *ret, size_t max)
{
    struct str folded = cutter_folded(a->cutter);
    size_t found = 0;
    for (size_t i = 0; i < n && found < max; i++) {
        if (raw[i].kind != FEATURE_WORD || is_known(x, raw[i].hash))
            continue;
        struct str other =
            transliterate(a->arena, str_sub(folded, raw[i].at, raw[i].len));
        if (other.n)
            ret[found++] = other;
    }
    return found;
}

size_t asked_cut(struct asked *a, const struct knowledge_index *x,
                 struct str text, const struct asked_feature **ret,
                 size_t *ret_words)
{
    enum { OTHERS = 32 };
    struct str others[OTHERS];
    const struct raw_feature *raw;
    memset(a->seen, 0, sizeof(a->seen));
    arena_reset(a->arena);
    a->n = 0;
    size_t n = cutter_cut(a->cutter, text, &raw);
    *ret_words = add(a, raw, n);
    size_t n_others = find_others(a, x, raw, n, others, OTHERS);
    for (size_t i = 0; i < n_others; i++) {
        n = cutter_cut(a->cutter, others[i], &raw);
        if (n && is_known(x, raw[0].hash))
            (void)add(a, raw, n);
    }
    *ret = a->features;
    return a->n;
}
