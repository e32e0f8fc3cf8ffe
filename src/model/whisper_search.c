/* SPDX-License-Identifier: Apache-2.0 */
#include "model/whisper_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/whisper_private.h"
#include "model/whisper_rules.h"
#include "tensor/kernels.h"

enum {
    LINES_MAX = WHISPER_BEAMS_MAX,
    TEXT_BYTES = 1 << 16,
    PHRASE_MAX = 12, /* tokens of a phrase that is said over and over … */
    LOOP_MIN = 48,   /* … for so many tokens */
};
_Static_assert((int)WHISPER_DRAWS <= (int)WHISPER_BEAMS_MAX, "lines");
static const float NOTHING = 1e-30F; /* a chance whose logarithm is taken */

/* A text on its way, or one that ended. */
struct line {
    size_t n;
    double sum; /* of logs */
    bool is_ended;
    uint32_t tokens[WHISPER_TOKENS_MAX];
    float logs[WHISPER_TOKENS_MAX];
};

struct state {
    const struct whisper_search *x;
    struct line *lines, *next; /* LINES_MAX each */
    size_t n_lines;
    struct line *ended; /* the likeliest of those; n_ended of them in all */
    size_t n_ended;
    float *chances; /* a row of vocab for each line, and one more */
};

/* A copy of that row, to be changed. */
static float *weights_of(const struct state *s, size_t line)
{
    size_t n = s->x->w->sizes.vocab;
    float *copy = s->chances + LINES_MAX * n;
    return memcpy(copy, s->chances + line * n, n * sizeof(*copy));
}

static double rank_of(const struct line *l)
{
    /* the end is a token, too */
    return l->sum / (double)(l->n + (l->is_ended ? 1 : 0) + (l->n == 0));
}

static float *row_of(const struct state *s, size_t line)
{
    return s->chances + line * s->x->w->sizes.vocab;
}

static void push(struct line *l, uint32_t token, float chance, uint32_t end)
{
    float log = logf(chance > NOTHING ? chance : NOTHING);
    l->sum += (double)log;
    if (token == end) {
        l->is_ended = true;
        return;
    }
    l->tokens[l->n] = token;
    l->logs[l->n++] = log;
}

static void copy_line(struct line *to, const struct line *from)
{
    to->n = from->n;
    to->sum = from->sum;
    to->is_ended = from->is_ended;
    memcpy(to->tokens, from->tokens, from->n * sizeof(*to->tokens));
    memcpy(to->logs, from->logs, from->n * sizeof(*to->logs));
}

static void end_line(struct state *s, const struct line *l)
{
    if (s->n_ended++ == 0 || rank_of(l) > rank_of(s->ended))
        copy_line(s->ended, l);
}

/* ---- choosing
 * ----------------------------------------------------------------------- */

static uint32_t likeliest(const float *chances, size_t n)
{
    /* the greatest first, its place then: loops that become vectors */
    float most = chances[0];
    for (size_t i = 1; i < n; i++)
        most = chances[i] > most ? chances[i] : most;
    uint32_t at = 0;
    while (chances[at] < most)
        at++;
    return at;
}

/* Drawn as if the logits had been divided by the temperature; what would be
 * drawn once in a million times is left out. `chances` become weights. */
static uint32_t draw(const struct whisper_search *x, float *chances)
{
    const float rare = 1e-6F;
    size_t n = x->w->sizes.vocab;
    float power = 1 / x->temperature;
    float top = chances[likeliest(chances, n)];
    float least = top * powf(rare, x->temperature);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        chances[i] = chances[i] > least ? powf(chances[i] / top, power) : 0;
        sum += (double)chances[i];
    }
    double left = rand_real(x->rand) * sum;
    uint32_t last = 0;
    for (size_t i = 0; i < n && left >= 0; i++) {
        left -= (double)chances[i];
        last = chances[i] > 0 ? (uint32_t)i : last;
    }
    return last;
}

/* In the place of another; its last token is not in the memory yet. */
static void put_line(struct state *s, size_t to, size_t from)
{
    const struct whisper_search *x = s->x;
    if (to == from)
        return;
    copy_line(&s->lines[to], &s->lines[from]);
    whisper_memory_fork(x->w, x->m, to, from, x->n_prompt + s->lines[to].n - 1);
}

/* The last line takes its place. */
static void take_out(struct state *s, size_t i)
{
    put_line(s, i, --s->n_lines);
}

/* One token more for each line by itself. */
static void extend(struct state *s)
{
    const struct whisper_search *x = s->x;
    uint32_t end = x->w->vocabulary.end;
    for (size_t i = 0; i < s->n_lines; i++) {
        struct line *l = &s->lines[i];
        float *chances = row_of(s, i);
        uint32_t token = likeliest(chances, x->w->sizes.vocab);
        if (x->temperature > 0)
            token = draw(x, weights_of(s, i));
        push(l, token, chances[token], end);
    }
    for (size_t i = 0; i < s->n_lines;) {
        if (s->lines[i].is_ended) {
            end_line(s, &s->lines[i]);
            take_out(s, i);
        } else {
            i++;
        }
    }
}

/* ---- giving up
 * ---------------------------------------------------------------------- */

float whisper_repetition(const struct whisper_vocabulary *v,
                         const uint32_t *tokens, size_t n)
{
    struct buf text = BUF_INIT(TEXT_BYTES);
    for (size_t i = 0; i < n; i++)
        buf_put_str(&text, whisper_vocabulary_bytes(v, tokens[i]));
    uLongf size = compressBound(text.len);
    Bytef *to = mem_new(size, 1);
    int r = compress(to, &size, (const Bytef *)text.ptr, text.len);
    float ratio = r == Z_OK ? (float)text.len / (float)size : 1;
    free(to);
    buf_free(&text);
    return ratio;
}

/* The last LOOP_MIN tokens that are no times say one phrase over and over. */
static bool loops(const struct whisper_search *x, const struct line *l)
{
    uint32_t tail[LOOP_MIN]; /* backwards */
    size_t n = 0;
    for (size_t i = l->n; i-- > 0 && n < LOOP_MIN;) {
        if (!whisper_is_time(&x->w->vocabulary, l->tokens[i]))
            tail[n++] = l->tokens[i];
    }
    for (size_t phrase = 1; n == LOOP_MIN && phrase <= PHRASE_MAX; phrase++) {
        size_t at = phrase;
        while (at < n && tail[at] == tail[at - phrase])
            at++;
        if (at == n)
            return whisper_repetition(&x->w->vocabulary, l->tokens, l->n) >
                   x->repetition;
    }
    return false;
}

static bool is_hopeless(const struct whisper_search *x, const struct line *l)
{
    return l->sum < x->least_log * (double)(x->most + 1);
}

/* Of the last search something must come. */
static void give_up_all_but_one(struct state *s)
{
    size_t best = 0;
    for (size_t i = 0; i < s->n_lines; i++) {
        if (!is_hopeless(s->x, &s->lines[i]))
            return;
        if (rank_of(&s->lines[i]) > rank_of(&s->lines[best]))
            best = i;
    }
    put_line(s, 0, best);
    s->n_lines = s->n_ended ? 0 : 1;
}

/* Lines of which nothing good can come. */
static void give_up(struct state *s)
{
    const struct whisper_search *x = s->x;
    for (size_t i = 0; i < s->n_lines;) {
        bool repeats = loops(x, &s->lines[i]);
        if (!repeats && (x->is_last || !is_hopeless(x, &s->lines[i]))) {
            i++;
            continue;
        }
        if (x->is_last || (s->n_lines == 1 && s->n_ended == 0))
            end_line(s, &s->lines[i]); /* to have any */
        take_out(s, i);
    }
    if (x->is_last)
        give_up_all_but_one(s);
}

/* ---- beams
 * -------------------------------------------------------------------------- */

struct candidate {
    size_t line;
    uint32_t token;
    float chance;
    double sum;
};

/* The continuations of a line into `list`, where `*n` of others are already:
 * the `most` likeliest are kept, sorted. */
static void gather(const struct state *s, size_t line, size_t most,
                   struct candidate *list, size_t *n)
{
    const float *chances = row_of(s, line);
    size_t vocab = s->x->w->sizes.vocab;
    double sum = s->lines[line].sum;
    float least = NOTHING; /* a chance that gets onto the list is greater */
    if (*n == most)
        least = (float)exp(fmin(list[most - 1].sum - sum, 0));
    for (size_t t = 0; t < vocab; t++) {
        if (chances[t] <= least)
            continue;
        double own = sum + (double)logf(chances[t]);
        size_t at = *n < most ? (*n)++ : *n - 1;
        for (; at > 0 && list[at - 1].sum < own; at--)
            list[at] = list[at - 1];
        list[at] = (struct candidate){line, (uint32_t)t, chances[t], own};
        if (*n == most)
            least = (float)exp(fmin(list[most - 1].sum - sum, 0));
    }
}

/* Which of the old lines' memories each new line takes. Copies go through one
 * that nobody needs any more; when there is none, all are needed where they
 * are, or they go round, and the last line of the memory helps. */
static void move_memories(const struct state *s, const size_t *parents,
                          size_t n, size_t tokens)
{
    const struct whisper_search *x = s->x;
    size_t from[LINES_MAX];
    bool is_done[LINES_MAX] = {false};
    size_t spare = (size_t)x->beams; /* the memory has one line more */
    memcpy(from, parents, n * sizeof(*from));
    for (size_t left = n; left > 0;) {
        bool any = false;
        for (size_t i = 0; i < n; i++) {
            bool needed = false;
            for (size_t k = 0; k < n; k++)
                needed |= k != i && !is_done[k] && from[k] == i;
            if (is_done[i] || (needed && from[i] != i))
                continue;
            whisper_memory_fork(x->w, x->m, i, from[i], tokens);
            is_done[i] = true;
            any = true;
            left--;
        }
        if (any)
            continue;
        /* they go round: one is put aside */
        size_t i = 0;
        while (is_done[i])
            i++;
        whisper_memory_fork(x->w, x->m, spare, i, tokens);
        for (size_t k = 0; k < n; k++) {
            if (!is_done[k] && from[k] == i)
                from[k] = spare;
        }
    }
}

static void extend_beams(struct state *s)
{
    const struct whisper_search *x = s->x;
    struct candidate list[2 * LINES_MAX] = {0};
    size_t parents[LINES_MAX] = {0};
    size_t n = 0;
    size_t kept = 0;
    uint32_t end = x->w->vocabulary.end;
    size_t beams = (size_t)x->beams;
    size_t tokens = x->n_prompt + s->lines[0].n;
    for (size_t i = 0; i < s->n_lines; i++)
        gather(s, i, 2 * beams, list, &n);
    for (size_t i = 0; i < n && kept < beams; i++) {
        struct line *l = &s->next[kept];
        copy_line(l, &s->lines[list[i].line]);
        push(l, list[i].token, list[i].chance, end);
        if (l->is_ended)
            end_line(s, l);
        else
            parents[kept++] = list[i].line;
    }
    move_memories(s, parents, kept, tokens);
    struct line *old = s->lines;
    s->lines = s->next;
    s->next = old;
    s->n_lines = s->n_ended >= beams ? 0 : kept;
}

/* ---- the window
 * --------------------------------------------------------------------- */

/* The prompt, and what may come after it, for each line the same. */
static int begin(struct state *s, struct whisper_found *ret, struct err *e)
{
    const struct whisper_search *x = s->x;
    size_t vocab = x->w->sizes.vocab;
    struct whisper_step *steps = mem_new(x->n_prompt, sizeof(*steps));
    for (size_t i = 0; i < x->n_prompt; i++)
        steps[i] = (struct whisper_step){
            .token = x->prompt[i],
            .at = i,
            .wants = i == x->start || i + 1 == x->n_prompt,
        };
    int r = whisper_decode(x->w, x->s, x->m, steps, x->n_prompt, s->chances,
                           NULL, e);
    free(steps);
    if (r)
        return r;
    bool same = x->start + 1 == x->n_prompt;
    float *last = same ? s->chances : row_of(s, 1);
    memmove(row_of(s, 2), last, vocab * sizeof(*last));
    kernels()->softmax(s->chances, vocab, 1);
    ret->no_speech = s->chances[x->w->vocabulary.no_speech];
    memmove(s->chances, row_of(s, 2), vocab * sizeof(*last));
    whisper_rules_apply(x->rules, NULL, 0, s->chances);
    s->n_lines = x->temperature > 0 ? WHISPER_DRAWS : 1;
    for (size_t i = 1; i < s->n_lines; i++) {
        memcpy(row_of(s, i), s->chances, vocab * sizeof(*last));
        whisper_memory_fork(x->w, x->m, i, 0, x->n_prompt);
    }
    return OTK_OK;
}

static int decode_lines(struct state *s, struct err *e)
{
    const struct whisper_search *x = s->x;
    struct whisper_step steps[LINES_MAX];
    for (size_t i = 0; i < s->n_lines; i++) {
        const struct line *l = &s->lines[i];
        steps[i] = (struct whisper_step){
            .token = l->tokens[l->n - 1],
            .at = x->n_prompt + l->n - 1,
            .line = i,
            .wants = true,
        };
    }
    int r = whisper_decode(x->w, x->s, x->m, steps, s->n_lines, s->chances,
                           NULL, e);
    for (size_t i = 0; !r && i < s->n_lines; i++)
        whisper_rules_apply(x->rules, s->lines[i].tokens, s->lines[i].n,
                            row_of(s, i));
    return r;
}

static int run(struct state *s, struct whisper_found *ret, struct err *e)
{
    const struct whisper_search *x = s->x;
    bool by_beams = x->beams > 1 && x->temperature <= 0;
    int r = begin(s, ret, e);
    ret->decoded = x->n_prompt;
    for (size_t n = 0; !r && s->n_lines && n < x->most; n++) {
        if (n) {
            ret->decoded += s->n_lines;
            r = decode_lines(s, e);
        }
        if (r)
            break;
        if (x->cancelled && x->cancelled(x->ctx))
            return err_set(e, OTK_EAGAIN, "the transcription was cancelled");
        if (by_beams)
            extend_beams(s);
        else {
            extend(s);
            give_up(s);
        }
    }
    return r;
}

int whisper_search(const struct whisper_search *x, struct whisper_found *ret,
                   struct err *e)
{
    size_t rows = LINES_MAX + 1; /* one for weights_of() */
    struct state s = {.x = x};
    struct line *lines = mem_new(2 * LINES_MAX + 1, sizeof(*lines));
    s.lines = lines;
    s.next = lines + LINES_MAX;
    s.ended = lines + 2 * LINES_MAX;
    s.chances = mem_try(rows * x->w->sizes.vocab, sizeof(*s.chances));
    int r = s.chances ? run(&s, ret, e)
                      : err_set(e, OTK_ELIMIT,
                                "no memory for chances of "
                                "words");
    if (!r) {
        for (size_t i = 0; i < s.n_lines; i++)
            end_line(&s, &s.lines[i]);
        ret->n = s.ended->n;
        ret->mean_log = rank_of(s.ended);
        ret->is_ended = s.ended->is_ended;
        memcpy(ret->tokens, s.ended->tokens, ret->n * sizeof(*ret->tokens));
        memcpy(ret->logs, s.ended->logs, ret->n * sizeof(*ret->logs));
    }
    free(s.chances);
    free(lines);
    return r;
}
