/* SPDX-License-Identifier: Apache-2.0 */
/* WordPiece: which two neighbours become one token next. */
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/wordpiece_private.h"

enum {
    PAIR_COUNT = 2, /* what is there once is no habit */
    TOKEN_BYTES = 2 + WORD_CHARS * UTF8_MAX,
};

/* ---- pairs
 * ------------------------------------------------------------------------- */

static uint32_t find_pair(struct trainer *t, uint32_t left, uint32_t right)
{
    const uint32_t key[] = {left, right};
    bool is_new;
    union map_value *at = map_put(
        t->pairs, (struct str){(const char *)key, sizeof(key)}, &is_new);
    if (is_new) {
        t->pair =
            mem_grow(t->pair, t->n_pairs, &t->pairs_cap, sizeof(*t->pair));
        t->pair[t->n_pairs] = (struct pair){.left = left, .right = right};
        at->num = (int64_t)t->n_pairs++;
    }
    return (uint32_t)at->num;
}

/* Counts a word's tokens and pairs, or takes them back (`by` < 0). Pairs with
 * `fresh` in them get the word into their list; UINT32_MAX: all do. */
static void count_word(struct trainer *t, uint32_t word, int64_t by,
                       uint32_t fresh)
{
    const struct word_row *x = &t->rows[word];
    const uint32_t *row = t->row + x->at;
    for (size_t i = 0; i < x->n; i++) {
        t->counts[row[i]] += by;
        t->total += by;
        if (i + 1 == x->n)
            break;
        uint32_t id = find_pair(t, row[i], row[i + 1]);
        struct pair *p = &t->pair[id];
        p->count += by;
        if (by < 0 ||
            (fresh != UINT32_MAX && row[i] != fresh && row[i + 1] != fresh))
            continue;
        p->words =
            mem_grow(p->words, p->n_words, &p->words_cap, sizeof(*p->words));
        p->words[p->n_words++] = word;
        if (!p->touched) {
            p->touched = true;
            t->touched = mem_grow(t->touched, t->n_touched, &t->touched_cap,
                                  sizeof(*t->touched));
            t->touched[t->n_touched++] = id;
        }
    }
}

/* ---- the most useful first
 * --------------------------------------------------------------- */

static double gain(const struct trainer *t, const struct pair *p)
{
    double left = (double)t->counts[p->left];
    double right = (double)t->counts[p->right];
    double both = (double)p->count;
    return both * log(both * (double)t->total / (left * right));
}

static bool before(struct candidate a, struct candidate b)
{
    return a.gain != b.gain ? a.gain > b.gain : a.pair < b.pair;
}

static void heap_put(struct trainer *t, struct candidate x)
{
    t->heap = mem_grow(t->heap, t->n_heap, &t->heap_cap, sizeof(*t->heap));
    size_t i = t->n_heap++;
    while (i && before(x, t->heap[(i - 1) / 2])) {
        t->heap[i] = t->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    t->heap[i] = x;
}

static struct candidate heap_take(struct trainer *t)
{
    struct candidate top = t->heap[0];
    struct candidate last = t->heap[--t->n_heap];
    size_t i = 0;
    for (size_t k = 1; k < t->n_heap; k = 2 * i + 1) {
        if (k + 1 < t->n_heap && before(t->heap[k + 1], t->heap[k]))
            k++;
        if (!before(t->heap[k], last))
            break;
        t->heap[i] = t->heap[k];
        i = k;
    }
    t->heap[i] = last;
    return top;
}

static void offer_touched(struct trainer *t)
{
    for (size_t i = 0; i < t->n_touched; i++) {
        struct pair *p = &t->pair[t->touched[i]];
        p->touched = false;
        if (p->count >= PAIR_COUNT)
            heap_put(t, (struct candidate){gain(t, p), t->touched[i]});
    }
    t->n_touched = 0;
}

/* The pair that is worth the most. What others were worth has changed since
 * they were put into the heap: the first is weighed anew. */
static bool best_pair(struct trainer *t, uint32_t *ret)
{
    while (t->n_heap) {
        struct candidate x = heap_take(t);
        const struct pair *p = &t->pair[x.pair];
        if (p->count < PAIR_COUNT)
            continue;
        x.gain = gain(t, p);
        if (t->n_heap == 0 || !before(t->heap[0], x)) {
            *ret = x.pair;
            return x.gain > 0;
        }
        heap_put(t, x);
    }
    return false;
}

/* ---- putting together
 * -------------------------------------------------------------------- */

static uint32_t joined(struct trainer *t, const struct pair *p)
{
    struct buf b = BUF_INIT(TOKEN_BYTES);
    buf_put_str(&b, map_key(t->tokens, p->left));
    struct str right = map_key(t->tokens, p->right);
    buf_put_str(&b, str_sub(right, 2, right.n)); /* without its ## */
    uint32_t id = wordpiece_token(t, buf_str(&b));
    buf_free(&b);
    return id;
}

static bool has_pair(const struct trainer *t, const struct word_row *x,
                     uint32_t left, uint32_t right)
{
    const uint32_t *row = t->row + x->at;
    for (size_t i = 0; i + 1 < x->n; i++) {
        if (row[i] == left && row[i + 1] == right)
            return true;
    }
    return false;
}

static void join(struct trainer *t, uint32_t id)
{
    const struct pair p = t->pair[id]; /* the list moves while it grows */
    uint32_t fresh = joined(t, &p);
    t->pair[id].words = NULL;
    t->pair[id].n_words = t->pair[id].words_cap = 0;
    for (size_t k = 0; k < p.n_words; k++) {
        struct word_row *x = &t->rows[p.words[k]];
        uint32_t *row = t->row + x->at;
        size_t n = 0;
        if (!has_pair(t, x, p.left, p.right))
            continue;
        count_word(t, p.words[k], -x->count, fresh);
        for (size_t i = 0; i < x->n; i++) {
            bool both =
                i + 1 < x->n && row[i] == p.left && row[i + 1] == p.right;
            row[n++] = both ? fresh : row[i];
            i += both;
        }
        x->n = n;
        count_word(t, p.words[k], x->count, fresh);
    }
    free(p.words);
}

void wordpiece_join(struct trainer *t, size_t most)
{
    uint32_t id;
    t->pairs = map_new();
    for (size_t i = 0; i < t->n_rows; i++)
        count_word(t, (uint32_t)i, t->rows[i].count, UINT32_MAX);
    offer_touched(t);
    while (map_len(t->tokens) < most && best_pair(t, &id)) {
        join(t, id);
        offer_touched(t);
    }
}

void wordpiece_pairs_free(struct trainer *t)
{
    for (size_t i = 0; i < t->n_pairs; i++)
        free(t->pair[i].words);
    map_free(t->pairs);
    free(t->pair);
    free(t->heap);
    free(t->touched);
}
