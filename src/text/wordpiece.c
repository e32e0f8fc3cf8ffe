/* SPDX-License-Identifier: Apache-2.0 */
/* The longest token at each place, from the left (Wu et al. 2016). */
#include "base/err.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

int wordpiece_init(struct tokenizer *t, struct str inside, size_t max_chars,
                   struct err *e)
{
    uint32_t node = TRIE_ROOT;
    for (size_t i = 0; i < inside.n && node != TRIE_NONE;) {
        uint32_t cp;
        i += utf8_decode(str_sub(inside, i, UTF8_MAX), &cp);
        node = trie_step(&t->vocabulary, node, cp);
    }
    if (node == TRIE_NONE)
        return err_field(e, OTK_EFORMAT, "continuing_subword_prefix",
                         "no token begins with '" STR_FMT
                         "'; is this the vocabulary of a WordPiece model?",
                         STR_ARG(inside));
    t->wordpiece = (struct wordpiece){.max_chars = max_chars, .inside = node};
    t->encode = wordpiece_encode;
    return OTK_OK;
}

/* The longest token from `node` on: how many glyphs; 0: none. */
static size_t longest(const struct trie *v, uint32_t node,
                      const struct glyph *g, size_t n, uint32_t *ret)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        node = trie_step(v, node, g[i].cp);
        if (node == TRIE_NONE)
            break;
        if (v->values[node] != TRIE_NONE) {
            *ret = v->values[node];
            len = i + 1;
        }
    }
    return len;
}

void wordpiece_encode(const struct tokenizer *t, struct tokenizer_scratch *s,
                      const struct glyph *g, size_t n)
{
    size_t before = s->n_tokens;
    size_t at = n > t->wordpiece.max_chars ? n : 0;
    bool known = at == 0;
    while (known && at < n) {
        uint32_t node = at ? t->wordpiece.inside : TRIE_ROOT;
        uint32_t id = TRIE_NONE;
        size_t len = longest(&t->vocabulary, node, g + at, n - at, &id);
        known = len > 0;
        if (known)
            token_put(t, s, id, g + at, len);
        at += len;
    }
    if (!known) { /* a word is known as a whole or not at all */
        s->n_tokens = before;
        token_put(t, s, t->unk, g, n);
    }
}
