/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_voice.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "desk/desk.h"
#include "speech/synthesiser.h"

enum {
    PATH_BYTES = 8192,
    SOUND_BYTES = 32 << 20,
    TONE_MS = 300,
    TONE_HZ = 800,
    TONE_SIZE = 6000,
};

struct line_sounds {
    struct sound texts[PHONE_LANGUAGES][PHONE_TEXTS];
    struct sound questions[PHONE_LANGUAGES][PHONE_QUESTIONS_MAX];
};

struct phone_voice {
    const struct phone_script *script;
    struct synthesiser *synthesiser; /* NULL: nothing is spoken */
    struct synthesiser *once;        /* the same, keeps nothing */
    struct line_sounds *lines;
};

static void make_tone(struct sound *ret)
{
    size_t n = (size_t)PHONE_RATE * TONE_MS / 1000;
    int16_t *out = mem_new(n, sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)lrint(
            TONE_SIZE * sin(2 * M_PI * TONE_HZ * (double)i / PHONE_RATE));
    *ret = (struct sound){out, n, PHONE_RATE};
}

static int read_sound(const struct desk *d, const char *name, struct sound *ret,
                      struct err *e)
{
    char path[PATH_BYTES];
    struct buf b = BUF_INIT(SOUND_BYTES);
    struct sound raw = {0};
    if (name[0] == '/')
        (void)snprintf(path, sizeof(path), "%s", name);
    else
        (void)snprintf(path, sizeof(path), "%s/%s", desk_folder(d), name);
    int r = file_read(path, &b, e);
    if (!r)
        r = sound_read_wav(buf_str(&b), &raw, e);
    if (!r)
        r = sound_resample(&raw, PHONE_RATE, ret, e);
    sound_free(&raw);
    buf_free(&b);
    return r ? err_wrap(e, r, "%s", path) : OTK_OK;
}

static int speak(const struct phone_voice *v, struct str text,
                 const char *language, struct sound *ret, struct err *e)
{
    if (!v->synthesiser)
        return err_set(e, OTK_ENOENT,
                       "nothing speaks (speech.synthesiser is empty) and there "
                       "is no sound of the owner");
    return synthesiser_speak(v->synthesiser, text, language, PHONE_RATE, ret,
                             e);
}

/* The key is that of the language where it is chosen, else that of a person. */
static struct str fill_key(const struct phone_line *l, enum phone_language in,
                           bool chooses, const char *text, struct arena *a)
{
    size_t i = 0;
    while (l->languages[i] != in)
        i++;
    char of[2] = {chooses ? (char)('1' + i) : l->transfer.key, '\0'};
    struct phone_fill key = {"{key}", str_from(arena_copy(a, str_from(of)))};
    return phone_text_fill(str_from(text), &key, 1, a);
}

/* False: it is a tone. `name`: of the text. */
static bool make_prompt(const struct phone_voice *v, const struct desk *d,
                        const struct phone_line *l, enum phone_language in,
                        const struct phone_prompt *p, const char *name,
                        struct sound *ret)
{
    struct err e = {0};
    struct arena *a = arena_new();
    bool chooses = p == &l->prompts[in][PHONE_CHOOSE];
    struct str text = fill_key(l, in, chooses, p->text, a);
    int r = OTK_OK;
    if (p->sound[0])
        r = read_sound(d, p->sound, ret, &e);
    else if (text.n)
        r = speak(v, text, phone_language_code(in), ret, &e);
    arena_free(a);
    if (!r)
        return true;
    log_warn("phone", "line=%s text=%s is only a tone: %s", l->number, name,
             e.msg);
    make_tone(ret);
    return false;
}

/* Those with something of the ticket in them are made when there is one. */
static bool is_made_before(const struct desk *d, const struct phone_line *l,
                           enum phone_language in, enum phone_text t)
{
    if (t == PHONE_FILED || t == PHONE_DUE || t == PHONE_KNOWN)
        return l->prompts[in][t].sound[0] != '\0';
    if (t == PHONE_OFFER || t == PHONE_CLOSED || t == PHONE_TRANSFER ||
        t == PHONE_NOBODY)
        return l->transfer.to[0] != '\0';
    if (t == PHONE_MOMENT || t == PHONE_HELPED || t == PHONE_GLAD)
        return desk_settings(d).phone.answer_seconds > 0;
    return t != PHONE_CHOOSE || l->n_languages > 1;
}

static size_t make_line(const struct phone_voice *v, const struct desk *d,
                        const struct phone_line *l, struct line_sounds *ret)
{
    size_t missing = 0;
    for (size_t i = 0; i < l->n_languages; i++) {
        enum phone_language in = l->languages[i];
        for (int n = 0; n < PHONE_TEXTS; n++) {
            enum phone_text t = (enum phone_text)n;
            if (is_made_before(d, l, in, t))
                missing += !make_prompt(v, d, l, in, &l->prompts[in][t],
                                        phone_text_name(t), &ret->texts[in][t]);
        }
        for (size_t q = 0; q < l->n_questions; q++)
            missing += !make_prompt(v, d, l, in, &l->questions[q].prompts[in],
                                    "question", &ret->questions[in][q]);
    }
    return missing;
}

struct phone_voice *phone_voice_new(const struct desk *d,
                                    const struct phone_script *script,
                                    size_t *ret_missing)
{
    char folder[PATH_BYTES];
    const char *program = desk_settings(d).speech.synthesiser;
    struct phone_voice *v = MEM_NEW(struct phone_voice);
    *ret_missing = 0;
    v->script = script;
    (void)snprintf(folder, sizeof(folder), "%s/cache/voice", desk_folder(d));
    if (program[0]) {
        v->synthesiser = synthesiser_espeak_open(program, folder);
        v->once = synthesiser_espeak_open(program, "");
    }
    v->lines = mem_new(script->n_lines, sizeof(*v->lines));
    for (size_t i = 0; i < script->n_lines; i++)
        *ret_missing += make_line(v, d, &script->lines[i], &v->lines[i]);
    return v;
}

void phone_voice_free(struct phone_voice *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->script->n_lines; i++) {
        for (int l = 0; l < PHONE_LANGUAGES; l++) {
            for (int t = 0; t < PHONE_TEXTS; t++)
                sound_free(&v->lines[i].texts[l][t]);
            for (int q = 0; q < PHONE_QUESTIONS_MAX; q++)
                sound_free(&v->lines[i].questions[l][q]);
        }
    }
    synthesiser_close(v->synthesiser);
    synthesiser_close(v->once);
    free(v->lines);
    free(v);
}

const struct sound *phone_voice_get(const struct phone_voice *v,
                                    const struct phone_line *line,
                                    enum phone_language l, enum phone_text t)
{
    return &v->lines[line - v->script->lines].texts[l][t];
}

const struct sound *phone_voice_question(const struct phone_voice *v,
                                         const struct phone_line *line,
                                         enum phone_language l, size_t i)
{
    return &v->lines[line - v->script->lines].questions[l][i];
}

/* `ret` and then `more`. */
static void append(struct sound *ret, const struct sound *more)
{
    if (!more->samples)
        return;
    ret->samples =
        mem_resize(ret->samples, ret->n + more->n, sizeof(*ret->samples));
    memcpy(ret->samples + ret->n, more->samples,
           more->n * sizeof(*more->samples));
    ret->n += more->n;
    ret->rate_hz = PHONE_RATE;
}

/* A text with something in it, spoken and appended. After a sound of the
 * owner's only `alone` is spoken. */
static void append_filled(const struct phone_voice *v,
                          const struct phone_line *line, enum phone_language l,
                          enum phone_text t, const struct phone_fill *f,
                          struct sound *ret)
{
    struct err e = {0};
    struct arena *a = arena_new();
    const struct sound *own = phone_voice_get(v, line, l, t);
    const char *text = own->n ? f->mark : line->prompts[l][t].text;
    struct sound spoken = {0};
    append(ret, own);
    if (text[0] && (v->synthesiser || !own->n)) {
        if (speak(v, phone_text_fill(str_from(text), f, 1, a),
                  phone_language_code(l), &spoken, &e)) {
            log_warn("phone", "text=%s of a ticket is only a tone: %s",
                     phone_text_name(t), e.msg);
            make_tone(&spoken);
        }
        append(ret, &spoken);
    }
    sound_free(&spoken);
    arena_free(a);
}

void phone_voice_number(const struct phone_voice *v,
                        const struct phone_line *line, enum phone_language l,
                        int64_t ticket, struct str due, struct sound *ret)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%lld", (long long)ticket);
    append_filled(v, line, l, PHONE_FILED,
                  &(struct phone_fill){"{ticket}", str_from(digits)}, ret);
    if (due.n && (v->synthesiser || phone_voice_get(v, line, l, PHONE_DUE)->n))
        append_filled(v, line, l, PHONE_DUE, &(struct phone_fill){"{due}", due},
                      ret);
    append(ret, phone_voice_get(v, line, l, PHONE_BYE));
}

void phone_voice_once(const struct phone_voice *v, enum phone_language l,
                      struct str text, struct sound *ret)
{
    struct err e = {0};
    if (v->once && synthesiser_speak(v->once, text, phone_language_code(l),
                                     PHONE_RATE, ret, &e))
        log_warn("phone", "a text of a call is not said: %s", e.msg);
}

void phone_voice_known(const struct phone_voice *v,
                       const struct phone_line *line, enum phone_language l,
                       struct str name, struct sound *ret)
{
    struct arena *a = arena_new();
    struct phone_fill f = {"{name}", name};
    const struct sound *own = phone_voice_get(v, line, l, PHONE_KNOWN);
    struct sound spoken = {0};
    struct str text =
        own->n ? name
               : phone_text_fill(str_from(line->prompts[l][PHONE_KNOWN].text),
                                 &f, 1, a);
    append(ret, own);
    if (text.n)
        phone_voice_once(v, l, text, &spoken);
    append(ret, &spoken);
    sound_free(&spoken);
    arena_free(a);
}
