/* SPDX-License-Identifier: Apache-2.0 */
#include "model/wordpiece_train.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/bert_words.h"
#include "text/unicode.h"

enum {
    WORD_CHARS = 100, /* the tokenizer takes no longer word */
    PAIR_COUNT = 2,   /* what is there once is no habit */
    TOKEN_BYTES = 2 + WORD_CHARS * UTF8_MAX,
    SPECIALS = 5,
};

/* A word of the texts, as the tokens that it is made of by now. */
struct word_row {
    size_t at, n; /* in `row` */
    int64_t count;
};

/* Two tokens that stand side by side. */
struct pair {
    uint32_t left, right;
    int64_t count;
    uint32_t *words; /* where they may be; some are there no more */
    size_t n_words, words_cap;
    bool touched; /* waits in `touched` */
};

/* A pair and what it was worth when it was put here. */
struct candidate {
    double gain;
    uint32_t pair;
};

struct trainer {
    struct map *words;  /* text -> count */
    struct map *chars;  /* text of one -> count */
    struct map *tokens; /* text -> id */
    struct map *pairs;  /* two ids -> place in `pair` */
    int64_t *counts;    /* of tokens in the texts */
    size_t counts_cap;
    int64_t total; /* of tokens in the texts */
    struct word_row *rows;
    size_t n_rows;
    uint32_t *row;
    struct pair *pair;
    size_t n_pairs, pairs_cap;
    struct candidate *heap;
    size_t n_heap, heap_cap;
    uint32_t *touched;
    size_t n_touched, touched_cap;
};

/* ---- words
 * ------------------------------------------------------------------------- */

static void put_word(void *ctx, const uint32_t *cps, size_t n)
{
    struct trainer *t = ctx;
    char text[WORD_CHARS * UTF8_MAX];
    size_t len = 0;
    bool is_new;
    if (n > WORD_CHARS)
        return;
    for (size_t i = 0; i < n; i++) {
        size_t bytes = utf8_encode(cps[i], text + len);
        map_put(t->chars, (struct str){text + len, bytes}, &is_new)->num++;
        len += bytes;
    }
    map_put(t->words, (struct str){text, len}, &is_new)->num++;
}

static int count_words(struct trainer *t, const struct str *texts, size_t n,
                       struct err *e)
{
    struct bert_words *w = bert_words_new();
    for (size_t i = 0; i < n && map_len(t->words) <= WORDPIECE_WORDS_MAX; i++)
        bert_words_each(w, texts[i], put_word, t);
    bert_words_free(w);
    if (map_len(t->words) > WORDPIECE_WORDS_MAX)
        return err_set(e, OTK_ELIMIT,
                       "the texts have more than %d different words; a part of "
                       "them gives the same vocabulary",
                       WORDPIECE_WORDS_MAX);
    if (map_len(t->words) == 0)
        return err_set(e, OTK_EFORMAT, "there is no word in %zu texts", n);
    return OTK_OK;
}

/* ---- tokens
 * ------------------------------------------------------------------------ */

static uint32_t token(struct trainer *t, struct str text)
{
    bool is_new;
    size_t n = map_len(t->tokens);
    union map_value *at = map_put(t->tokens, text, &is_new);
    if (is_new) {
        t->counts = mem_grow(t->counts, n, &t->counts_cap, sizeof(*t->counts));
        t->counts[n] = 0;
        at->num = (int64_t)n;
    }
    return (uint32_t)at->num;
}

struct letter {
    struct str text;
    int64_t count;
};

static int by_count(const void *a, const void *b)
{
    const struct letter *x = a;
    const struct letter *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return str_cmp(x->text, y->text);
}

static int by_text(const void *a, const void *b)
{
    const struct letter *x = a;
    const struct letter *y = b;
    return str_cmp(x->text, y->text);
}

static uint32_t inside(struct trainer *t, struct str text)
{
    char bytes[2 + UTF8_MAX] = "##";
    memcpy(bytes + 2, text.p, text.n);
    return token(t, (struct str){bytes, 2 + text.n});
}

/* Letters are tokens at both places, signs where they can stand. */
static void take_letters(struct trainer *t)
{
    size_t n = map_len(t->chars);
    struct letter *list = mem_new(n, sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] =
            (struct letter){map_key(t->chars, i), map_at(t->chars, i)->num};
    qsort(list, n, sizeof(*list), by_count);
    n = n < WORDPIECE_LETTERS_MAX ? n : WORDPIECE_LETTERS_MAX;
    qsort(list, n, sizeof(*list), by_text);
    for (size_t i = 0; i < n; i++)
        (void)token(t, list[i].text);
    for (size_t i = 0; i < n; i++) {
        uint32_t cp = 0;
        (void)utf8_decode(list[i].text, &cp);
        if (cp_is_latin(cp) || cp_is_cyrillic(cp) || cp_is_digit(cp))
            (void)inside(t, list[i].text);
    }
    free(list);
}

/* The word as single characters; false: one of them is no token. */
static bool spell(struct trainer *t, struct str word, uint32_t *ret,
                  size_t *ret_n)
{
    *ret_n = 0;
    for (size_t i = 0; i < word.n;) {
        uint32_t cp;
        size_t len = utf8_decode(str_sub(word, i, UTF8_MAX), &cp);
        struct str one = str_sub(word, i, len);
        const union map_value *at = map_find(t->tokens, one);
        if (!at)
            return false;
        ret[(*ret_n)++] = i ? inside(t, one) : (uint32_t)at->num;
        i += len;
    }
    return true;
}

static void spell_all(struct trainer *t)
{
    size_t bytes = 0;
    size_t at = 0;
    for (size_t i = 0; i < map_len(t->words); i++)
        bytes += map_key(t->words, i).n;
    t->row = mem_new(bytes, sizeof(*t->row));
    t->rows = mem_new(map_len(t->words), sizeof(*t->rows));
    for (size_t i = 0; i < map_len(t->words); i++) {
        struct word_row *x = &t->rows[t->n_rows];
        x->at = at;
        x->count = map_at(t->words, i)->num;
        if (spell(t, map_key(t->words, i), t->row + at, &x->n)) {
            at += x->n;
            t->n_rows++;
        }
    }
}

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
    uint32_t id = token(t, buf_str(&b));
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

static int learn(struct trainer *t, size_t most, struct err *e)
{
    uint32_t id;
    spell_all(t);
    if (map_len(t->tokens) > most)
        return err_set(e, OTK_EINVAL,
                       "a vocabulary of %zu is too small: the characters of "
                       "these texts alone are %zu tokens",
                       most, map_len(t->tokens));
    for (size_t i = 0; i < t->n_rows; i++)
        count_word(t, (uint32_t)i, t->rows[i].count, UINT32_MAX);
    offer_touched(t);
    while (map_len(t->tokens) < most && best_pair(t, &id)) {
        join(t, id);
        offer_touched(t);
    }
    return OTK_OK;
}

/* ---- the whole
 * -------------------------------------------------------------------------- */

static void trainer_free(struct trainer *t)
{
    for (size_t i = 0; i < t->n_pairs; i++)
        free(t->pair[i].words);
    map_free(t->words);
    map_free(t->chars);
    map_free(t->tokens);
    map_free(t->pairs);
    free(t->counts);
    free(t->rows);
    free(t->row);
    free(t->pair);
    free(t->heap);
    free(t->touched);
}

int wordpiece_train(const struct str *texts, size_t n, size_t most,
                    struct arena *a, struct wordpiece_vocabulary *ret,
                    struct err *e)
{
    static const char *const specials[SPECIALS] = {"[PAD]", "[UNK]", "[CLS]",
                                                   "[SEP]", "[MASK]"};
    struct trainer t = {.words = map_new(),
                        .chars = map_new(),
                        .tokens = map_new(),
                        .pairs = map_new()};
    int r = OTK_OK;
    if (most > WORDPIECE_VOCAB_MAX)
        r = err_set(e, OTK_EINVAL, "a vocabulary of %zu; at most %d", most,
                    WORDPIECE_VOCAB_MAX);
    if (!r)
        r = count_words(&t, texts, n, e);
    for (size_t i = 0; i < SPECIALS; i++)
        (void)token(&t, str_from(specials[i]));
    if (!r) {
        take_letters(&t);
        r = learn(&t, most, e);
    }
    if (!r) {
        ret->n = map_len(t.tokens);
        ret->tokens = ARENA_ARRAY(a, struct str, ret->n);
        for (size_t i = 0; i < ret->n; i++)
            ret->tokens[i] = arena_str(a, map_key(t.tokens, i));
    }
    trainer_free(&t);
    return r;
}
