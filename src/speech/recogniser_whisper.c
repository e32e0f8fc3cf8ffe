/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/whisper.h"
#include "speech/activity.h"
#include "speech/guard.h"
#include "speech/recogniser.h"
#include "speech/sound.h"

enum {
    PATH_BYTES = 4096,
    VOICED_MS = 100, /* less of a voice is none */
    AROUND_MS = 300, /* that Whisper's times may be off */
};

struct heard {
    struct recogniser base;
    char path[PATH_BYTES];
    enum precision precision;
    int tries;
    pthread_mutex_t lock;  /* one sound at a time, on all threads; guards: */
    struct whisper *model; /* NULL: not asked for yet, or not there */
    struct whisper_session *session;
};

static struct heard *self(struct recogniser *r)
{
    return (struct heard *)r;
}

/* ---- the model, which may come later
 * --------------------------------------------------- */

static int load(struct heard *h, struct err *e)
{
    char file[PATH_BYTES + 8];
    if (h->model)
        return OTK_OK;
    (void)snprintf(file, sizeof(file), "%s%s", h->path,
                   file_exists(h->path) ? "" : ".bin");
    if (!file_exists(file))
        return err_set(e, OTK_EAGAIN,
                       "there is no model %s yet; otklik model pull "
                       "whisper-base fetches one",
                       h->path);
    return whisper_load(file, h->precision, &h->model, e);
}

/* ---- a sound
 * ------------------------------------------------------------------------ */

struct voices {
    const int16_t *samples;
    size_t n;
};

static bool speaks(void *ctx, int64_t from_ms, int64_t to_ms)
{
    enum { PER_MS = RECOGNISER_RATE / 1000 };
    const struct voices *v = ctx;
    int64_t from = from_ms > AROUND_MS ? (from_ms - AROUND_MS) * PER_MS : 0;
    int64_t to = (to_ms + AROUND_MS) * PER_MS;
    to = to < (int64_t)v->n ? to : (int64_t)v->n;
    return from < to &&
           activity_voiced_ms(v->samples + from, (size_t)(to - from),
                              RECOGNISER_RATE) >= VOICED_MS;
}

/* The weight of a segment in the whole is how long it is. */
static void copy(const struct whisper_transcript *t, struct arena *a,
                 struct transcript *ret)
{
    struct buf text = BUF_INIT(RECOGNISER_TEXT_MAX + 1);
    double sum = 0;
    double length = 0;
    ret->segments =
        ARENA_ARRAY(a, struct transcript_segment, t->n_segments + 1);
    for (size_t i = 0; i < t->n_segments; i++) {
        const struct whisper_segment *s = &t->segments[i];
        double ms = (double)(s->to_ms - s->from_ms) + 1;
        struct str said = arena_str(a, str_from(s->text));
        ret->segments[ret->n_segments++] = (struct transcript_segment){
            s->from_ms, s->to_ms, (double)s->confidence, said};
        buf_printf(&text, "%s" STR_FMT, text.len ? " " : "", STR_ARG(said));
        sum += ms * (double)s->confidence;
        length += ms;
    }
    ret->confidence = length > 0 ? sum / length : -1;
    ret->text = arena_str(a, buf_str(&text));
    (void)snprintf(ret->language, sizeof(ret->language), "%s", t->language);
    ret->work.encoder_ms = t->work.encoder_ms;
    ret->work.decoder_ms = t->work.decoder_ms;
    ret->work.windows = (int64_t)t->work.windows;
    ret->work.tokens = (int64_t)t->work.tokens;
    ret->work.retries = (int64_t)t->work.retries;
    buf_free(&text);
}

static int transcribe(struct heard *h, const struct recogniser_ask *ask,
                      const float *pcm, struct arena *a, struct transcript *ret,
                      struct err *e)
{
    struct voices voices = {ask->samples, ask->n};
    const struct guard guard = {.speaks = speaks, .ctx = &voices};
    struct guard_report report;
    struct whisper_transcript t = {0};
    const struct whisper_options o = {
        .language = ask->language[0] ? ask->language : NULL,
        .prompt = ask->prompt,
        .tries = h->tries,
        .cancelled = ask->cancelled,
        .ctx = ask->ctx,
    };
    int r = whisper_transcribe(h->model, h->session, pcm, ask->n, &o, &t, e);
    if (r)
        return r;
    guard_apply(&guard, &t, &report);
    copy(&t, a, ret);
    whisper_transcript_free(&t);
    return OTK_OK;
}

static int whisper_recognise(struct recogniser *r,
                             const struct recogniser_ask *ask, struct arena *a,
                             struct transcript *ret, struct err *e)
{
    struct heard *h = self(r);
    int64_t begun = clock_mono(&clock_real);
    int64_t voiced = activity_voiced_ms(ask->samples, ask->n, RECOGNISER_RATE);
    ret->work.voice_ms = clock_mono(&clock_real) - begun;
    if (voiced < VOICED_MS)
        return OTK_OK; /* where nobody speaks Whisper invents */
    float *pcm = mem_try(ask->n, sizeof(*pcm));
    if (!pcm)
        return err_set(e, OTK_EAGAIN, "no memory for %zu samples", ask->n);
    sound_floats(ask->samples, ask->n, pcm);
    pthread_mutex_lock(&h->lock);
    int err = load(h, e);
    if (!err)
        err = transcribe(h, ask, pcm, a, ret, e);
    pthread_mutex_unlock(&h->lock);
    free(pcm);
    return err;
}

static void whisper_close(struct recogniser *r)
{
    struct heard *h = self(r);
    whisper_session_free(h->session);
    whisper_unref(h->model);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}

static const struct recogniser_ops whisper_ops = {
    .name = "whisper",
    .recognise = whisper_recognise,
    .close = whisper_close,
};

static int cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    n = n < WHISPER_THREADS_MAX ? n : WHISPER_THREADS_MAX;
    return n > 0 ? (int)n : 1;
}

struct recogniser *recogniser_whisper_open(const struct recogniser_whisper *o)
{
    struct heard *h = MEM_NEW(struct heard);
    h->base.ops = &whisper_ops;
    (void)snprintf(h->path, sizeof(h->path), "%s", o->path);
    h->precision = o->precision;
    h->tries = o->tries;
    (void)pthread_mutex_init(&h->lock, NULL);
    h->session = whisper_session_new(o->threads > 0 ? o->threads : cores());
    return &h->base;
}
