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
    struct sound texts[PHONE_TEXTS];
};

struct phone_voice {
    const struct phone_script *script;
    struct synthesiser *synthesiser; /* NULL: nothing is spoken */
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

/* False: it is a tone. */
static bool make_prompt(const struct phone_voice *v, const struct desk *d,
                        const struct phone_line *l, enum phone_text t,
                        struct sound *ret)
{
    struct err e = {0};
    const struct phone_prompt *p = &l->prompts[t];
    int r = p->sound[0] ? read_sound(d, p->sound, ret, &e)
                        : speak(v, str_from(p->text), l->language, ret, &e);
    if (!r)
        return true;
    log_warn("phone", "line=%s text=%s is only a tone: %s", l->number,
             phone_text_name(t), e.msg);
    make_tone(ret);
    return false;
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
    if (program[0])
        v->synthesiser = synthesiser_espeak_open(program, folder);
    v->lines = mem_new(script->n_lines, sizeof(*v->lines));
    for (size_t i = 0; i < script->n_lines; i++) {
        for (int t = 0; t < PHONE_TEXTS; t++) {
            /* that with a number is made when there is one */
            if (t == PHONE_FILED && !script->lines[i].prompts[t].sound[0])
                continue;
            *ret_missing +=
                !make_prompt(v, d, &script->lines[i], (enum phone_text)t,
                             &v->lines[i].texts[t]);
        }
    }
    return v;
}

void phone_voice_free(struct phone_voice *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->script->n_lines; i++) {
        for (int t = 0; t < PHONE_TEXTS; t++)
            sound_free(&v->lines[i].texts[t]);
    }
    synthesiser_close(v->synthesiser);
    free(v->lines);
    free(v);
}

const struct sound *phone_voice_get(const struct phone_voice *v,
                                    const struct phone_line *line,
                                    enum phone_text t)
{
    return &v->lines[line - v->script->lines].texts[t];
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

void phone_voice_number(const struct phone_voice *v,
                        const struct phone_line *line, int64_t ticket,
                        struct sound *ret)
{
    struct err e = {0};
    struct arena *a = arena_new();
    const struct sound *own = phone_voice_get(v, line, PHONE_FILED);
    struct sound spoken = {0};
    struct str text =
        own->n ? STR("{ticket}") : str_from(line->prompts[PHONE_FILED].text);
    text = phone_text_fill(text, ticket, a);
    if (own->n)
        append(ret, own);
    if (v->synthesiser || !own->n) {
        if (speak(v, text, line->language, &spoken, &e)) {
            log_warn("phone", "the number of a ticket is only a tone: %s",
                     e.msg);
            make_tone(&spoken);
        }
        append(ret, &spoken);
    }
    sound_free(&spoken);
    arena_free(a);
}
