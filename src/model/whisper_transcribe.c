/* SPDX-License-Identifier: Apache-2.0 */
/* Sound of any length, a window of 30 s after the other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "model/mel.h"
#include "model/whisper_private.h"
#include "model/whisper_rules.h"
#include "model/whisper_search.h"
#include "model/whisper_text.h"
#include "tensor/kernels.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

enum {
    FRAME_MS = 10,
    PROMPT_MAX = 6, /* start, language, task, no timestamps */
};

/* Thresholds of whisper's transcribe.py. */
static const float NO_SPEECH = 0.6F;
static const float REPETITION = 2.4F;
static const double MEAN_LOG = -1.0;
static const float WARM = 0.5F; /* what came of this is no help for the next */
static const float TEMPERATURE_STEP = 0.2F;
static const float LOUDEST_BELOW = 8; /* powers of ten that are kept */

struct whisper_session *whisper_session_new(int threads)
{
    struct whisper_session *s = MEM_NEW(struct whisper_session);
    s->team = team_new(threads);
    s->space = workspace_new();
    return s;
}

void whisper_session_free(struct whisper_session *s)
{
    if (!s)
        return;
    team_free(s->team);
    workspace_free(s->space);
    free(s);
}

static int64_t now_ms(void)
{
    return clock_mono(&clock_real);
}

/* ---- one sound
 * ---------------------------------------------------------------------- */

struct job {
    const struct whisper *w;
    struct whisper_session *s;
    const struct whisper_options *o;
    struct whisper_transcript *to;
    struct whisper_memory *m;
    struct whisper_rules rules;
    struct rand rand;
    float *mels;   /* frames × bands, log10 of power */
    size_t frames; /* that have sound */
    float least;   /* what is quieter counts as this */
    float *window; /* audio.ctx rows of frames, as the encoder takes them */
    float *encoded;
    int language;   /* -1: not yet known */
    uint32_t *said; /* tokens of the windows before, the last ones */
    size_t n_said;
    uint32_t *told; /* the words of the prompt */
    size_t n_told;
    uint32_t *prompt;
    size_t n_prompt, start;
    struct whisper_found found;
    struct whisper_texts texts;
};

static size_t window_frames(const struct job *j)
{
    return j->w->sizes.audio.ctx * WHISPER_FRAMES_PER_ROW;
}

static int listen(struct job *j, const float *pcm, size_t samples,
                  struct err *e)
{
    size_t bands = j->w->sizes.mels;
    size_t d = j->w->sizes.audio.state;
    j->frames = samples / MEL_HOP + (samples % MEL_HOP != 0);
    j->mels = mem_try(j->frames * bands + 1, sizeof(*j->mels));
    j->window = mem_try(window_frames(j) * bands, sizeof(*j->window));
    j->encoded = mem_try(j->w->sizes.audio.ctx * d, sizeof(*j->encoded));
    if (!j->mels || !j->window || !j->encoded)
        return err_set(e, OTK_ELIMIT, "no memory for a sound of %zu s",
                       samples / MEL_RATE);
    mel_apply(j->s->team, j->s->space, j->w->mel, pcm, samples, 0, j->frames,
              j->mels);
    float most = -LOUDEST_BELOW;
    for (size_t i = 0; i < j->frames * bands; i++)
        most = j->mels[i] > most ? j->mels[i] : most;
    j->least = most - LOUDEST_BELOW;
    return OTK_OK;
}

/* Encode the window from a frame on; what is behind the sound is silence. */
static void hear(struct job *j, size_t from, size_t frames)
{
    const struct whisper *w = j->w;
    size_t bands = w->sizes.mels;
    size_t rows = w->sizes.audio.ctx;
    if (j->o->cuts_windows) {
        enum { QUIET = 50, STEP = 32 }; /* rows: a second after the sound */
        size_t voiced = frames / WHISPER_FRAMES_PER_ROW + QUIET;
        voiced = (voiced + STEP - 1) / STEP * STEP;
        rows = voiced < rows ? voiced : rows;
    }
    size_t n = rows * WHISPER_FRAMES_PER_ROW;
    for (size_t i = 0; i < n * bands; i++) {
        bool sounds = i < frames * bands;
        float x = sounds ? j->mels[from * bands + i] : j->least;
        x = x > j->least ? x : j->least;
        j->window[i] = (x + 4) / 4;
    }
    whisper_encode(w, j->s, j->window, rows, j->encoded);
    whisper_memory_hear(w, j->s, j->m, j->encoded, rows);
}

/* ---- language
 * ----------------------------------------------------------------------- */

/* The likeliest token of a language after the start token. */
static int hear_language(struct job *j, struct err *e)
{
    const struct whisper_vocabulary *v = &j->w->vocabulary;
    const struct whisper_step step = {.token = v->start, .wants = true};
    size_t mark = workspace_mark(j->s->space);
    float *chances = WORKSPACE_ARRAY(j->s->space, float, v->all);
    int r = whisper_decode(j->w, j->s, j->m, &step, 1, chances, NULL, e);
    if (!r) {
        float *own = chances + v->languages;
        kernels()->softmax(own, v->n_languages, 1);
        j->language = 0;
        for (size_t i = 1; i < v->n_languages; i++) {
            if (own[i] > own[j->language])
                j->language = (int)i;
        }
        j->to->language_chance = own[j->language];
    }
    workspace_reset(j->s->space, mark);
    return r;
}

static int choose_language(struct job *j, struct err *e)
{
    const struct whisper_options *o = j->o;
    size_t n = j->w->vocabulary.n_languages;
    j->language = -1;
    j->to->language_chance = 1;
    if (n == 0)
        j->language = 0;
    if (!o->language)
        return OTK_OK;
    int told = whisper_language_find(str_from(o->language));
    if (told < 0 || (n == 0 ? told != 0 : (size_t)told >= n))
        return err_field(e, OTK_EINVAL, "language",
                         "'%s' is no language of this model%s", o->language,
                         n ? ", which knows codes such as ru, en, de"
                           : ": it knows English only");
    j->language = told;
    return OTK_OK;
}

/* ---- the prompt
 * --------------------------------------------------------------------- */

static void read_prompt(struct job *j)
{
    struct buf text = BUF_INIT(WHISPER_PROMPT_BYTES + 2);
    struct str own = str_trim(j->o->prompt);
    buf_puts(&text, own.n ? " " : "");
    buf_put_str(&text, own);
    j->told = mem_new(text.len + 1, sizeof(*j->told));
    j->n_told = whisper_vocabulary_encode(&j->w->vocabulary, buf_str(&text),
                                          j->told, text.len);
    buf_free(&text);
}

/* As many of the told words as fit, from the end: those nearest to what will
 * be said count most. No word is begun in its middle. */
static size_t told_within(const struct job *j, size_t room)
{
    const struct whisper_vocabulary *v = &j->w->vocabulary;
    size_t n = j->n_told;
    if (n <= room)
        return n;
    n = room;
    while (n && !str_starts(whisper_vocabulary_bytes(v, j->told[j->n_told - n]),
                            " "))
        n--;
    return n;
}

/* What stands before the text: words that are likely and the end of what was
 * said, which has half of the room when it wants so much; then start, language,
 * task. */
static void make_prompt(struct job *j, bool with_said)
{
    const struct whisper_vocabulary *v = &j->w->vocabulary;
    size_t room = j->w->sizes.text.ctx / 2 - 1;
    uint32_t *p = j->prompt;
    size_t n = 0;
    size_t said = with_said && !j->o->forgets ? j->n_said : 0;
    size_t least = said < room / 2 ? said : room / 2;
    size_t told = told_within(j, room - least);
    said = said < room - told ? said : room - told;
    if (told + said) {
        p[0] = v->before;
        memcpy(p + 1, j->told + j->n_told - told, told * sizeof(*p));
        memcpy(p + 1 + told, j->said + j->n_said - said, said * sizeof(*p));
        n = 1 + told + said;
    }
    j->start = n;
    p[n++] = v->start;
    if (v->n_languages) {
        p[n++] = v->languages + (uint32_t)j->language;
        p[n++] = j->o->translates ? v->translate : v->transcribe;
    }
    if (j->o->without_times)
        p[n++] = v->no_times;
    j->n_prompt = n;
}

/* Tokens for the next window's prompt; all that fits. */
static void remember(struct job *j, const uint32_t *tokens, size_t n)
{
    size_t room = j->w->sizes.text.ctx / 2 - 1;
    for (size_t i = 0; i < n; i++) {
        if (j->n_said == room)
            memmove(j->said, j->said + 1, --j->n_said * sizeof(*j->said));
        j->said[j->n_said++] = tokens[i];
    }
}

/* ---- trying
 * ------------------------------------------------------------------------- */

static bool is_silence(const struct whisper_found *f)
{
    return f->no_speech > NO_SPEECH && f->mean_log < MEAN_LOG;
}

/* Half of what the model sees, and not more than anybody says in so much sound;
 * a syllable can be three tokens in scripts that the vocabulary hardly knows.
 */
static size_t most_tokens(const struct job *j, size_t frames)
{
    enum { A_SECOND = 24, AT_LEAST = 32 };
    size_t most = j->w->sizes.text.ctx / 2 - 4;
    size_t said = AT_LEAST + A_SECOND * frames * FRAME_MS / MS_SECOND;
    return said < most ? said : most;
}

static int tries_of(const struct whisper_options *o)
{
    return o->tries > 0 && o->tries < WHISPER_TRIES ? o->tries : WHISPER_TRIES;
}

/* The window's text, at higher temperatures as long as it repeats itself or is
 * not likely. */
static int find(struct job *j, size_t frames, struct whisper_found *ret,
                float *ret_heat, float *ret_ratio, struct err *e)
{
    int tries = tries_of(j->o);
    int beams = j->o->beams > 1 ? j->o->beams : 1;
    struct whisper_search x = {
        .w = j->w,
        .s = j->s,
        .m = j->m,
        .rules = &j->rules,
        .prompt = j->prompt,
        .n_prompt = j->n_prompt,
        .start = j->start,
        .most = most_tokens(j, frames),
        .least_log = MEAN_LOG,
        .repetition = REPETITION,
        .beams = beams,
        .rand = &j->rand,
        .cancelled = j->o->cancelled,
        .ctx = j->o->ctx,
    };
    for (int i = 0; i < tries; i++) {
        x.temperature = (float)i * TEMPERATURE_STEP;
        x.is_last = i + 1 == tries;
        int r = whisper_search(&x, ret, e);
        if (r)
            return r;
        j->to->work.tokens += ret->decoded;
        j->to->work.retries += i > 0;
        *ret_heat = x.temperature;
        *ret_ratio = whisper_repetition(&j->w->vocabulary, ret->tokens, ret->n);
        bool again = *ret_ratio > REPETITION || ret->mean_log < MEAN_LOG;
        if (!again || is_silence(ret) || x.is_last)
            break;
    }
    return OTK_OK;
}

/* One window; *ret_used is how many frames of it are done. */
static int run_window(struct job *j, size_t from, size_t *ret_used,
                      struct err *e)
{
    size_t frames = j->frames - from;
    size_t most = window_frames(j);
    frames = frames < most ? frames : most;
    struct whisper_window x = {
        .w = j->w,
        .s = j->s,
        .m = j->m,
        .found = &j->found,
        .from = from,
        .frames = frames,
        .has_words = j->o->has_words,
        .prompt = j->prompt,
    };
    int r = OTK_OK;
    int64_t begun = now_ms();
    hear(j, from, frames);
    int64_t heard = now_ms();
    j->to->work.windows++;
    j->to->work.encoder_ms += heard - begun;
    if (j->language < 0)
        r = hear_language(j, e);
    if (r)
        return r;
    make_prompt(j, true);
    r = find(j, frames, &j->found, &x.temperature, &x.repetition, e);
    j->to->work.decoder_ms += now_ms() - heard;
    if (r)
        return r;
    *ret_used = frames;
    if (is_silence(&j->found))
        return OTK_OK;
    x.n_prompt = j->n_prompt;
    x.start = j->start;
    r = whisper_texts_add(&j->texts, &x, ret_used, e);
    if (x.temperature > WARM || x.repetition > REPETITION)
        j->n_said = 0; /* it would only be said again */
    else
        remember(j, j->found.tokens, j->found.n);
    return r;
}

static int run_windows(struct job *j, struct err *e)
{
    /* less than this has no word in it: windows end where sound does */
    enum { SHORTEST = 10 };
    int r = OTK_OK;
    size_t at = 0;
    while (!r && at + SHORTEST <= j->frames) {
        size_t used = 0;
        if (j->o->cancelled && j->o->cancelled(j->o->ctx))
            return err_set(e, OTK_EAGAIN, "the transcription was cancelled");
        if (j->o->progress)
            j->o->progress(j->o->ctx, (double)at / (double)j->frames);
        r = run_window(j, at, &used, e);
        at += used ? used : window_frames(j);
    }
    if (!r && j->o->progress)
        j->o->progress(j->o->ctx, 1);
    return r;
}

/* ---- the whole
 * ---------------------------------------------------------------------- */

static int check(const struct whisper *w, size_t samples,
                 const struct whisper_options *o, struct err *e)
{
    const size_t most = (size_t)WHISPER_HOURS_MAX * 3600 * WHISPER_RATE;
    if (samples > most)
        return err_set(e, OTK_ELIMIT,
                       "the sound has %zu s, the limit is %d hours: cut it "
                       "into parts",
                       samples / WHISPER_RATE, WHISPER_HOURS_MAX);
    if (o->beams < 0 || o->beams > WHISPER_BEAMS_MAX)
        return err_field(e, OTK_EINVAL, "beams",
                         "%d beams; 1 to %d are possible", o->beams,
                         WHISPER_BEAMS_MAX);
    if (o->prompt.n > WHISPER_PROMPT_BYTES)
        return err_field(e, OTK_ELIMIT, "prompt", "more than %d bytes",
                         WHISPER_PROMPT_BYTES);
    if (utf8_check(o->prompt) != o->prompt.n)
        return err_field(e, OTK_EINVAL, "prompt", "it is not UTF-8");
    if (o->translates && !w->vocabulary.n_languages)
        return err_field(e, OTK_EINVAL, "translate",
                         "this model knows English only");
    return OTK_OK;
}

static bool all_finite(const float *pcm, size_t n)
{
    bool finite = true;
    for (size_t i = 0; i < n; i++)
        finite &= isfinite(pcm[i]) != 0;
    return finite;
}

static int run(struct job *j, const float *pcm, size_t samples, struct err *e)
{
    int beams = j->o->beams > 1 ? j->o->beams : 0;
    size_t lines = (size_t)beams + 1;
    if (tries_of(j->o) > 1 && lines < WHISPER_DRAWS)
        lines = WHISPER_DRAWS;
    j->m = whisper_memory_new(j->w, lines);
    if (!j->m)
        return err_set(e, OTK_ELIMIT, "no memory for %zu texts side by side",
                       lines);
    int r = choose_language(j, e);
    if (!r)
        r = listen(j, pcm, samples, e);
    if (!r)
        r = run_windows(j, e);
    return r;
}

int whisper_transcribe(const struct whisper *w, struct whisper_session *s,
                       const float *pcm, size_t samples,
                       const struct whisper_options *o,
                       struct whisper_transcript *ret, struct err *e)
{
    int r = check(w, samples, o, e);
    if (!r && !all_finite(pcm, samples))
        r = err_set(e, OTK_EFORMAT, "the sound has a sample that is no number");
    if (r)
        return r;
    struct job *j = MEM_NEW(struct job);
    struct whisper_transcript t = {.arena = arena_new()};
    size_t ctx = w->sizes.text.ctx;
    *j = (struct job){.w = w, .s = s, .o = o, .to = &t};
    j->said = mem_new(ctx, sizeof(*j->said));
    j->prompt = mem_new(ctx + PROMPT_MAX, sizeof(*j->prompt));
    j->texts.arena = t.arena;
    read_prompt(j);
    rand_init(&j->rand, o->seed);
    whisper_rules_init(&j->rules, &w->vocabulary, !o->without_times);
    r = run(j, pcm, samples, e);
    struct whisper_segment *list =
        ARENA_ARRAY(t.arena, struct whisper_segment, j->texts.n + 1);
    if (j->texts.n)
        memcpy(list, j->texts.list, j->texts.n * sizeof(*list));
    t.segments = list;
    t.n_segments = j->texts.n;
    t.language = j->language < 0 ? "" : whisper_language((size_t)j->language);
    t.duration_ms = (int64_t)(samples * 1000 / WHISPER_RATE);
    free(j->said);
    free(j->told);
    free(j->prompt);
    free(j->mels);
    free(j->window);
    free(j->encoded);
    whisper_memory_free(j->m);
    free(j->texts.list);
    free(j);
    if (r)
        arena_free(t.arena);
    else
        *ret = t;
    return r;
}

void whisper_transcript_free(struct whisper_transcript *t)
{
    arena_free(t->arena);
    *t = (struct whisper_transcript){0};
}
