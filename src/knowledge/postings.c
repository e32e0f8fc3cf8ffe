/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/postings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    uint64_t hash;
    uint32_t unit;
    uint32_t tf;
};

struct term {
    uint64_t hash;
    uint32_t first, n; /* in `postings` */
};

struct postings {
    float k1, b;
    struct entry *entries; /* until closed */
    size_t n_entries, entries_cap;
    uint32_t *lengths; /* of units, in features */
    size_t n_units, units_cap;
    struct term *terms; /* an open table, n = 0: free */
    size_t slots;
    struct posting *postings;
};

struct postings *postings_new(float k1, float b)
{
    struct postings *p = MEM_NEW(struct postings);
    p->k1 = k1;
    p->b = b;
    return p;
}

void postings_free(struct postings *p)
{
    if (!p)
        return;
    free(p->entries);
    free(p->lengths);
    free(p->terms);
    free(p->postings);
    free(p);
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void postings_add(struct postings *p, const uint64_t *hashes, size_t n)
{
    uint64_t *sorted = mem_new(n + 1, sizeof(*sorted));
    memcpy(sorted, hashes, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_hash);
    uint32_t unit = (uint32_t)p->n_units;
    p->lengths =
        mem_grow(p->lengths, p->n_units, &p->units_cap, sizeof(*p->lengths));
    p->lengths[p->n_units++] = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        if (i && sorted[i] == sorted[i - 1]) {
            p->entries[p->n_entries - 1].tf++;
            continue;
        }
        p->entries = mem_grow(p->entries, p->n_entries, &p->entries_cap,
                              sizeof(*p->entries));
        p->entries[p->n_entries++] = (struct entry){sorted[i], unit, 1};
    }
    free(sorted);
}

static int by_term(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    if (x->hash != y->hash)
        return x->hash > y->hash ? 1 : -1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

static float idf_of(const struct postings *p, size_t units)
{
    float n = (float)p->n_units;
    float df = (float)units;
    return logf(1 + (n - df + 0.5F) / (df + 0.5F));
}

static struct term *slot_of(const struct postings *p, uint64_t hash)
{
    size_t i = hash & (p->slots - 1);
    while (p->terms[i].n && p->terms[i].hash != hash)
        i = (i + 1) & (p->slots - 1);
    return &p->terms[i];
}

void postings_close(struct postings *p)
{
    if (p->n_entries)
        qsort(p->entries, p->n_entries, sizeof(*p->entries), by_term);
    size_t distinct = 0;
    double total = 0;
    for (size_t i = 0; i < p->n_entries; i++)
        distinct += i == 0 || p->entries[i].hash != p->entries[i - 1].hash;
    for (size_t i = 0; i < p->n_units; i++)
        total += p->lengths[i];
    float mean = p->n_units ? (float)(total / (double)p->n_units) : 1;
    p->slots = 16;
    while (p->slots < 2 * distinct)
        p->slots *= 2;
    p->terms = mem_new(p->slots, sizeof(*p->terms));
    p->postings = mem_new(p->n_entries + 1, sizeof(*p->postings));
    for (size_t i = 0; i < p->n_entries;) {
        size_t end = i;
        while (end < p->n_entries && p->entries[end].hash == p->entries[i].hash)
            end++;
        *slot_of(p, p->entries[i].hash) =
            (struct term){p->entries[i].hash, (uint32_t)i, (uint32_t)(end - i)};
        float idf = idf_of(p, end - i);
        for (; i < end; i++) {
            const struct entry *x = &p->entries[i];
            float tf = (float)x->tf;
            float norm =
                1 - p->b + p->b * (float)p->lengths[x->unit] / (mean + 1e-6F);
            p->postings[i] = (struct posting){x->unit, idf * tf * (p->k1 + 1) /
                                                           (tf + p->k1 * norm)};
        }
    }
    free(p->entries);
    p->entries = NULL;
}

size_t postings_find(const struct postings *p, uint64_t hash,
                     const struct posting **ret, float *ret_idf)
{
    const struct term *t = slot_of(p, hash);
    *ret_idf = idf_of(p, t->n);
    *ret = p->postings + t->first;
    return t->n;
}
