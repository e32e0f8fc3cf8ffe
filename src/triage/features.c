/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Counting repeats in one text: an open table. */
struct seen {
    uint32_t id; /* + 1; 0: free */
    uint32_t count;
};

struct weigher {
    struct seen *seen;
    size_t cap, slots; /* allocated; in use for this text */
    uint32_t *slot_of; /* of the i-th distinct feature */
    size_t slot_of_cap;
};

struct weigher *weigher_new(void)
{
    return MEM_NEW(struct weigher);
}

void weigher_free(struct weigher *w)
{
    if (!w)
        return;
    free(w->seen);
    free(w->slot_of);
    free(w);
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

static void make_room(struct weigher *w, size_t n)
{
    size_t slots = 256;
    while (slots < 2 * n)
        slots *= 2;
    if (slots > w->cap) {
        free(w->seen);
        w->seen = mem_new(slots, sizeof(*w->seen));
        w->cap = slots;
    } else {
        memset(w->seen, 0, slots * sizeof(*w->seen));
    }
    w->slots = slots;
}

/* Count one more of `id`; true: the first. *ret_slot is where. */
static bool count(struct weigher *w, uint32_t id, uint32_t *ret_slot)
{
    size_t mask = w->slots - 1;
    size_t i = (id * 0x9e3779b1u) & mask;
    while (w->seen[i].id && w->seen[i].id != id + 1)
        i = (i + 1) & mask;
    bool first = w->seen[i].id == 0;
    w->seen[i].id = id + 1;
    w->seen[i].count++;
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

struct tally {
    size_t all, known;
};

/* The features of one block, weighted and scaled. */
static size_t block_of(const struct dictionary *d, struct weigher *w,
                       const struct raw_feature *raw, size_t n_raw, int block,
                       struct feature *ret, struct tally *tally)
{
    size_t n = 0;
    for (size_t i = 0; i < n_raw; i++) {
        if (block_of_kind(raw[i].kind) != block)
            continue;
        tally->all++;
        uint32_t id = dictionary_find(d, raw[i].hash);
        uint32_t slot;
        if (id == UINT32_MAX)
            continue;
        tally->known++;
        if (!count(w, id, &slot))
            continue;
        w->slot_of =
            mem_grow(w->slot_of, n, &w->slot_of_cap, sizeof(*w->slot_of));
        w->slot_of[n] = slot;
        ret[n++].id = id;
    }
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t times = w->seen[w->slot_of[i]].count;
        float tf = times == 1 ? 1.0F : 1.0F + logf((float)times);
        ret[i].value = tf * d->idf[ret[i].id];
        squares += (double)ret[i].value * ret[i].value;
    }
    scale_block(ret, n, squares);
    return n;
}

size_t features_of(const struct dictionary *d, struct weigher *w,
                   struct cutter *c, struct str text, struct feature *ret,
                   float *ret_known)
{
    const struct raw_feature *raw;
    size_t n_raw = cutter_cut(c, text, &raw);
    struct tally tally = {0};
    size_t n = 0;
    make_room(w, n_raw);
    for (int b = 0; b < BLOCKS; b++)
        n += block_of(d, w, raw, n_raw, b, ret + n, &tally);
    *ret_known = tally.all ? (float)tally.known / (float)tally.all : 0;
    return n;
}
