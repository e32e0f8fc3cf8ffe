/* SPDX-License-Identifier: Apache-2.0 */
#include "text/bert_words.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

struct bert_words {
    struct tokenizer *t;
    struct tokenizer_scratch *s;
    uint32_t *cps;
    size_t cap;
};

struct bert_words *bert_words_new(void)
{
    struct bert_words *w = MEM_NEW(struct bert_words);
    w->t = tokenizer_new();
    w->s = tokenizer_scratch_new();
    bert_normalizer(w->t, true, true, false, true);
    steps_put_cut(w->t, (struct cut_step){.kind = CUT_BERT});
    return w;
}

void bert_words_free(struct bert_words *w)
{
    if (!w)
        return;
    tokenizer_free(w->t);
    tokenizer_scratch_free(w->s);
    free(w->cps);
    free(w);
}

void bert_words_each(struct bert_words *w, struct str text,
                     void (*put)(void *ctx, const uint32_t *cps, size_t n),
                     void *ctx)
{
    size_t n;
    glyphs_read(&w->s->text, utf8_cut(text, TOKENIZER_TEXT_MAX));
    const struct glyph *g =
        normalize(w->t, w->s, w->s->text.p, w->s->text.n, &n);
    g = pretokenize(w->t, w->s, g, n);
    for (size_t i = 0; i < w->s->words.n; i++) {
        struct span x = w->s->words.p[i];
        if (x.n > w->cap) {
            w->cap = 2 * x.n;
            w->cps = mem_resize(w->cps, w->cap, sizeof(*w->cps));
        }
        for (size_t k = 0; k < x.n; k++)
            w->cps[k] = g[x.at + k].cp;
        put(ctx, w->cps, x.n);
    }
}
