/* SPDX-License-Identifier: Apache-2.0 */
#include "text/features.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/stem.h"
#include "text/unicode.h"
#include "text/words.h"

enum {
    GRAM_MIN = 3,
    GRAM_MAX = 5,
    WORD_POINTS = 64, /* longer words are cut: they are not words */
};

struct cutter {
    struct arena *arena;
    struct stemmer *stemmer;
    struct str folded;
    struct raw_feature *raw;
    size_t n, cap;
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
    free(c);
}

struct str cutter_folded(const struct cutter *c)
{
    return c->folded;
}

static void add(struct cutter *c, uint64_t hash, size_t at, size_t len,
                enum feature_kind kind)
{
    if (c->n == FEATURES_MAX)
        return;
    c->raw = mem_grow(c->raw, c->n, &c->cap, sizeof(*c->raw));
    c->raw[c->n++] = (struct raw_feature){
        .hash = hash,
        .at = (uint32_t)at,
        .len = (uint16_t)(len > UINT16_MAX ? UINT16_MAX : len),
        .kind = (uint8_t)kind,
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
                add(c, h, at[begin], at[end + 1] - at[begin], FEATURE_CHARS);
        }
    }
}

size_t cutter_cut(struct cutter *c, struct str text,
                  const struct raw_feature **ret)
{
    arena_reset(c->arena);
    c->n = 0;
    c->folded = text_fold(c->arena, utf8_cut(text, FEATURES_TEXT));
    uint64_t last = 0;
    size_t last_at = 0;
    size_t at = 0;
    struct word w;
    while (word_next(c->folded, &at, &w)) {
        uint64_t h = str_hash(stem(c->stemmer, w.text));
        add(c, h, w.at, w.text.n, FEATURE_WORD);
        if (last)
            add(c, mix(last, h), last_at, w.at + w.text.n - last_at,
                FEATURE_PAIR);
        last = h;
        last_at = w.at;
        add_grams(c, &w);
    }
    *ret = c->raw;
    return c->n;
}
