/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/postings.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

enum { SLOTS_FIRST = 1024 };

struct entry {
    uint32_t term, unit, tf;
};

struct term {
    uint64_t hash;
    uint32_t n;     /* units that have it */
    uint32_t first; /* in `postings`; until closed: its last entry */
};

struct postings {
    float k1, b;
    bool failed;           /* an entry found no room */
    struct entry *entries; /* in the order of units, until closed */
    size_t n_entries, entries_cap;
    uint32_t *lengths; /* of units, in features */
    size_t n_units, units_cap;
    struct term *terms; /* by their first occurrence */
    size_t n_terms, terms_cap;
    uint32_t *table; /* open addressing: number of the term + 1 */
    size_t slots;
    struct posting *postings;
};

struct postings *postings_new(float k1, float b)
{
    struct postings *p = MEM_NEW(struct postings);
    p->k1 = k1;
    p->b = b;
    p->slots = SLOTS_FIRST;
    p->table = mem_new(p->slots, sizeof(*p->table));
    return p;
}

void postings_free(struct postings *p)
{
    if (!p)
        return;
    free(p->entries);
    free(p->lengths);
    free(p->terms);
    free(p->table);
    free(p->postings);
    free(p);
}

static uint32_t *slot_of(const struct postings *p, uint64_t hash)
{
    size_t i = hash & (p->slots - 1);
    while (p->table[i] && p->terms[p->table[i] - 1].hash != hash)
        i = (i + 1) & (p->slots - 1);
    return &p->table[i];
}

/* ---- adding
 * ------------------------------------------------------------------- */

static bool widen_table(struct postings *p)
{
    uint32_t *wide = mem_try(2 * p->slots, sizeof(*wide));
    if (!wide)
        return false;
    free(p->table);
    p->table = wide;
    p->slots *= 2;
    for (size_t t = 0; t < p->n_terms; t++)
        *slot_of(p, p->terms[t].hash) = (uint32_t)t + 1;
    return true;
}

/* The term of a hash, made when it is new; NULL: no memory. */
static struct term *term_of(struct postings *p, uint64_t hash)
{
    uint32_t *slot = slot_of(p, hash);
    if (*slot)
        return &p->terms[*slot - 1];
    void *more =
        mem_try_grow(p->terms, p->n_terms, &p->terms_cap, sizeof(*p->terms));
    if (!more)
        return NULL;
    p->terms = more;
    p->terms[p->n_terms] = (struct term){.hash = hash};
    *slot = (uint32_t)++p->n_terms;
    if (2 * p->n_terms > p->slots && !widen_table(p))
        return NULL;
    return &p->terms[p->n_terms - 1];
}

static bool add_one(struct postings *p, uint64_t hash, uint32_t unit)
{
    struct term *t = term_of(p, hash);
    if (!t)
        return false;
    if (t->n && p->entries[t->first].unit == unit) {
        p->entries[t->first].tf++;
        return true;
    }
    void *more = mem_try_grow(p->entries, p->n_entries, &p->entries_cap,
                              sizeof(*p->entries));
    if (!more || p->n_entries == UINT32_MAX)
        return false;
    p->entries = more;
    p->entries[p->n_entries] =
        (struct entry){(uint32_t)(t - p->terms), unit, 1};
    t->first = (uint32_t)p->n_entries++;
    t->n++;
    return true;
}

void postings_add(struct postings *p, const uint64_t *hashes, size_t n)
{
    uint32_t unit = (uint32_t)p->n_units;
    p->lengths =
        mem_grow(p->lengths, p->n_units, &p->units_cap, sizeof(*p->lengths));
    p->lengths[p->n_units++] = (uint32_t)n;
    for (size_t i = 0; i < n && !p->failed; i++)
        p->failed = !add_one(p, hashes[i], unit);
}

/* ---- closing
 * ------------------------------------------------------------------ */

static float mean_length(const struct postings *p)
{
    double total = 0;
    for (size_t i = 0; i < p->n_units; i++)
        total += p->lengths[i];
    return p->n_units ? (float)(total / (double)p->n_units) : 1;
}

/* Entries go behind each other by their terms and get their weights. */
static void weigh(struct postings *p)
{
    float mean = mean_length(p);
    uint32_t at = 0;
    for (size_t t = 0; t < p->n_terms; t++) {
        p->terms[t].first = at;
        at += p->terms[t].n;
        p->terms[t].n = 0;
    }
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct entry *x = &p->entries[i];
        struct term *t = &p->terms[x->term];
        float tf = (float)x->tf;
        float norm =
            1 - p->b + p->b * (float)p->lengths[x->unit] / (mean + 1e-6F);
        p->postings[t->first + t->n++] =
            (struct posting){x->unit, tf * (p->k1 + 1) / (tf + p->k1 * norm)};
    }
    for (size_t t = 0; t < p->n_terms; t++) {
        float idf = postings_idf(p, t);
        for (size_t i = 0; i < p->terms[t].n; i++)
            p->postings[p->terms[t].first + i].weight *= idf;
    }
}

int postings_close(struct postings *p, struct err *e)
{
    p->postings = mem_try(p->n_entries + 1, sizeof(*p->postings));
    if (p->failed || !p->postings)
        return err_set(e, OTK_ELIMIT, "no memory to index %zu features",
                       p->n_entries);
    weigh(p);
    free(p->entries);
    p->entries = NULL;
    return OTK_OK;
}

/* ---- asking
 * ------------------------------------------------------------------- */

size_t postings_units(const struct postings *p)
{
    return p->n_units;
}

size_t postings_terms(const struct postings *p)
{
    return p->n_terms;
}

size_t postings_term(const struct postings *p, uint64_t hash)
{
    uint32_t t = *slot_of(p, hash);
    return t ? t - 1 : POSTINGS_NONE;
}

uint64_t postings_hash(const struct postings *p, size_t term)
{
    return p->terms[term].hash;
}

size_t postings_of(const struct postings *p, size_t term,
                   const struct posting **ret)
{
    *ret = p->postings + p->terms[term].first;
    return p->terms[term].n;
}

float postings_idf(const struct postings *p, size_t term)
{
    float n = (float)p->n_units;
    float df = term == POSTINGS_NONE ? 0 : (float)p->terms[term].n;
    return logf(1 + (n - df + 0.5F) / (df + 0.5F));
}
