/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that are found in a text before it is cut into words. */
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

int added_put(struct added *a, bool normal, struct str content,
              struct added_token token)
{
    struct added_set *set = normal ? &a->normal : &a->raw;
    uint32_t first;
    if (!set->any)
        trie_init(&set->contents);
    set->any = true;
    uint32_t *slot = trie_add(&set->contents, content);
    if (!slot)
        return OTK_ELIMIT;
    if (*slot != TRIE_NONE)
        return OTK_ECONFLICT;
    *slot = (uint32_t)a->n;
    (void)utf8_decode(content, &first);
    set->first[first & 0xff] = true;
    a->items = mem_grow(a->items, a->n, &a->cap, sizeof(*a->items));
    a->items[a->n++] = token;
    return OTK_OK;
}

/* The longest token at the front of `g`: how many glyphs; 0: none. */
static size_t longest(const struct added *a, const struct added_set *set,
                      const struct glyph *g, size_t n,
                      const struct added_token **ret)
{
    uint32_t node = TRIE_ROOT;
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        node = trie_step(&set->contents, node, g[i].cp);
        if (node == TRIE_NONE)
            break;
        uint32_t value = set->contents.values[node];
        if (value != TRIE_NONE) {
            *ret = &a->items[value];
            len = i + 1;
        }
    }
    return len;
}

static void piece_put(struct added_pieces *out, size_t at, size_t end,
                      const struct added_token *token)
{
    if (at >= end)
        return;
    out->p = mem_grow(out->p, out->n, &out->cap, sizeof(*out->p));
    out->p[out->n++] =
        (struct added_piece){.at = at, .n = end - at, .token = token};
}

void added_cut(const struct added *a, const struct added_set *set,
               const struct glyph *g, size_t n, struct added_pieces *ret)
{
    size_t done = 0;
    ret->n = 0;
    for (size_t i = 0; set->any && i < n;) {
        const struct added_token *token = NULL;
        size_t len = set->first[g[i].cp & 0xff]
                         ? longest(a, set, g + i, n - i, &token)
                         : 0;
        size_t from = i;
        size_t to = i + len;
        i += len ? len : 1;
        if (len == 0)
            continue;
        if (token->single_word && ((from > 0 && cp_is_word(g[from - 1].cp)) ||
                                   (to < n && cp_is_word(g[to].cp))))
            continue;
        while (token->lstrip && from > done && cp_is_white(g[from - 1].cp))
            from--;
        while (token->rstrip && to < n && cp_is_white(g[to].cp))
            to++;
        piece_put(ret, done, from, NULL);
        piece_put(ret, from, to, token);
        done = to;
        i = to > i ? to : i;
    }
    piece_put(ret, done, n, NULL);
}
