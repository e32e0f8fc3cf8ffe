/* SPDX-License-Identifier: Apache-2.0 */
#include "text/tokenizer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "text/tokenizer_parts.h"

/* ---- life ------------------------------------------------------------------
 */

static void set_deinit(struct added_set *s)
{
    trie_deinit(&s->contents);
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_normals; i++) {
        free(t->normals[i].pattern.p);
        free(t->normals[i].content.p);
        charsmap_free(t->normals[i].map);
    }
    free(t->normals);
    free(t->cuts);
    free(t->added.items);
    set_deinit(&t->added.raw);
    set_deinit(&t->added.normal);
    trie_deinit(&t->vocabulary);
    free(t->bpe.slots);
    free(t->unigram.scores);
    free(t->front);
    free(t->back);
    free(t->seen);
    free(t);
}

size_t tokenizer_size(const struct tokenizer *t)
{
    return t->size;
}

const char *tokenizer_kind(const struct tokenizer *t)
{
    return t->encode == bpe_encode       ? "BPE"
           : t->encode == unigram_encode ? "Unigram"
                                         : "WordPiece";
}

size_t tokenizer_limit(const struct tokenizer *t)
{
    return t->limit;
}

int tokenizer_special(const struct tokenizer *t, enum tokenizer_special which,
                      uint32_t *ret)
{
    if (t->special[which] == TRIE_NONE)
        return OTK_ENOENT;
    *ret = t->special[which];
    return OTK_OK;
}

struct tokenizer_scratch *tokenizer_scratch_new(void)
{
    return MEM_NEW(struct tokenizer_scratch);
}

void tokenizer_scratch_free(struct tokenizer_scratch *s)
{
    if (!s)
        return;
    free(s->text.p);
    for (size_t i = 0; i < 2; i++) {
        free(s->normal[i].p);
        free(s->cut[i].p);
    }
    free(s->prefixed.p);
    free(s->raw.p);
    free(s->inner.p);
    free(s->words.p);
    free(s->cutting.p);
    free(s->marks);
    free(s->path);
    free(s->symbols);
    free(s->heap);
    free(s->tokens);
    free(s->ids);
    free(s->from);
    free(s->to);
    free(s);
}

/* ---- loading ---------------------------------------------------------------
 */

typedef int reader(struct tokenizer *t, const char *folder, struct err *e);

static int read_with(reader *read, const char *folder, struct tokenizer **ret,
                     struct err *e)
{
    struct tokenizer *t = tokenizer_new();
    int rc = read(t, folder, e);
    if (rc == 0)
        *ret = t;
    else
        tokenizer_free(t);
    return rc;
}

static bool has(const char *folder, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    return n > 0 && (size_t)n < sizeof(path) && file_exists(path);
}

int tokenizer_load(const char *folder, struct tokenizer **ret, struct err *e)
{
    if (has(folder, "tokenizer.json"))
        return read_with(tokenizer_read_json, folder, ret, e);
    if (has(folder, "vocab.txt"))
        return read_with(tokenizer_read_wordpiece, folder, ret, e);
    if (has(folder, "vocab.json"))
        return read_with(tokenizer_read_bpe, folder, ret, e);
    return err_set(e, OTK_ENOENT,
                   "%s: there is no tokenizer.json, vocab.txt or vocab.json; "
                   "copy them from where the model came from",
                   folder);
}

int tokenizer_parse(struct str json, struct tokenizer **ret, struct err *e)
{
    struct tokenizer *t = tokenizer_new();
    int rc = tokenizer_read_text(t, json, e);
    if (rc == 0)
        *ret = t;
    else
        tokenizer_free(t);
    return rc;
}

/* ---- encoding --------------------------------------------------------------
 */

static bool is_white(uint32_t cp)
{
    return cp == BYTE_SPACE || cp_is_white(cp);
}

static void put(const struct tokenizer *t, struct tokenizer_scratch *s,
                uint32_t id, const struct glyph *g, size_t n, bool named)
{
    struct piece_token token = {
        .id = id,
        .from = g[0].from,
        .to = g[n - 1].to,
    };
    if (t->trim && named) {
        while (token.lead < n && is_white(g[token.lead].cp))
            token.lead++;
        while (token.trail < n && is_white(g[n - 1 - token.trail].cp))
            token.trail++;
    }
    s->tokens =
        mem_grow(s->tokens, s->n_tokens, &s->tokens_cap, sizeof(*s->tokens));
    s->tokens[s->n_tokens++] = token;
}

/* The name of the unknown token is not what the text holds. */
void token_put(const struct tokenizer *t, struct tokenizer_scratch *s,
               uint32_t id, const struct glyph *g, size_t n)
{
    put(t, s, id, g, n, id != t->unk);
}

static bool is_full(const struct tokenizer_scratch *s)
{
    return s->text.full || s->normal[0].full || s->normal[1].full ||
           s->cut[0].full || s->cut[1].full || s->prefixed.full;
}

/* Words of a stretch between added tokens, until there are more than `most`. */
static void encode_words(const struct tokenizer *t, struct tokenizer_scratch *s,
                         const struct glyph *g, size_t n, size_t most)
{
    g = pretokenize(t, s, g, n);
    if (is_full(s)) /* the text is refused: no work on a part of it */
        return;
    for (size_t i = 0; i < s->words.n && s->n_tokens <= most; i++)
        t->encode(t, s, g + s->words.p[i].at, s->words.p[i].n);
}

static void encode_stretch(const struct tokenizer *t,
                           struct tokenizer_scratch *s, const struct glyph *g,
                           size_t n, size_t most)
{
    g = normalize(t, s, g, n, &n);
    added_cut(&t->added, &t->added.normal, g, n, &s->inner);
    for (size_t i = 0; i < s->inner.n && s->n_tokens <= most; i++) {
        const struct added_piece *p = &s->inner.p[i];
        if (p->token)
            put(t, s, p->token->id, g + p->at, p->n, true);
        else
            encode_words(t, s, g + p->at, p->n, most);
    }
}

static void encode_text(const struct tokenizer *t, struct tokenizer_scratch *s,
                        struct str text, size_t most)
{
    s->n_tokens = 0;
    glyphs_read(&s->text, text);
    const struct glyph *g = s->text.p;
    added_cut(&t->added, &t->added.raw, g, s->text.n, &s->raw);
    for (size_t i = 0; i < s->raw.n && s->n_tokens <= most; i++) {
        const struct added_piece *p = &s->raw.p[i];
        if (p->token)
            put(t, s, p->token->id, g + p->at, p->n, true);
        else
            encode_stretch(t, s, g + p->at, p->n, most);
    }
}

static void reset_full(struct tokenizer_scratch *s)
{
    s->text.full = s->prefixed.full = false;
    for (size_t i = 0; i < 2; i++)
        s->normal[i].full = s->cut[i].full = false;
}

/* ---- what comes out --------------------------------------------------------
 */

static bool is_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/*
 * Take the white space of a token off its place. It is counted in characters
 * of the token, which need not be those of the text at this place; a space
 * that was put in before the first word has none. All as the reference.
 */
static void trim(const struct tokenizer *t, struct str text, bool first,
                 struct piece_token *p)
{
    size_t lead = p->lead;
    if ((first || p->from == 0) && t->trim_first && lead == 1)
        lead = 0;
    for (; lead && p->from < p->to; lead--) {
        p->from++;
        while (p->from < p->to && is_tail(text.p[p->from]))
            p->from++;
    }
    uint32_t to = p->to;
    size_t trail = p->trail;
    for (; trail && to; trail--) {
        to--;
        while (to && is_tail(text.p[to]))
            to--;
    }
    if (trail == 0)
        p->to = to > p->from ? to : p->from;
}

static void out_reserve(struct tokenizer_scratch *s, size_t n)
{
    if (n <= s->out_cap)
        return;
    s->ids = mem_resize(s->ids, n, sizeof(*s->ids));
    s->from = mem_resize(s->from, n, sizeof(*s->from));
    s->to = mem_resize(s->to, n, sizeof(*s->to));
    s->out_cap = n;
}

static void put_specials(struct tokenizer_scratch *s, size_t at,
                         const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        s->ids[at + i] = ids[i];
        s->from[at + i] = s->to[at + i] = 0;
    }
}

int tokenizer_encode(const struct tokenizer *t, struct tokenizer_scratch *s,
                     struct str text, size_t max_tokens, struct tokens *ret,
                     struct err *e)
{
    size_t specials = t->n_front + t->n_back;
    if (text.n > TOKENIZER_TEXT_MAX)
        return err_field(e, OTK_ELIMIT, "text",
                         "%zu bytes long, the limit is %zu", text.n,
                         TOKENIZER_TEXT_MAX);
    if (max_tokens && max_tokens < specials)
        return err_field(e, OTK_EINVAL, "max_tokens",
                         "%zu, but the special tokens alone are %zu",
                         max_tokens, specials);
    if (max_tokens == 0 || (t->limit && t->limit < max_tokens))
        max_tokens = t->limit;
    size_t most = max_tokens ? max_tokens - specials : SIZE_MAX;
    reset_full(s);
    encode_text(t, s, text, t->limit_front ? SIZE_MAX : most);
    if (is_full(s))
        return err_field(e, OTK_ELIMIT, "text",
                         "normalizing makes it longer than %d characters",
                         GLYPHS_MAX);
    size_t n = s->n_tokens < most ? s->n_tokens : most;
    struct piece_token *p = s->tokens;
    if (t->limit_front && n)
        p += s->n_tokens - n;
    out_reserve(s, n + specials);
    put_specials(s, 0, t->front, t->n_front);
    for (size_t i = 0; i < n; i++) {
        if (t->trim)
            trim(t, text, i == 0, &p[i]);
        s->ids[t->n_front + i] = p[i].id;
        s->from[t->n_front + i] = p[i].from;
        s->to[t->n_front + i] = p[i].to;
    }
    put_specials(s, t->n_front + n, t->back, t->n_back);
    *ret = (struct tokens){
        .ids = s->ids,
        .from = s->from,
        .to = s->to,
        .n = n + specials,
        .truncated = s->n_tokens > n,
    };
    return OTK_OK;
}
