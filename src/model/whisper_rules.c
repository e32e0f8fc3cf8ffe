/* SPDX-License-Identifier: Apache-2.0 */
#include "model/whisper_rules.h"

#include <math.h>
#include <string.h>

#include "model/whisper_tokens.h"
#include "tensor/kernels.h"

enum {
    FIRST_TIME_MAX = 1000 / WHISPER_TIME_MS, /* the first one, within 1 s */
    SIGN_TOKENS = 8,
    SIGN_BYTES = 16,
};

/* ---- signs that nobody says
 * --------------------------------------------------------- */

/* Forbidden as they are and with a blank before, where that is one token. */
static const char *const signs[] = {
    "\"",  "#",  "(",   ")",  "*",  "+",  "/",   ":",  ";",  "<",
    "=",   ">",  "@",   "[",  "\\", "]",  "^",   "_",  "`",  "{",
    "|",   "}",  "~",   "「", "」", "『", "』",  "<<", ">>", "<<<",
    ">>>", "--", "---", "-(", "-[", "('", "(\"", "((", "))", "(((",
    ")))", "[[", "]]",  "{{", "}}", "♪♪", "♪♪♪",
};
/* Of these the first token, also where there are more, if it is no mere byte,
 * which other signs begin with, too. */
static const char *const music[] = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};

static void forbid(struct whisper_rules *r, const char *prefix,
                   const char *sign, bool any_length)
{
    char text[SIGN_BYTES];
    uint32_t tokens[SIGN_TOKENS];
    size_t n = 0;
    for (const char *p = prefix; *p; p++)
        text[n++] = *p;
    for (const char *p = sign; *p && n < SIGN_BYTES; p++)
        text[n++] = *p;
    size_t made = whisper_vocabulary_encode(r->v, (struct str){text, n}, tokens,
                                            SIGN_TOKENS);
    bool begins =
        made && any_length && whisper_vocabulary_bytes(r->v, tokens[0]).n > 1;
    if ((made == 1 || begins) && r->n_forbidden < WHISPER_FORBIDDEN_MAX)
        r->forbidden[r->n_forbidden++] = tokens[0];
}

void whisper_rules_init(struct whisper_rules *r,
                        const struct whisper_vocabulary *v, bool has_times)
{
    *r =
        (struct whisper_rules){.v = v, .has_times = has_times, .blank = v->end};
    uint32_t blank[1];
    if (whisper_vocabulary_encode(v, STR(" "), blank, 1))
        r->blank = blank[0];
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        forbid(r, "", signs[i], false);
        forbid(r, " ", signs[i], false);
    }
    for (size_t i = 0; i < sizeof(music) / sizeof(*music); i++) {
        forbid(r, "", music[i], true);
        forbid(r, " ", music[i], true);
    }
    /* a word may begin with a dash or an apostrophe only inside */
    forbid(r, " ", "-", false);
    forbid(r, " ", "'", false);
}

/* ---- what may come
 * ------------------------------------------------------------------ */

static void cut(float *logits, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        logits[i] = -INFINITY;
}

static void cut_special(const struct whisper_rules *r, float *logits)
{
    const struct whisper_vocabulary *v = r->v;
    for (size_t i = 0; i < r->n_forbidden; i++)
        logits[r->forbidden[i]] = -INFINITY;
    /* all between the end and the first timestamp: start, languages, tasks */
    cut(logits, v->end + 1, v->times);
    if (!r->has_times)
        cut(logits, v->times, v->all);
}

/* Timestamps come in pairs, but for the first and the last one. */
static void cut_times(const struct whisper_rules *r, const uint32_t *tokens,
                      size_t n, float *logits)
{
    const struct whisper_vocabulary *v = r->v;
    bool last = n > 0 && whisper_is_time(v, tokens[n - 1]);
    bool before = n < 2 || whisper_is_time(v, tokens[n - 2]);
    if (last && before)
        cut(logits, v->times, v->all);
    else if (last)
        cut(logits, 0, v->end);
    for (size_t i = n; i-- > 0;) {
        if (!whisper_is_time(v, tokens[i]))
            continue;
        /* the second of a pair may say the same, a new one goes on */
        bool same = last && !before;
        cut(logits, v->times, tokens[i] + (same ? 0 : 1));
        break;
    }
    if (n == 0) {
        cut(logits, 0, v->times);
        cut(logits, v->times + FIRST_TIME_MAX + 1, v->all);
    }
}

/* Where the timestamps together are likelier than any word, one must come. */
static void prefer_time(const struct whisper_rules *r, float *chances)
{
    const struct whisper_vocabulary *v = r->v;
    double times = 0;
    float word = 0;
    for (size_t i = v->times; i < v->all; i++)
        times += (double)chances[i];
    for (size_t i = 0; i < v->times; i++)
        word = chances[i] > word ? chances[i] : word;
    if (times <= (double)word)
        return;
    memset(chances, 0, v->times * sizeof(*chances));
    for (size_t i = v->times; i < v->all; i++)
        chances[i] = (float)((double)chances[i] / times);
}

void whisper_rules_apply(const struct whisper_rules *r, const uint32_t *tokens,
                         size_t n, float *logits)
{
    const struct whisper_vocabulary *v = r->v;
    cut_special(r, logits);
    if (n == 0) {
        logits[v->end] = -INFINITY;
        logits[r->blank] = -INFINITY;
    }
    if (r->has_times)
        cut_times(r, tokens, n, logits);
    kernels()->softmax(logits, v->all, 1);
    if (r->has_times)
        prefer_time(r, logits);
}
