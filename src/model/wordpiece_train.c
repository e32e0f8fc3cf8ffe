/* SPDX-License-Identifier: Apache-2.0 */
#include "model/wordpiece_train.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/wordpiece_private.h"
#include "text/bert_words.h"
#include "text/unicode.h"

enum {
    SPECIALS = 5,
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

uint32_t wordpiece_token(struct trainer *t, struct str text)
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
    return wordpiece_token(t, (struct str){bytes, 2 + text.n});
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
        (void)wordpiece_token(t, list[i].text);
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

/* ---- the whole
 * -------------------------------------------------------------------------- */

static int learn(struct trainer *t, size_t most, struct err *e)
{
    spell_all(t);
    if (map_len(t->tokens) > most)
        return err_set(e, OTK_EINVAL,
                       "a vocabulary of %zu is too small: the characters of "
                       "these texts alone are %zu tokens",
                       most, map_len(t->tokens));
    wordpiece_join(t, most);
    return OTK_OK;
}

static void trainer_free(struct trainer *t)
{
    wordpiece_pairs_free(t);
    map_free(t->words);
    map_free(t->chars);
    map_free(t->tokens);
    free(t->counts);
    free(t->rows);
    free(t->row);
}

int wordpiece_train(const struct str *texts, size_t n, size_t most,
                    struct arena *a, struct wordpiece_vocabulary *ret,
                    struct err *e)
{
    static const char *const specials[SPECIALS] = {"[PAD]", "[UNK]", "[CLS]",
                                                   "[SEP]", "[MASK]"};
    struct trainer t = {
        .words = map_new(), .chars = map_new(), .tokens = map_new()};
    int r = OTK_OK;
    if (most > WORDPIECE_VOCAB_MAX)
        r = err_set(e, OTK_EINVAL, "a vocabulary of %zu; at most %d", most,
                    WORDPIECE_VOCAB_MAX);
    if (!r)
        r = count_words(&t, texts, n, e);
    for (size_t i = 0; i < SPECIALS; i++)
        (void)wordpiece_token(&t, str_from(specials[i]));
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
