/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/stem.h"
#include "text/unicode.h"
#include "text/words.h"
#include "triage/triage.h"

enum {
    GRAM_MIN = 3,
    GRAM_MAX = 5,
    WORD_POINTS = 64, /* longer words are cut: they are not words */
    FEATURES_MAX = 65536,
    SEEN_SLOTS = 2 * FEATURES_MAX,
};

/* Counting repeats in one text: an open table, emptied by its own list. */
struct seen {
    uint32_t id; /* + 1; 0: free */
    uint32_t count;
};

struct cutter {
    struct arena *arena;
    struct stemmer *stemmer;
    struct str folded;
    struct raw_feature *raw;
    size_t n, cap;
    struct seen *seen;
    size_t seen_cap, seen_slots; /* allocated; in use for this text */
    uint32_t *slot_of;           /* of the i-th distinct feature */
    size_t slot_of_cap;
};

struct cutter *cutter_new(void)
{
    struct cutter *c = MEM_NEW(struct cutter);
    c->arena = arena_new();
    c->stemmer = stemmer_new();
    return c;
}

void cutter_free(struct cutter *c)
{
    if (!c)
        return;
    arena_free(c->arena);
    stemmer_free(c->stemmer);
    free(c->raw);
    free(c->seen);
    free(c->slot_of);
    free(c);
}

size_t cutter_max(void)
{
    return FEATURES_MAX;
}

struct str cutter_folded(const struct cutter *c)
{
    return c->folded;
}

static void add(struct cutter *c, uint64_t hash, size_t at, size_t len,
                int block)
{
    if (c->n == FEATURES_MAX)
        return;
    c->raw = mem_grow(c->raw, c->n, &c->cap, sizeof(*c->raw));
    c->raw[c->n++] = (struct raw_feature){
        .hash = hash,
        .at = (uint32_t)at,
        .len = (uint16_t)(len > UINT16_MAX ? UINT16_MAX : len),
        .block = (uint8_t)block,
    };
}

/* Mixes two halves so that (a, b) and (b, a) differ (xxHash's avalanche). */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t h = a * 0x9e3779b185ebca87u ^ (b + 0xc2b2ae3d27d4eb4fu);
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 29;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 32);
}

/*
 * The n-grams of " word ". `point[i]` are its characters, packed into the
 * hash one after another.
 */
static void add_grams(struct cutter *c, const struct word *w)
{
    uint32_t point[WORD_POINTS + 2];
    uint32_t at[WORD_POINTS + 3];
    size_t n = 0;
    point[n] = ' ';
    at[n++] = (uint32_t)w->at;
    for (size_t i = 0; i < w->text.n && n <= WORD_POINTS;) {
        at[n] = (uint32_t)(w->at + i);
        size_t len = utf8_decode(str_sub(w->text, i, UTF8_MAX), &point[n]);
        n++;
        i += len ? len : 1;
    }
    at[n] = (uint32_t)(w->at + w->text.n);
    point[n++] = ' ';
    at[n] = at[n - 1];
    for (size_t begin = 0; begin + GRAM_MIN <= n; begin++) {
        uint64_t h = 0x27d4eb2f165667c5u;
        size_t end = begin;
        for (; end < begin + GRAM_MAX && end < n; end++) {
            h = mix(h, point[end]);
            if (end + 1 - begin >= GRAM_MIN)
                add(c, h, at[begin], at[end + 1] - at[begin], BLOCK_CHARS);
        }
    }
}

size_t cutter_cut(struct cutter *c, struct str text,
                  const struct raw_feature **ret)
{
    arena_reset(c->arena);
    c->n = 0;
    c->folded = text_fold(c->arena, utf8_cut(text, TRIAGE_TEXT_MAX));
    uint64_t last = 0;
    size_t last_at = 0;
    size_t at = 0;
    struct word w;
    while (word_next(c->folded, &at, &w)) {
        uint64_t h = str_hash(stem(c->stemmer, w.text));
        add(c, h, w.at, w.text.n, BLOCK_WORDS);
        if (last)
            add(c, mix(last, h), last_at, w.at + w.text.n - last_at,
                BLOCK_WORDS);
        last = h;
        last_at = w.at;
        add_grams(c, &w);
    }
    *ret = c->raw;
    return c->n;
}

uint32_t dictionary_find(const struct dictionary *d, uint64_t hash)
{
    uint32_t check = (uint32_t)(hash >> 32);
    for (uint32_t i = (uint32_t)hash & (d->slots - 1);;
         i = (i + 1) & (d->slots - 1)) {
        uint32_t id = d->table[2 * (size_t)i + 1];
        if (id == 0)
            return UINT32_MAX;
        if (d->table[2 * (size_t)i] == check)
            return id - 1;
    }
}

/* ---- one text
 * ---------------------------------------------------------------------- */

static void make_room(struct cutter *c, size_t n)
{
    size_t slots = 256;
    while (slots < 2 * n)
        slots *= 2;
    if (slots > c->seen_cap) {
        free(c->seen);
        c->seen = mem_new(slots, sizeof(*c->seen));
        c->seen_cap = slots;
    } else {
        memset(c->seen, 0, slots * sizeof(*c->seen));
    }
    c->seen_slots = slots;
}

/* Count one more of `id`; true: the first. *ret_slot is where. */
static bool count(struct cutter *c, uint32_t id, uint32_t *ret_slot)
{
    size_t mask = c->seen_slots - 1;
    size_t i = (id * 0x9e3779b1u) & mask;
    while (c->seen[i].id && c->seen[i].id != id + 1)
        i = (i + 1) & mask;
    bool first = c->seen[i].id == 0;
    c->seen[i].id = id + 1;
    c->seen[i].count++;
    *ret_slot = (uint32_t)i;
    return first;
}

static void scale_block(struct feature *f, size_t n, double squares)
{
    if (squares <= 0)
        return;
    float by = (float)(1 / sqrt(squares));
    for (size_t i = 0; i < n; i++)
        f[i].value *= by;
}

/* The features of one block, weighted and scaled; appended to `ret`. */
static size_t block_of(const struct dictionary *d, struct cutter *c, int block,
                       struct feature *ret, size_t max, size_t *ret_all,
                       size_t *ret_known)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n && n < max; i++) {
        if (c->raw[i].block != block)
            continue;
        ++*ret_all;
        uint32_t id = dictionary_find(d, c->raw[i].hash);
        uint32_t slot;
        if (id == UINT32_MAX)
            continue;
        ++*ret_known;
        if (!count(c, id, &slot))
            continue;
        c->slot_of =
            mem_grow(c->slot_of, n, &c->slot_of_cap, sizeof(*c->slot_of));
        c->slot_of[n] = slot;
        ret[n++].id = id;
    }
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t times = c->seen[c->slot_of[i]].count;
        float tf = times == 1 ? 1.0F : 1.0F + logf((float)times);
        ret[i].value = tf * d->idf[ret[i].id];
        squares += (double)ret[i].value * ret[i].value;
    }
    scale_block(ret, n, squares);
    return n;
}

size_t features_of(const struct dictionary *d, struct cutter *c,
                   struct str text, struct feature *ret, size_t max,
                   float *ret_known)
{
    const struct raw_feature *raw;
    size_t n_raw = cutter_cut(c, text, &raw);
    make_room(c, n_raw);
    size_t all = 0;
    size_t known = 0;
    size_t n = 0;
    for (int b = 0; b < BLOCKS; b++)
        n += block_of(d, c, b, ret + n, max - n, &all, &known);
    *ret_known = all ? (float)known / (float)all : 0;
    return n;
}
