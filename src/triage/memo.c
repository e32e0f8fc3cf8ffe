/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/memo.h"

#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A text has WAYS places, which its digest tells. */
enum { WAYS = 8, DIGEST_BYTES = 16, TEXTS_MAX = 1 << 13 };

struct place {
    unsigned char digest[DIGEST_BYTES];
    uint64_t used; /* when it was asked for last; 0: empty */
};

struct memo {
    unsigned char key[crypto_generichash_KEYBYTES];
    size_t width, sets;
    pthread_mutex_t lock; /* guards what is below */
    uint64_t now;         /* counts what was asked */
    struct place *places; /* sets × WAYS */
    float *scores;        /* a row each */
};

struct memo *memo_new(size_t width, size_t bytes)
{
    struct memo *m = MEM_NEW(struct memo);
    size_t texts = bytes / (sizeof(struct place) + width * sizeof(float));
    texts = texts < TEXTS_MAX ? texts : TEXTS_MAX;
    m->width = width;
    m->sets = texts < WAYS ? 1 : texts / WAYS;
    m->places = mem_new(m->sets * WAYS, sizeof(*m->places));
    m->scores = mem_new(m->sets * WAYS * width, sizeof(*m->scores));
    crypto_generichash_keygen(m->key);
    (void)pthread_mutex_init(&m->lock, NULL);
    return m;
}

void memo_free(struct memo *m)
{
    if (!m)
        return;
    (void)pthread_mutex_destroy(&m->lock);
    free(m->places);
    free(m->scores);
    free(m);
}

size_t memo_size(const struct memo *m)
{
    return m->sets * WAYS;
}

/* The number of the text's first place. */
static size_t digest(const struct memo *m, struct str text,
                     unsigned char ret[DIGEST_BYTES])
{
    uint64_t n;
    (void)crypto_generichash(ret, DIGEST_BYTES, (const unsigned char *)text.p,
                             text.n, m->key, sizeof(m->key));
    memcpy(&n, ret, sizeof(n));
    return (size_t)(n % m->sets) * WAYS;
}

/* The place that has the text; else the one to be had for it. */
static size_t look(const struct memo *m, size_t first,
                   const unsigned char wanted[DIGEST_BYTES], bool *ret_found)
{
    size_t oldest = first;
    *ret_found = false;
    for (size_t i = first; i < first + WAYS; i++) {
        const struct place *p = &m->places[i];
        if (p->used && memcmp(p->digest, wanted, DIGEST_BYTES) == 0) {
            *ret_found = true;
            return i;
        }
        oldest = p->used < m->places[oldest].used ? i : oldest;
    }
    return oldest;
}

bool memo_has(struct memo *m, struct str text)
{
    unsigned char wanted[DIGEST_BYTES];
    bool found;
    size_t first = digest(m, text, wanted);
    pthread_mutex_lock(&m->lock);
    (void)look(m, first, wanted, &found);
    pthread_mutex_unlock(&m->lock);
    return found;
}

bool memo_find(struct memo *m, struct str text, float *ret)
{
    unsigned char wanted[DIGEST_BYTES];
    bool found;
    size_t first = digest(m, text, wanted);
    pthread_mutex_lock(&m->lock);
    size_t i = look(m, first, wanted, &found);
    if (found) {
        m->places[i].used = ++m->now;
        memcpy(ret, m->scores + i * m->width, m->width * sizeof(*ret));
    }
    pthread_mutex_unlock(&m->lock);
    return found;
}

void memo_put(struct memo *m, struct str text, const float *scores)
{
    unsigned char wanted[DIGEST_BYTES];
    bool found;
    size_t first = digest(m, text, wanted);
    pthread_mutex_lock(&m->lock);
    size_t i = look(m, first, wanted, &found);
    memcpy(m->places[i].digest, wanted, DIGEST_BYTES);
    m->places[i].used = ++m->now;
    memcpy(m->scores + i * m->width, scores, m->width * sizeof(*scores));
    pthread_mutex_unlock(&m->lock);
}
