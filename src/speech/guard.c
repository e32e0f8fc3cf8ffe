/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/guard.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/whisper.h"
#include "speech/echo.h"
#include "text/unicode.h"

enum {
    SAME_MAX = 2,    /* segments that say the same in a row */
    PHRASE_MAX = 8,  /* words of a phrase that is repeated */
    REPEATS_MAX = 3, /* of a phrase within a segment */
    WORDS_MAX = 2000,
    TEXT_BYTES = 1 << 17,
};
static const float UNLIKELY = 0.35F;
static const float NO_SPEECH = 0.6F;
static const float DOUBTFUL = 0.3F;
static const float CERTAIN = 0.8F;

/* ---- phantoms
 * ----------------------------------------------------------------------- */

/* Without capitals and punctuation. Nobody says these to a support desk … */
static const char *const credits[] = {
    "субтитры сделал dimatorzok",
    "субтитры создавал dimatorzok",
    "субтитры подогнал симон",
    "субтитры делал dimatorzok",
    "субтитры и перевод",
    "субтитры от",
    "субтитры выполнены",
    "редактор субтитров",
    "корректор",
    "перевод субтитров",
    "subtitles by the amara org community",
    "subtitles by",
    "subtitled by",
    "subs by",
    "captions by",
    "transcription by castingwords",
    "transcribed by",
    "translated by",
    "amara org",
};

/* … and these hardly ever; certain ones stay. */
static const char *const farewells[] = {
    "продолжение следует",
    "спасибо за просмотр",
    "спасибо за внимание",
    "подписывайтесь на канал",
    "подписывайтесь на мой канал",
    "подписывайтесь на наш канал",
    "ставьте лайки и подписывайтесь на канал",
    "ставьте лайки подписывайтесь на канал",
    "до новых встреч",
    "до встречи в следующем видео",
    "всем пока",
    "с вами был игорь негода",
    "thanks for watching",
    "thank you for watching",
    "thank you so much for watching",
    "thank you",
    "thanks",
    "bye",
    "you",
    "please subscribe",
    "please subscribe to my channel",
    "subscribe to my channel",
    "dont forget to like and subscribe",
    "dont forget to subscribe",
    "see you in the next video",
    "ill see you in the next video",
    "to be continued",
    "music",
    "applause",
    "музыка",
    "аплодисменты",
};

/* Without apostrophes: "don't" is written both ways. */
static struct str fingerprint(struct arena *a, const char *text)
{
    struct buf b = BUF_INIT(TEXT_BYTES);
    for (const char *p = text; *p; p++) {
        if (*p != '\'')
            buf_putc(&b, *p);
    }
    struct str s = text_fingerprint(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static bool is_credit(struct str s)
{
    for (size_t i = 0; i < sizeof(credits) / sizeof(*credits); i++) {
        if (str_starts(s, credits[i]))
            return true;
    }
    return false;
}

static bool is_farewell(struct str s)
{
    for (size_t i = 0; i < sizeof(farewells) / sizeof(*farewells); i++) {
        if (str_is(s, farewells[i]))
            return true;
    }
    return false;
}

static bool is_doubtful(const struct whisper_segment *x)
{
    return x->no_speech > DOUBTFUL || x->confidence < CERTAIN;
}

static bool is_phantom(const struct whisper_segment *x, struct str s)
{
    return is_credit(s) || (is_farewell(s) && is_doubtful(x));
}

/* ---- repetition within a segment
 * ---------------------------------------------------- */

static size_t split(struct str text, struct str words[WORDS_MAX])
{
    size_t n = 0;
    struct str word;
    while (n < WORDS_MAX && str_next(&text, ' ', &word)) {
        if (word.n)
            words[n++] = word;
    }
    return n;
}

/* How many times the `len` words at `at` stand there one behind the other. */
static size_t repeats(const struct str *words, size_t n, size_t at, size_t len)
{
    size_t times = 1;
    for (size_t i = at + len; i + len <= n; i += len, times++) {
        for (size_t k = 0; k < len; k++) {
            if (!str_eq(words[at + k], words[i + k]))
                return times;
        }
    }
    return times;
}

/* Marks the words that stay; how many go. */
static size_t mark(const struct str *words, size_t n, bool *stays)
{
    size_t gone = 0;
    for (size_t at = 0; at < n;) {
        size_t len = 1;
        size_t times = 1;
        for (; len <= PHRASE_MAX; len++) {
            times = repeats(words, n, at, len);
            if (times > REPEATS_MAX)
                break;
        }
        if (times <= REPEATS_MAX) {
            stays[at++] = true;
            continue;
        }
        for (size_t i = 0; i < times * len; i++)
            stays[at + i] = i < len;
        gone += (times - 1) * len;
        at += times * len;
    }
    return gone;
}

/* Whether something was taken out. Words keep their times where they are as
 * many as the text's, and are left out where not. */
static bool shorten(struct arena *a, struct whisper_segment *x)
{
    struct str *words = ARENA_ARRAY(a, struct str, WORDS_MAX);
    bool *stays = ARENA_ARRAY(a, bool, WORDS_MAX);
    size_t n = split(str_from(x->text), words);
    if (!mark(words, n, stays))
        return false;
    struct buf b = BUF_INIT(TEXT_BYTES);
    bool same = x->n_words == n;
    struct whisper_word *kept = ARENA_ARRAY(a, struct whisper_word, n);
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!stays[i])
            continue;
        buf_puts(&b, b.len ? " " : "");
        buf_put_str(&b, words[i]);
        if (same)
            kept[n_kept++] = x->words[i];
    }
    x->text = arena_copy(a, buf_str(&b));
    x->words = kept;
    x->n_words = n_kept;
    buf_free(&b);
    return true;
}

/* ---- the transcript
 * ----------------------------------------------------------------- */

static bool *find_told(struct str prompt, const struct whisper_transcript *t,
                       struct arena *a)
{
    bool *told = ARENA_ARRAY(a, bool, t->n_segments + 1);
    struct echo_piece *pieces =
        ARENA_ARRAY(a, struct echo_piece, t->n_segments + 1);
    for (size_t i = 0; i < t->n_segments; i++)
        pieces[i] = (struct echo_piece){str_from(t->segments[i].text),
                                        is_doubtful(&t->segments[i])};
    if (prompt.n)
        echo_find(prompt, pieces, t->n_segments, told);
    return told;
}

void guard_apply(const struct guard *g, struct whisper_transcript *t,
                 struct guard_report *ret)
{
    struct whisper_segment *kept =
        ARENA_ARRAY(t->arena, struct whisper_segment, t->n_segments + 1);
    struct arena *texts = arena_new();
    const bool *told = find_told(g->prompt, t, texts);
    struct str last = {0};
    size_t same = 0;
    size_t n = 0;
    *ret = (struct guard_report){0};
    for (size_t i = 0; i < t->n_segments; i++) {
        struct whisper_segment x = t->segments[i];
        struct str s = fingerprint(texts, x.text);
        same = s.n && str_eq(s, last) ? same + 1 : 1;
        last = s;
        if (g->speaks && !g->speaks(g->ctx, x.from_ms, x.to_ms))
            ret->silent++;
        else if (told[i])
            ret->told++;
        else if (x.confidence < UNLIKELY && x.no_speech > NO_SPEECH)
            ret->unlikely++;
        else if (is_phantom(&x, s))
            ret->phantoms++;
        else if (same > SAME_MAX)
            ret->repeated++;
        else {
            ret->shortened += shorten(t->arena, &x);
            kept[n++] = x;
        }
    }
    arena_free(texts);
    t->segments = kept;
    t->n_segments = n;
}
