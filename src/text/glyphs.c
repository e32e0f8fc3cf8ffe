/* SPDX-License-Identifier: Apache-2.0 */
#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

bool glyphs_reserve(struct glyphs *g, size_t more)
{
    if (g->full || more > GLYPHS_MAX || g->n > GLYPHS_MAX - more) {
        g->full = true;
        return false;
    }
    if (g->n + more <= g->cap)
        return true;
    size_t cap = g->cap ? g->cap : 256;
    while (cap < g->n + more)
        cap *= 2;
    g->p = mem_resize(g->p, cap, sizeof(*g->p));
    g->cap = cap;
    return true;
}

void glyphs_read(struct glyphs *g, struct str text)
{
    g->n = 0;
    if (!glyphs_reserve(g, text.n))
        return;
    struct glyph *out = g->p;
    for (size_t i = 0; i < text.n;) {
        uint32_t cp;
        size_t len = utf8_decode((struct str){text.p + i, text.n - i}, &cp);
        if (len == 0) {
            cp = 0xfffd;
            len = 1;
        }
        *out++ = (struct glyph){cp, (uint32_t)i, (uint32_t)(i + len)};
        i += len;
    }
    g->n = (size_t)(out - g->p);
}

void rewrite_put(struct rewrite *w, uint32_t cp, int change)
{
    struct glyph x = {.cp = cp, .from = w->old[0].from, .to = w->old[0].from};
    if (change > 0) {
        if (w->at) {
            x.from = w->old[w->at - 1].from;
            x.to = w->old[w->at - 1].to;
        }
    } else {
        size_t at = w->at < w->n ? w->at : w->n - 1;
        x.from = w->old[at].from;
        x.to = w->old[at].to;
        w->at += 1 + (size_t)-change;
        if (w->at > w->n)
            w->at = w->n;
    }
    glyphs_put(w->out, x);
}

/* ---- classes of characters ---------------------------------------------- */

/* Letters and digits of the texts that are read most need no table. */
static bool is_plain(uint32_t cp)
{
    return cp >= 0x0400 && cp <= 0x0481;
}

static utf8proc_category_t category(uint32_t cp)
{
    return utf8proc_category((utf8proc_int32_t)cp);
}

bool cp_is_white(uint32_t cp)
{
    if (cp < 0x80)
        return cp == ' ' || (cp >= '\t' && cp <= '\r');
    if (cp < 0x1680)
        return cp == 0x85 || cp == 0xa0;
    return cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
           cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

/* Other_Alphabetic that are not marks: circled and squared Latin letters. */
static bool is_circled(uint32_t cp)
{
    return (cp >= 0x24b6 && cp <= 0x24e9) || (cp >= 0x1f130 && cp <= 0x1f149) ||
           (cp >= 0x1f150 && cp <= 0x1f169) || (cp >= 0x1f170 && cp <= 0x1f189);
}

bool cp_is_word(uint32_t cp)
{
    enum { ZWNJ = 0x200c, ZWJ = 0x200d };
    if (is_plain(cp))
        return true;
    utf8proc_category_t c = category(cp);
    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NL) ||
           c == UTF8PROC_CATEGORY_PC || cp == ZWNJ || cp == ZWJ ||
           is_circled(cp);
}

bool cp_is_number(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= '0' && cp <= '9';
    utf8proc_category_t c = category(cp);
    return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool cp_is_control(uint32_t cp)
{
    if (cp < 0x80)
        return (cp < 0x20 && cp != '\t' && cp != '\n' && cp != '\r') ||
               cp == 0x7f;
    if (is_plain(cp))
        return false;
    utf8proc_category_t c = category(cp);
    return c == UTF8PROC_CATEGORY_CC || c == UTF8PROC_CATEGORY_CF ||
           c == UTF8PROC_CATEGORY_CO;
}

bool cp_is_mark(uint32_t cp)
{
    if (cp < 0x300 || is_plain(cp))
        return false;
    utf8proc_category_t c = category(cp);
    return c >= UTF8PROC_CATEGORY_MN && c <= UTF8PROC_CATEGORY_ME;
}

bool cp_is_nonspacing(uint32_t cp)
{
    return cp >= 0x300 && !is_plain(cp) && category(cp) == UTF8PROC_CATEGORY_MN;
}

bool cp_is_punctuation(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= '!' && cp <= '/') || (cp >= ':' && cp <= '@') ||
               (cp >= '[' && cp <= '`') || (cp >= '{' && cp <= '~');
    if (is_plain(cp))
        return false;
    utf8proc_category_t c = category(cp);
    return c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO;
}
