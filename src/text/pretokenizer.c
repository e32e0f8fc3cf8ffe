/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

static void span_put(struct spans *s, size_t at, size_t n)
{
    if (n == 0)
        return;
    s->p = mem_grow(s->p, s->n, &s->cap, sizeof(*s->p));
    s->p[s->n++] = (struct span){.at = at, .n = n};
}

/* ---- by classes of characters -------------------------------------------- */

enum class { CLASS_WHITE, CLASS_WORD, CLASS_OTHER, CLASS_ALONE };

static enum class class_of(enum cut_kind kind, uint32_t cp) {
    if (cp_is_white(cp)) return CLASS_WHITE;
    if (kind == CUT_WORDS) return cp_is_word(cp) ? CLASS_WORD : CLASS_OTHER;
    if (kind == CUT_BERT && cp_is_punctuation(cp)) return CLASS_ALONE;
    return CLASS_WORD;
}

/* White space goes; the rest is cut where the class changes. */
static void cut_classes(enum cut_kind kind, const struct glyph *g,
                        struct span in, struct spans *out)
{
    size_t end = in.at + in.n;
    size_t from = in.at;
    enum class last = CLASS_WHITE;
    for (size_t i = in.at; i < end; i++) {
        enum class c = class_of(kind, g[i].cp);
        if (c == last && c != CLASS_ALONE)
            continue;
        if (last != CLASS_WHITE)
            span_put(out, from, i - from);
        from = i;
        last = c;
    }
    if (last != CLASS_WHITE)
        span_put(out, from, end - from);
}

/* ---- ByteLevel -------------------------------------------------------------
 */

/* How many characters of a contraction ('s 't 're …) are at the front. */
static size_t contraction(const struct glyph *g, size_t n)
{
    if (n < 2 || g[0].cp != '\'')
        return 0;
    uint32_t a = g[1].cp;
    uint32_t b = n > 2 ? g[2].cp : 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') ||
        (a == 'l' && b == 'l'))
        return 3;
    return 0;
}

enum sort { SORT_SPACE, SORT_LETTER, SORT_NUMBER, SORT_OTHER };

static enum sort sort_of(uint32_t cp)
{
    if (cp_is_white(cp))
        return SORT_SPACE;
    if (cp_is_letter(cp))
        return SORT_LETTER;
    return cp_is_number(cp) ? SORT_NUMBER : SORT_OTHER;
}

/*
 * One match of the expression of GPT-2 (Radford et al. 2019):
 * 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */
static size_t word_len(const struct glyph *g, size_t n)
{
    size_t i = contraction(g, n);
    if (i)
        return i;
    i = g[0].cp == ' ' && n > 1;
    enum sort sort = sort_of(g[i].cp);
    if (sort != SORT_SPACE) {
        while (i < n && sort_of(g[i].cp) == sort)
            i++;
        return i;
    }
    for (i = 0; i < n && cp_is_white(g[i].cp);)
        i++;
    return i == n || i == 1 ? i : i - 1;
}

/* The character that stands for a byte in byte-level vocabularies: itself
 * where it can be seen, else the next free one from U+0100 on. */
static uint32_t byte_sign(unsigned char b)
{
    enum { FREE = 0x100 };
    if (b <= ' ')
        return FREE + b;
    if (b >= 0x7f && b <= 0xa0)
        return FREE + ' ' + 1u + (b - 0x7fu);
    if (b == 0xad)
        return FREE + ' ' + 1u + (0xa0 - 0x7f) + 1u;
    return b;
}

static void bytes_of(const struct glyph *g, size_t n, struct glyphs *out)
{
    for (size_t i = 0; i < n; i++) {
        char bytes[UTF8_MAX];
        size_t len = utf8_encode(g[i].cp, bytes);
        for (size_t k = 0; k < len; k++) {
            struct glyph sign = g[i];
            sign.cp = byte_sign((unsigned char)bytes[k]);
            glyphs_put(out, sign);
        }
    }
}

static void cut_bytes(const struct cut_step *step, struct tokenizer_scratch *s,
                      const struct glyph *g, struct span in, struct glyphs *out,
                      struct spans *words)
{
    g += in.at;
    size_t n = in.n;
    if (step->prepend == PREPEND_ALWAYS && g[0].cp != ' ') {
        struct glyph space = g[0];
        space.cp = ' ';
        s->prefixed.n = 0;
        glyphs_put(&s->prefixed, space);
        for (size_t i = 0; i < n; i++)
            glyphs_put(&s->prefixed, g[i]);
        g = s->prefixed.p;
        n = s->prefixed.n;
    }
    for (size_t i = 0; i < n;) {
        size_t len = step->split ? word_len(g + i, n - i) : n - i;
        size_t begin = out->n;
        bytes_of(g + i, len, out);
        span_put(words, begin, out->n - begin);
        i += len;
    }
}

/* ---- Metaspace -------------------------------------------------------------
 */

static void cut_meta(const struct cut_step *step, const struct glyph *g,
                     struct span in, struct glyphs *out, struct spans *words)
{
    size_t begin = out->n;
    bool first = g[in.at].cp == ' ' || g[in.at].cp == step->replacement;
    bool wanted = step->prepend == PREPEND_ALWAYS ||
                  (step->prepend == PREPEND_FIRST && g[in.at].from == 0);
    if (!first && wanted) {
        struct glyph mark = g[in.at];
        mark.cp = step->replacement;
        glyphs_put(out, mark);
    }
    for (size_t i = in.at; i < in.at + in.n; i++) {
        struct glyph x = g[i];
        if (x.cp == ' ')
            x.cp = step->replacement;
        if (step->split && x.cp == step->replacement && i > in.at) {
            span_put(words, begin, out->n - begin);
            begin = out->n;
        }
        glyphs_put(out, x);
    }
    span_put(words, begin, out->n - begin);
}

/* ---- all steps ----------------------------------------------------------- */

const struct glyph *pretokenize(const struct tokenizer *t,
                                struct tokenizer_scratch *s,
                                const struct glyph *in, size_t n)
{
    size_t row = 0;
    s->words.n = 0;
    span_put(&s->words, 0, n);
    for (size_t i = 0; i < t->n_cuts; i++) {
        const struct cut_step *step = &t->cuts[i];
        bool rewrites = step->kind == CUT_BYTES || step->kind == CUT_META;
        struct glyphs *out = &s->cut[row];
        struct spans old = s->words;
        s->words = s->cutting;
        s->cutting = old;
        s->words.n = 0;
        out->n = rewrites ? 0 : out->n;
        for (size_t k = 0; k < old.n; k++) {
            if (step->kind == CUT_BYTES)
                cut_bytes(step, s, in, old.p[k], out, &s->words);
            else if (step->kind == CUT_META)
                cut_meta(step, in, old.p[k], out, &s->words);
            else
                cut_classes(step->kind, in, old.p[k], &s->words);
        }
        if (rewrites) {
            in = out->p;
            row = !row;
        }
    }
    return in;
}
