/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The normalizer that SentencePiece compiles into its models: a double-array
 * trie over bytes (Aoe 1989, in the layout of darts-clone), whose values are
 * offsets of NUL-ended replacements. Layout of the blob: the size of the trie
 * in bytes, its units, the replacements; numbers are 32 bit, little endian.
 *
 * A grapheme of fewer than six bytes is looked up as a whole and the shortest
 * key at its front decides for all of it; else each character alone. That is
 * what the reference does, and models are used so.
 */
#include <stdlib.h>
#include <utf8proc.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

enum { UNIT = 4, GRAPHEME_BYTES = 6 };

struct charsmap {
    uint32_t *units;
    size_t n_units;
    char *text;
    size_t n_text;
};

static uint32_t read_u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

int charsmap_new(struct str bytes, struct charsmap **ret, struct err *e)
{
    size_t size = bytes.n < UNIT ? 0 : read_u32(bytes.p);
    if (size == 0 || size % UNIT || size > bytes.n - UNIT)
        return err_field(e, OTK_EFORMAT, "precompiled_charsmap",
                         "its trie has %zu bytes of %zu; the file is damaged",
                         size, bytes.n);
    struct str text = str_sub(bytes, UNIT + size, bytes.n);
    if (utf8_check(text) != text.n)
        return err_field(e, OTK_EFORMAT, "precompiled_charsmap",
                         "its texts are not UTF-8; the file is damaged");
    struct charsmap *m = MEM_NEW(struct charsmap);
    m->n_units = size / UNIT;
    m->units = mem_new(m->n_units, sizeof(*m->units));
    for (size_t i = 0; i < m->n_units; i++)
        m->units[i] = read_u32(bytes.p + UNIT * (i + 1));
    m->text = mem_copy(text.p, text.n);
    m->n_text = text.n;
    *ret = m;
    return OTK_OK;
}

void charsmap_free(struct charsmap *m)
{
    if (!m)
        return;
    free(m->units);
    free(m->text);
    free(m);
}

/* Fields of a unit, as darts-clone packs them. */
static size_t unit_offset(uint32_t u)
{
    return (size_t)(u >> 10) << ((u & (1u << 9)) >> 6);
}

static bool unit_has_leaf(uint32_t u)
{
    return u >> 8 & 1;
}

static uint32_t unit_label(uint32_t u)
{
    return u & (1u << 31 | 0xff);
}

static uint32_t unit_value(uint32_t u)
{
    return u & ((1u << 31) - 1);
}

/* What replaces the shortest key at the front of `s`; false: no key. */
static bool look_up(const struct charsmap *m, struct str s, struct str *ret)
{
    size_t at = unit_offset(m->units[0]);
    for (size_t i = 0; i < s.n && s.p[i]; i++) {
        unsigned char c = (unsigned char)s.p[i];
        at ^= c;
        if (at >= m->n_units || unit_label(m->units[at]) != c)
            return false;
        bool leaf = unit_has_leaf(m->units[at]);
        at ^= unit_offset(m->units[at]);
        if (!leaf)
            continue;
        if (at >= m->n_units || unit_value(m->units[at]) > m->n_text)
            return false;
        size_t from = unit_value(m->units[at]);
        const char *p = m->text + from;
        *ret = (struct str){p, strnlen(p, m->n_text - from)};
        return true;
    }
    return false;
}

/* The last character waits: if nothing replaces the next, it takes the place
 * of that one too. */
struct waiting {
    struct rewrite w;
    uint32_t cp;
    int change;
    bool any;
};

static void put(struct waiting *q, uint32_t cp, int change)
{
    if (q->any)
        rewrite_put(&q->w, q->cp, q->change);
    q->cp = cp;
    q->change = change;
    q->any = true;
}

/* `text` instead of `old` characters. */
static void put_instead(struct waiting *q, struct str text, size_t old)
{
    size_t put_in = 0;
    size_t len = utf8_len(text);
    for (size_t i = 0; i < text.n && !q->w.out->full;) {
        uint32_t cp;
        size_t bytes = utf8_decode(str_sub(text, i, UTF8_MAX), &cp);
        if (bytes == 0) { /* the trie points into the middle of one */
            cp = 0xfffd;
            bytes = 1;
        }
        i += bytes;
        put(q, cp, ++put_in > old);
    }
    if (len < old && q->any)
        q->change -= (int)(old - len);
}

/* Where the grapheme that begins at `i` ends (Unicode TR29). */
static size_t grapheme_end(const struct glyph *in, size_t n, size_t i)
{
    utf8proc_int32_t state = 0;
    for (i++; i < n; i++) {
        uint32_t a = in[i - 1].cp;
        uint32_t b = in[i].cp;
        bool ascii = a < 0x80 && b < 0x80 && a != '\r';
        if (ascii || utf8proc_grapheme_break_stateful(
                         (utf8proc_int32_t)a, (utf8proc_int32_t)b, &state))
            break;
    }
    return i;
}

static void grapheme(const struct charsmap *m, struct waiting *q,
                     const struct glyph *in, size_t n)
{
    char bytes[GRAPHEME_BYTES + UTF8_MAX];
    struct str instead;
    size_t len = 0;
    for (size_t i = 0; i < n && len < GRAPHEME_BYTES; i++)
        len += utf8_encode(in[i].cp, bytes + len);
    if (len < GRAPHEME_BYTES &&
        look_up(m, (struct str){bytes, len}, &instead)) {
        put_instead(q, instead, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        len = utf8_encode(in[i].cp, bytes);
        if (look_up(m, (struct str){bytes, len}, &instead))
            put_instead(q, instead, 1);
        else
            put(q, in[i].cp, 0);
    }
}

void charsmap_run(const struct charsmap *m, const struct glyph *in, size_t n,
                  struct glyphs *out)
{
    struct waiting q = {.w = {.old = in, .n = n, .out = out}};
    for (size_t i = 0; i < n && !out->full;) {
        size_t end = grapheme_end(in, n, i);
        grapheme(m, &q, in + i, end - i);
        i = end;
    }
    if (q.any)
        rewrite_put(&q.w, q.cp, q.change);
}
