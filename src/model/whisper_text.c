/* SPDX-License-Identifier: Apache-2.0 */
#include "model/whisper_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/whisper_private.h"
#include "model/whisper_search.h"
#include "model/whisper_words.h"

enum {
    FRAME_MS = 10,
    TEXT_BYTES = 1 << 16,
    LEAST_USED = 100, /* frames: a window goes on by a second at least */
};

/* ---- tokens to text
 * ----------------------------------------------------------------- */

/* Bytes that are no UTF-8 (a letter cut by the window's end) become U+FFFD. */
static void put_clean(struct buf *b, struct str s)
{
    while (s.n) {
        size_t good = utf8_check(s);
        buf_put_str(b, str_sub(s, 0, good));
        if (good == s.n)
            return;
        buf_puts(b, "\xef\xbf\xbd");
        do
            good++;
        while (good < s.n && ((unsigned char)s.p[good] & 0xc0) == 0x80);
        s = str_sub(s, good, s.n);
    }
}

static const char *text_of(struct whisper_texts *t,
                           const struct whisper_vocabulary *v,
                           const uint32_t *tokens, size_t n, bool trims)
{
    struct buf raw = BUF_INIT(TEXT_BYTES);
    struct buf clean = BUF_INIT(3 * TEXT_BYTES);
    for (size_t i = 0; i < n; i++)
        buf_put_str(&raw, whisper_vocabulary_bytes(v, tokens[i]));
    put_clean(&clean, buf_str(&raw));
    struct str s = trims ? str_trim(buf_str(&clean)) : buf_str(&clean);
    const char *ret = arena_copy(t->arena, s);
    buf_free(&raw);
    buf_free(&clean);
    return ret;
}

static float mean_chance(const float *logs, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)logs[i];
    return n ? (float)exp(sum / (double)n) : 0;
}

/* ---- words
 * -------------------------------------------------------------------------- */

/* A piece of the window: tokens of text only, and when each begins. */
struct piece {
    uint32_t tokens[WHISPER_TOKENS_MAX];
    float logs[WHISPER_TOKENS_MAX];
    size_t n;
};

/* A token goes on a word when it has no blank before it, or when the bytes so
 * far end within a letter. Signs hang on the word before them. */
static bool begins_word(struct str so_far, struct str bytes)
{
    return bytes.n && bytes.p[0] == ' ' && utf8_check(so_far) == so_far.n;
}

/* Tokens of one word from `at`: how many. */
static size_t word_len(const struct whisper_vocabulary *v,
                       const struct piece *p, size_t at)
{
    struct buf so_far = BUF_INIT(TEXT_BYTES);
    size_t n = 0;
    while (at + n < p->n) {
        struct str bytes = whisper_vocabulary_bytes(v, p->tokens[at + n]);
        if (n && begins_word(buf_str(&so_far), bytes))
            break;
        buf_put_str(&so_far, bytes);
        n++;
    }
    buf_free(&so_far);
    return n;
}

static int64_t ms_of(size_t from_frame, size_t row)
{
    return (int64_t)(from_frame + row * WHISPER_FRAMES_PER_ROW) * FRAME_MS;
}

static void put_words(struct whisper_texts *t, const struct whisper_window *x,
                      const struct piece *p, const size_t *rows,
                      struct whisper_segment *to)
{
    const struct whisper_vocabulary *v = &x->w->vocabulary;
    struct whisper_word *words =
        ARENA_ARRAY(t->arena, struct whisper_word, p->n + 1);
    size_t n = 0;
    for (size_t at = 0; at < p->n;) {
        size_t len = word_len(v, p, at);
        words[n++] = (struct whisper_word){
            .from_ms = ms_of(x->from, rows[at]),
            .to_ms = ms_of(x->from, rows[at + len]),
            .text = text_of(t, v, p->tokens + at, len, false),
            .confidence = mean_chance(p->logs + at, len),
        };
        at += len;
    }
    to->words = words;
    to->n_words = n;
}

/* Words of all segments from `first` on, whose tokens `pieces` holds. */
static int add_words(struct whisper_texts *t, const struct whisper_window *x,
                     size_t first, const struct piece *pieces, struct err *e)
{
    size_t n = 0;
    for (size_t i = first; i < t->n; i++)
        n += pieces[i - first].n;
    if (!n)
        return OTK_OK;
    uint32_t *tokens = mem_new(n, sizeof(*tokens));
    size_t *rows = mem_new(n + 1, sizeof(*rows));
    size_t at = 0;
    for (size_t i = first; i < t->n; i++) {
        memcpy(tokens + at, pieces[i - first].tokens,
               pieces[i - first].n * sizeof(*tokens));
        at += pieces[i - first].n;
    }
    const struct whisper_alignment a = {
        .w = x->w,
        .s = x->s,
        .m = x->m,
        .prompt = x->prompt + x->start,
        .n_prompt = x->n_prompt - x->start,
        .tokens = tokens,
        .n = n,
        .rows = (x->frames + 1) / WHISPER_FRAMES_PER_ROW,
    };
    int r = whisper_align(&a, rows, e);
    at = 0;
    for (size_t i = first; !r && i < t->n; i++) {
        put_words(t, x, &pieces[i - first], rows + at, &t->list[i]);
        at += pieces[i - first].n;
    }
    free(tokens);
    free(rows);
    return r;
}

/* ---- segments
 * ----------------------------------------------------------------------- */

/* A piece of the window between two timestamps. */
struct span {
    size_t first, end;       /* tokens */
    size_t from_row, to_row; /* from the window's begin */
};

static void add_segment(struct whisper_texts *t, const struct whisper_window *x,
                        const struct span *s, struct piece *pieces,
                        size_t first)
{
    const struct whisper_vocabulary *v = &x->w->vocabulary;
    const struct whisper_found *f = x->found;
    struct piece *p = &pieces[t->n - first];
    p->n = 0;
    for (size_t i = s->first; i < s->end; i++) {
        if (f->tokens[i] >= v->end)
            continue;
        p->tokens[p->n] = f->tokens[i];
        p->logs[p->n++] = f->logs[i];
    }
    const char *text = text_of(t, v, p->tokens, p->n, true);
    if (!*text || s->to_row < s->from_row)
        return;
    t->list = mem_grow(t->list, t->n, &t->cap, sizeof(*t->list));
    t->list[t->n++] = (struct whisper_segment){
        .from_ms = ms_of(x->from, s->from_row),
        .to_ms = ms_of(x->from, s->to_row),
        .text = text,
        .confidence = mean_chance(p->logs, p->n),
        .no_speech = f->no_speech,
        .repetition = x->repetition,
        .temperature = x->temperature,
    };
}

/* Both spans lie within [i, i + 1] when a pair of timestamps is there. */
static bool is_pair(const struct whisper_vocabulary *v,
                    const struct whisper_found *f, size_t i)
{
    return i + 1 < f->n && whisper_is_time(v, f->tokens[i]) &&
           whisper_is_time(v, f->tokens[i + 1]);
}

static size_t row_at(const struct whisper_vocabulary *v,
                     const struct whisper_found *f, size_t i)
{
    return f->tokens[i] - v->times;
}

/* A single timestamp at the end: nothing was left unsaid. */
static bool ends_alone(const struct whisper_vocabulary *v,
                       const struct whisper_found *f)
{
    return f->n >= 2 && whisper_is_time(v, f->tokens[f->n - 1]) &&
           !whisper_is_time(v, f->tokens[f->n - 2]);
}

/* Spans of the window; how many. */
static size_t cut(const struct whisper_window *x, struct span *ret,
                  size_t *ret_used)
{
    const struct whisper_vocabulary *v = &x->w->vocabulary;
    const struct whisper_found *f = x->found;
    size_t n = 0;
    size_t first = 0;
    size_t sound = (x->frames + 1) / WHISPER_FRAMES_PER_ROW;
    *ret_used = x->frames;
    for (size_t i = 0; i < f->n; i++) {
        bool last = i + 1 == f->n && ends_alone(v, f) && n > 0;
        if (!is_pair(v, f, i) && !last)
            continue;
        ret[n++] =
            (struct span){first, i + 1, row_at(v, f, first), row_at(v, f, i)};
        first = i + 1;
    }
    if (n == 0) {
        /* no pair: all is one piece, up to its last timestamp */
        size_t to = sound;
        for (size_t i = f->n; i-- > 0;) {
            if (whisper_is_time(v, f->tokens[i])) {
                to = f->tokens[i] > v->times ? row_at(v, f, i) : sound;
                break;
            }
        }
        ret[n++] = (struct span){0, f->n, 0, to};
    } else if (!ends_alone(v, f)) {
        size_t used = ret[n - 1].to_row * WHISPER_FRAMES_PER_ROW;
        used = used > LEAST_USED ? used : LEAST_USED;
        *ret_used = used < x->frames ? used : x->frames;
    }
    /* the 30 s edge: nothing is said after the sound's end */
    for (size_t i = 0; i < n; i++)
        ret[i].to_row = ret[i].to_row < sound ? ret[i].to_row : sound;
    return n;
}

int whisper_texts_add(struct whisper_texts *t, const struct whisper_window *x,
                      size_t *ret_used, struct err *e)
{
    size_t first = t->n;
    struct span *spans = mem_new(x->found->n + 1, sizeof(*spans));
    size_t n = cut(x, spans, ret_used);
    struct piece *pieces = mem_new(n + 1, sizeof(*pieces));
    for (size_t i = 0; i < n; i++)
        add_segment(t, x, &spans[i], pieces, first);
    int r = x->has_words ? add_words(t, x, first, pieces, e) : OTK_OK;
    free(pieces);
    free(spans);
    return r;
}
