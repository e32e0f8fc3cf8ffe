/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/vectors.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { THREADS_MAX = 64 };

/* A text's distinct features before the dictionary is known. */
struct bag {
    uint64_t *hashes;
    uint16_t *counts;
    uint8_t *blocks;
    uint32_t n;
};

struct share {
    const struct str *texts;
    struct bag *bags;
    size_t from, to;
};

static int compare_raw(const void *a, const void *b)
{
    uint64_t x = ((const struct raw_feature *)a)->hash;
    uint64_t y = ((const struct raw_feature *)b)->hash;
    return (x > y) - (x < y);
}

static void bag_of(struct cutter *c, struct str text, struct bag *ret)
{
    const struct raw_feature *found;
    size_t n = cutter_cut(c, text, &found);
    struct raw_feature *raw = mem_new(n + 1, sizeof(*raw));
    memcpy(raw, found, n * sizeof(*raw));
    qsort(raw, n, sizeof(*raw), compare_raw);
    ret->hashes = mem_new(n + 1, sizeof(*ret->hashes));
    ret->counts = mem_new(n + 1, sizeof(*ret->counts));
    ret->blocks = mem_new(n + 1, sizeof(*ret->blocks));
    ret->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (ret->n && ret->hashes[ret->n - 1] == raw[i].hash) {
            if (ret->counts[ret->n - 1] < UINT16_MAX)
                ret->counts[ret->n - 1]++;
            continue;
        }
        ret->hashes[ret->n] = raw[i].hash;
        ret->counts[ret->n] = 1;
        ret->blocks[ret->n++] = (uint8_t)block_of_kind(raw[i].kind);
    }
    free(raw);
}

static void *cut_share(void *arg)
{
    struct share *s = arg;
    struct cutter *c = cutter_new();
    for (size_t i = s->from; i < s->to; i++)
        bag_of(c, s->texts[i], &s->bags[i]);
    cutter_free(c);
    return NULL;
}

static void cut_all(const struct str *texts, size_t n, int threads,
                    struct bag *bags)
{
    pthread_t t[THREADS_MAX];
    struct share shares[THREADS_MAX];
    threads = threads > THREADS_MAX ? THREADS_MAX : threads;
    for (int k = 0; k < threads; k++) {
        shares[k] = (struct share){
            .texts = texts,
            .bags = bags,
            .from = n * (size_t)k / (size_t)threads,
            .to = n * (size_t)(k + 1) / (size_t)threads,
        };
        if (pthread_create(&t[k], NULL, cut_share, &shares[k]))
            bug("no thread to cut texts");
    }
    for (int k = 0; k < threads; k++)
        (void)pthread_join(t[k], NULL);
}

/* ---- counting in how many texts a feature stands
 * ------------------------------- */

struct census {
    uint64_t *hashes;
    uint32_t *texts;
    uint8_t *blocks;
    size_t n, slots;
};

static size_t census_slot(const struct census *c, uint64_t hash)
{
    size_t i = hash & (c->slots - 1);
    while (c->texts[i] && c->hashes[i] != hash)
        i = (i + 1) & (c->slots - 1);
    return i;
}

static void census_grow(struct census *c)
{
    struct census old = *c;
    c->slots = old.slots ? old.slots * 2 : 1 << 16;
    c->hashes = mem_try(c->slots, sizeof(*c->hashes));
    c->texts = mem_try(c->slots, sizeof(*c->texts));
    c->blocks = mem_try(c->slots, 1);
    if (!c->hashes || !c->texts || !c->blocks)
        bug("out of memory for %zu features", c->slots);
    for (size_t i = 0; i < old.slots; i++) {
        if (!old.texts[i])
            continue;
        size_t at = census_slot(c, old.hashes[i]);
        c->hashes[at] = old.hashes[i];
        c->texts[at] = old.texts[i];
        c->blocks[at] = old.blocks[i];
    }
    free(old.hashes);
    free(old.texts);
    free(old.blocks);
}

static void census_take(struct census *c, const struct bag *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (2 * (c->n + 1) > c->slots)
            census_grow(c);
        size_t at = census_slot(c, b->hashes[i]);
        c->n += c->texts[at] == 0;
        c->hashes[at] = b->hashes[i];
        c->blocks[at] = b->blocks[i];
        c->texts[at]++;
    }
}

/* ---- the dictionary
 * ---------------------------------------------------------------- */

static void dictionary_put(struct vectors *v, uint64_t hash, uint32_t id)
{
    uint32_t mask = v->dictionary.slots - 1;
    uint32_t i = (uint32_t)hash & mask;
    while (v->table[2 * (size_t)i + 1])
        i = (i + 1) & mask;
    v->table[2 * (size_t)i] = (uint32_t)(hash >> 32);
    v->table[2 * (size_t)i + 1] = id + 1;
}

/* The features of one block that stand in enough texts; the next free id. */
static uint32_t put_block(struct vectors *v, const struct census *c, int block,
                          uint32_t min_texts, uint32_t id)
{
    for (size_t i = 0; i < c->slots; i++) {
        if (!c->texts[i] || c->texts[i] < min_texts || c->blocks[i] != block)
            continue;
        dictionary_put(v, c->hashes[i], id);
        v->idf[id++] =
            logf((1.0F + (float)v->n) / (1.0F + (float)c->texts[i])) + 1;
    }
    return id;
}

static void build_dictionary(struct vectors *v, const struct census *c,
                             uint32_t min_texts)
{
    uint32_t n = 0;
    for (size_t i = 0; i < c->slots; i++)
        n += c->texts[i] >= min_texts;
    uint32_t slots = 1024;
    while (slots < n + n / 2)
        slots *= 2;
    v->dictionary.n = n;
    v->dictionary.slots = slots;
    v->table = mem_try(2 * (size_t)slots, sizeof(*v->table));
    v->idf = mem_try(n + 1, sizeof(*v->idf));
    if (!v->table || !v->idf)
        bug("out of memory for a dictionary of %u", n);
    v->n_words = put_block(v, c, BLOCK_WORDS, min_texts, 0);
    (void)put_block(v, c, BLOCK_CHARS, min_texts, v->n_words);
    v->dictionary.table = v->table;
    v->dictionary.idf = v->idf;
}

/* A bag as a row: known features, weighted, each block of length 1. */
static void row_of(struct vectors *v, const struct bag *b,
                   const struct census *c, size_t i)
{
    struct feature *row = mem_new(b->n + 1, sizeof(*row));
    double squares[BLOCKS] = {0};
    uint8_t *block = mem_new(b->n + 1, 1);
    uint32_t n = 0;
    uint32_t shared = 0;
    uint32_t all = 0;
    for (uint32_t k = 0; k < b->n; k++) {
        all += b->counts[k];
        if (c->texts[census_slot(c, b->hashes[k])] > 1)
            shared += b->counts[k];
        uint32_t id = dictionary_find(&v->dictionary, b->hashes[k]);
        if (id == UINT32_MAX)
            continue;
        float tf = 1 + logf((float)b->counts[k]);
        row[n] = (struct feature){.id = id, .value = tf * v->idf[id]};
        block[n] = b->blocks[k];
        squares[block[n]] += (double)row[n].value * row[n].value;
        n++;
    }
    for (uint32_t k = 0; k < n; k++)
        row[k].value /= (float)sqrt(squares[block[k]]);
    free(block);
    v->rows[i] = row;
    v->lens[i] = n;
    v->known[i] = all ? (float)shared / (float)all : 0;
}

void vectors_build(const struct str *texts, size_t n, uint32_t min_texts,
                   int threads, struct vectors *ret)
{
    struct bag *bags = mem_new(n + 1, sizeof(*bags));
    cut_all(texts, n, threads, bags);
    struct census census = {0};
    census_grow(&census);
    for (size_t i = 0; i < n; i++)
        census_take(&census, &bags[i]);
    *ret = (struct vectors){
        .n = n,
        .rows = mem_new(n + 1, sizeof(*ret->rows)),
        .lens = mem_new(n + 1, sizeof(*ret->lens)),
        .known = mem_new(n + 1, sizeof(*ret->known)),
    };
    build_dictionary(ret, &census, min_texts);
    for (size_t i = 0; i < n; i++) {
        row_of(ret, &bags[i], &census, i);
        free(bags[i].hashes);
        free(bags[i].counts);
        free(bags[i].blocks);
    }
    free(bags);
    free(census.hashes);
    free(census.texts);
    free(census.blocks);
}

void vectors_free(struct vectors *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->rows[i]);
    free(v->rows);
    free(v->lens);
    free(v->known);
    free(v->table);
    free(v->idf);
    *v = (struct vectors){0};
}
