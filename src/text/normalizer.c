/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "text/tokenizer_parts.h"

/* ---- character by character ---------------------------------------------- */

static void clean(const struct glyph *in, size_t n, struct glyphs *out)
{
    for (size_t i = 0; i < n; i++) {
        struct glyph g = in[i];
        if (g.cp == 0 || g.cp == 0xfffd || cp_is_control(g.cp))
            continue;
        if (cp_is_white(g.cp))
            g.cp = ' ';
        glyphs_put(out, g);
    }
}

/* The blocks that BERT's authors took for Chinese, their gap (2b820-2b91f)
 * included: the vocabularies were learned so. */
static bool is_cjk(uint32_t cp)
{
    return cp >= 0x3400 && ((cp >= 0x4e00 && cp <= 0x9fff) || cp <= 0x4dbf ||
                            (cp >= 0xf900 && cp <= 0xfaff) ||
                            (cp >= 0x20000 && cp <= 0x2a6df) ||
                            (cp >= 0x2a700 && cp <= 0x2b81f) ||
                            (cp >= 0x2b920 && cp <= 0x2ceaf) ||
                            (cp >= 0x2f800 && cp <= 0x2fa1f));
}

static void space_cjk(const struct glyph *in, size_t n, struct glyphs *out)
{
    for (size_t i = 0; i < n; i++) {
        struct glyph space = in[i];
        space.cp = ' ';
        bool cjk = is_cjk(in[i].cp);
        if (cjk)
            glyphs_put(out, space);
        glyphs_put(out, in[i]);
        if (cjk)
            glyphs_put(out, space);
    }
}

static void lower(const struct glyph *in, size_t n, struct glyphs *out)
{
    enum { I_DOTTED = 0x130, DOT_ABOVE = 0x307 };
    for (size_t i = 0; i < n; i++) {
        struct glyph g = in[i];
        if (g.cp < 0x80)
            g.cp += g.cp >= 'A' && g.cp <= 'Z' ? 'a' - 'A' : 0;
        else if (g.cp >= 0x410 && g.cp <= 0x44f)
            g.cp += g.cp < 0x430 ? 0x20 : 0;
        else
            g.cp = (uint32_t)utf8proc_tolower((utf8proc_int32_t)g.cp);
        if (in[i].cp == I_DOTTED)
            g.cp = 'i';
        glyphs_put(out, g);
        if (in[i].cp == I_DOTTED) { /* the one letter that becomes two */
            g.cp = DOT_ABOVE;
            glyphs_put(out, g);
        }
    }
}

static void without(bool (*is)(uint32_t), const struct glyph *in, size_t n,
                    struct glyphs *out)
{
    for (size_t i = 0; i < n; i++) {
        if (!is(in[i].cp))
            glyphs_put(out, in[i]);
    }
}

static void strip(const struct normal_step *step, const struct glyph *in,
                  size_t n, struct glyphs *out)
{
    size_t from = 0;
    while (step->left && from < n && cp_is_white(in[from].cp))
        from++;
    while (step->right && n > from && cp_is_white(in[n - 1].cp))
        n--;
    for (size_t i = from; i < n; i++)
        glyphs_put(out, in[i]);
}

/* How many glyphs at the front of `in` the pattern takes; 0: none. */
static size_t match(const struct normal_step *step, const struct glyph *in,
                    size_t n)
{
    size_t i = 0;
    if (step->at_least) {
        while (i < n && (step->white ? cp_is_white(in[i].cp)
                                     : in[i].cp == step->pattern.p[0]))
            i++;
        return i >= step->at_least ? i : 0;
    }
    while (i < step->pattern.n && i < n && in[i].cp == step->pattern.p[i])
        i++;
    return i == step->pattern.n ? i : 0;
}

static void replace(const struct normal_step *step, const struct glyph *in,
                    size_t n, struct glyphs *out)
{
    for (size_t i = 0; i < n;) {
        size_t len = match(step, in + i, n - i);
        if (len == 0) {
            glyphs_put(out, in[i++]);
            continue;
        }
        i += len;
        struct glyph g = in[i - 1]; /* what comes instead is from there */
        for (size_t k = 0; k < step->content.n; k++) {
            g.cp = step->content.p[k];
            glyphs_put(out, g);
        }
    }
}

/* ---- canonical forms (Unicode TR15) -------------------------------------- */

enum { HANGUL = 0xac00, HANGUL_END = 0xd7a3, DECOMPOSED_MAX = 32 };

static void mark_put(struct tokenizer_scratch *s, uint32_t cp, int change,
                     uint8_t class)
{
    s->marks = mem_grow(s->marks, s->n_marks, &s->marks_cap, sizeof(*s->marks));
    s->marks[s->n_marks] = (struct normal_mark){
        .cp = cp,
        .order = (uint32_t)s->n_marks,
        .change = change,
        .class = class,
    };
    s->n_marks++;
}

static uint8_t class_of(uint32_t cp)
{
    return (uint8_t)utf8proc_get_property((utf8proc_int32_t)cp)
        ->combining_class;
}

static void decompose(struct tokenizer_scratch *s, uint32_t cp, bool compat)
{
    if (cp < 0xa0) {
        mark_put(s, cp, 0, 0);
        return;
    }
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)cp);
    bool hangul = cp >= HANGUL && cp <= HANGUL_END;
    if (p->decomp_seqindex == UINT16_MAX && !hangul) {
        mark_put(s, cp, 0, (uint8_t)p->combining_class);
        return;
    }
    utf8proc_int32_t parts[DECOMPOSED_MAX];
    int boundary = 0; /* of graphemes: not asked for */
    utf8proc_option_t how = UTF8PROC_DECOMPOSE;
    if (compat)
        how |= UTF8PROC_COMPAT;
    utf8proc_ssize_t n = utf8proc_decompose_char(
        (utf8proc_int32_t)cp, parts, DECOMPOSED_MAX, how, &boundary);
    if (n < 1 || n > DECOMPOSED_MAX) { /* Unicode promises at most 18 */
        mark_put(s, cp, 0, 0);
        return;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++)
        mark_put(s, (uint32_t)parts[i], i > 0, class_of((uint32_t)parts[i]));
}

static int by_class(const void *a, const void *b)
{
    const struct normal_mark *x = a;
    const struct normal_mark *y = b;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Put each run of marks into canonical order. */
static void order(struct normal_mark *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t from = i;
        bool sorted = true;
        while (i < n && m[i].class) {
            sorted = sorted && (i == from || m[i - 1].class <= m[i].class);
            i++;
        }
        if (!sorted)
            qsort(m + from, i - from, sizeof(*m), by_class);
    }
}

/* The one character of two, or 0. Only marks and jamo follow another. */
static uint32_t composed(uint32_t a, uint32_t b)
{
    bool jamo = b >= 0x1161 && b <= 0x11c2;
    if (!jamo && !cp_is_mark(b))
        return 0;
    utf8proc_int32_t pair[2] = {(utf8proc_int32_t)a, (utf8proc_int32_t)b};
    utf8proc_ssize_t n =
        utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    return n == 1 ? (uint32_t)pair[0] : 0;
}

/* Compose in place; how many are left. */
static size_t compose(struct normal_mark *m, size_t n)
{
    size_t out = 0;
    size_t starter = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        bool adjacent = starter != SIZE_MAX && out == starter + 1;
        bool open =
            starter != SIZE_MAX && (adjacent || m[out - 1].class < m[i].class);
        uint32_t cp = open ? composed(m[starter].cp, m[i].cp) : 0;
        if (cp) {
            m[starter].cp = cp;
            m[starter].change += m[i].change - 1;
            continue;
        }
        if (m[i].class == 0)
            starter = out;
        m[out++] = m[i];
    }
    return out;
}

static void form(const struct normal_step *step, struct tokenizer_scratch *s,
                 const struct glyph *in, size_t n, struct glyphs *out)
{
    s->n_marks = 0;
    for (size_t i = 0; i < n && s->n_marks < GLYPHS_MAX; i++)
        decompose(s, in[i].cp, step->compat);
    order(s->marks, s->n_marks);
    if (step->compose)
        s->n_marks = compose(s->marks, s->n_marks);
    struct rewrite w = {.old = in, .n = n, .out = out};
    for (size_t i = 0; i < s->n_marks; i++)
        rewrite_put(&w, s->marks[i].cp, s->marks[i].change);
}

/* ---- all steps ----------------------------------------------------------- */

static void run(const struct normal_step *step, struct tokenizer_scratch *s,
                const struct glyph *in, size_t n, struct glyphs *out)
{
    switch (step->kind) {
    case NORMAL_CLEAN: clean(in, n, out); break;
    case NORMAL_CJK: space_cjk(in, n, out); break;
    case NORMAL_FORM: form(step, s, in, n, out); break;
    case NORMAL_NO_MN: without(cp_is_nonspacing, in, n, out); break;
    case NORMAL_NO_MARK: without(cp_is_mark, in, n, out); break;
    case NORMAL_LOWER: lower(in, n, out); break;
    case NORMAL_STRIP: strip(step, in, n, out); break;
    case NORMAL_REPLACE: replace(step, in, n, out); break;
    case NORMAL_CHARSMAP: charsmap_run(step->map, in, n, out); break;
    }
}

const struct glyph *normalize(const struct tokenizer *t,
                              struct tokenizer_scratch *s,
                              const struct glyph *in, size_t n, size_t *ret_n)
{
    for (size_t i = 0; i < t->n_normals && n; i++) {
        struct glyphs *out = &s->normal[i % 2];
        out->n = 0;
        run(&t->normals[i], s, in, n, out);
        in = out->p;
        n = out->n;
    }
    *ret_n = n;
    return in;
}
