/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_hands.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "channel/phone_counts.h"
#include "channel/phone_due.h"
#include "channel/phone_voice.h"
#include "desk/call.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/schedule.h"
#include "desk/sla.h"
#include "speech/activity.h"
#include "speech/recording.h"

enum { LOOK_MS = 60 * 1000, CALLER_BYTES = 64, NAME_BYTES = 100 };

struct task {
    struct task *next;
    struct phone_task t;
    char caller[CALLER_BYTES];
    int64_t given_at; /* wall */
};

struct phone_hands {
    struct phone_hands_options o;
    pthread_t threads[PHONE_HANDS_MAX];
    int n_threads;
    pthread_mutex_t lock; /* guards: */
    pthread_cond_t some;
    struct task *first, **last;
    int64_t look_at; /* when recordings are looked for again; monotonic */
    bool stop;
};

/* ---- filing
 * ------------------------------------------------------------------------ */

/* 0: the recording is gone, it is a ticket. */
static int file_one(struct phone_hands *h, struct desk_worker *w,
                    const struct call_recorded *x, struct call_filed *ret)
{
    struct recording *r = x->recording;
    struct err e = {0};
    struct arena *a = arena_new();
    int err = call_file(h->o.desk, w, x, a, ret, &e);
    arena_free(a);
    if (!err) {
        h->o.counts->filed++;
        recording_remove(r);
        return OTK_OK;
    }
    h->o.counts->unfiled++;
    log_error("phone", "call=%s is kept and will be filed later: %s",
              recording_name(r), e.msg);
    recording_close(r);
    return err;
}

/* Where the desk keeps no hours, its other ones say what o'clock it is. */
static const struct schedule *clock_of(const struct catalog *c)
{
    const struct schedule *hours = sla_hours(c, NULL);
    return hours || !c->n_schedules ? hours : c->schedules[0].hours;
}

static void speak_filed(struct phone_hands *h, const struct phone_task *t,
                        const struct call_filed *filed, struct sound *ret)
{
    struct str due = {0};
    struct arena *a = arena_new();
    struct catalog *c = desk_catalog(h->o.desk);
    const struct schedule *hours = clock_of(c);
    if (filed->first_due)
        due = phone_due_words(
            schedule_local(hours, clock_wall(desk_clock(h->o.desk))),
            schedule_local(hours, filed->first_due), t->language, a);
    catalog_unref(c);
    phone_voice_number(h->o.voice, t->line, t->language, filed->ticket_id, due,
                       ret);
    arena_free(a);
}

static void file(struct phone_hands *h, struct desk_worker *w,
                 const struct task *x, struct phone_done *f)
{
    struct call_filed filed = {0};
    const struct phone_task *t = &x->t;
    const struct call_recorded it = {t->recording, str_from(t->heard),
                                     x->given_at};
    if (file_one(h, w, &it, &filed) == OTK_OK && t->line)
        speak_filed(h, t, &filed, &f->words.filed);
    f->ticket = filed.ticket_id;
}

/* ---- an answer
 * ------------------------------------------------------------------------ */

static bool is_too_late(void *ctx)
{
    const struct phone_task *t = ctx;
    return clock_mono(&clock_real) >= t->until;
}

static void think(struct phone_hands *h, struct desk_worker *w,
                  struct phone_task *t, struct phone_done *f)
{
    struct err e = {0};
    struct call_thought x;
    struct arena *a = arena_new();
    enum phone_language l;
    struct call_question q = {
        .wav = {t->sound, t->n_sound},
        .spoken = t->is_chosen ? phone_language_code(t->language) : "",
        .language = phone_language_code(t->language),
        .cancelled = is_too_late,
        .ctx = t,
    };
    bool thought =
        !is_too_late(t) && call_think(h->o.desk, w, &q, a, &x, &e) == OTK_OK;
    if (thought && x.heard.n)
        f->heard = str_copy(x.heard);
    if (thought && x.answer.n &&
        phone_language_find(str_from(x.language), &l)) {
        phone_voice_once(h->o.voice, l, x.answer, &f->words.answer);
        f->said = str_copy(x.words);
    }
    if (e.code)
        log_info("phone", "a call is not answered at once: %s", e.msg);
    arena_free(a);
    free(t->sound);
}

/* The answer may be gone, or the store not there: then it is a ticket. */
static void close_call(struct phone_hands *h, struct desk_worker *w,
                       const struct task *x, struct phone_done *f)
{
    const struct phone_task *t = &x->t;
    struct err e = {0};
    struct call_about about;
    struct arena *a = arena_new();
    int r = call_about_parse(recording_about(t->recording), a, &about, &e);
    if (!r)
        r = call_close(h->o.desk, w, &about, str_from(t->said), a, &e);
    f->is_closed = r == OTK_OK;
    if (r) {
        log_warn("phone", "call=%s becomes a ticket: %s",
                 recording_name(t->recording), e.msg);
        file(h, w, x, f);
    } else {
        h->o.counts->answered++;
        recording_remove(t->recording);
    }
    arena_free(a);
    free(t->said);
}

/* ---- before a call begins
 * ---------------------------------------------------------------------- */

static void prepare(struct phone_hands *h, const struct phone_task *t,
                    struct phone_words *ret)
{
    struct err e = {0};
    struct str name = {0};
    struct arena *a = arena_new();
    const struct settings s = desk_settings(h->o.desk);
    const char *incidents[PHONE_LANGUAGES] = {
        [PHONE_RU] = s.phone.incident_ru,
        [PHONE_EN] = s.phone.incident_en,
    };
    if (t->caller[0] &&
        call_known(h->o.desk, str_from(t->caller), a, &name, &e))
        log_warn("phone", "nobody is greeted by name: %s", e.msg);
    for (size_t i = 0; i < t->line->n_languages; i++) {
        enum phone_language l = t->line->languages[i];
        if (incidents[l][0])
            phone_voice_once(h->o.voice, l, str_from(incidents[l]),
                             &ret->incident[l]);
        if (name.n)
            phone_voice_known(h->o.voice, t->line, l,
                              utf8_cut(name, NAME_BYTES), &ret->known[l]);
    }
    arena_free(a);
}

static void do_task(struct phone_hands *h, struct desk_worker *w,
                    struct task *x)
{
    struct phone_done *f = MEM_NEW(struct phone_done);
    f->work = x->t.work;
    f->call = x->t.call;
    switch (x->t.work) {
    case WORK_PREPARE: prepare(h, &x->t, &f->words); break;
    case WORK_THINK: think(h, w, &x->t, f); break;
    case WORK_CLOSE: close_call(h, w, x, f); break;
    case WORK_FILE: file(h, w, x, f); break;
    }
    free(x->t.heard);
    h->o.done(h->o.arg, f);
    free(x);
}

void phone_done_free(struct phone_done *f)
{
    phone_words_free(&f->words);
    free(f->said);
    free(f->heard);
    free(f);
}

/* ---- what nobody holds
 * ---------------------------------------------------------------- */

struct hearing {
    struct activity ear;
    size_t skip; /* of the head */
};

static int hear(void *ctx, struct str bytes, struct err *e)
{
    struct hearing *h = ctx;
    int16_t samples[1024];
    (void)e;
    size_t skip = bytes.n < h->skip ? bytes.n : h->skip;
    h->skip -= skip;
    bytes = str_sub(bytes, skip, bytes.n);
    while (bytes.n >= sizeof(*samples)) {
        size_t n = bytes.n < sizeof(samples) ? bytes.n : sizeof(samples);
        n -= n % sizeof(*samples);
        memcpy(samples, bytes.p, n);
        (void)activity_hear(&h->ear, samples, n / sizeof(*samples));
        bytes = str_sub(bytes, n, bytes.n);
    }
    return OTK_OK;
}

struct resuming {
    struct phone_hands *h;
    struct desk_worker *w;
};

static int resume_one(void *ctx, struct recording *r, struct err *e)
{
    struct resuming *x = ctx;
    struct hearing heard = {.skip = SOUND_WAV_HEAD};
    int64_t ms = 0;
    struct call_filed filed;
    activity_init(&heard.ear, recording_rate_hz(r));
    int err = recording_read(r, hear, &heard, &ms, e);
    if (err) {
        recording_close(r);
        return err;
    }
    if (heard.ear.voiced_ms < x->h->o.voiced_ms) {
        recording_remove(r);
        return OTK_OK;
    }
    log_info("phone", "call=%s was cut off, %lld ms of it are filed",
             recording_name(r), (long long)ms);
    const struct call_recorded it = {.recording = r};
    if (file_one(x->h, x->w, &it, &filed) == OTK_OK)
        x->h->o.counts->resumed++;
    return OTK_OK; /* the next one may be luckier */
}

static void resume(struct phone_hands *h, struct desk_worker *w)
{
    struct err e = {0};
    struct resuming x = {h, w};
    if (!h->o.folder)
        return;
    if (recording_each(h->o.folder, resume_one, &x, &e))
        log_warn("phone", "recordings wait on: %s", e.msg);
}

/* ---- the threads
 * -------------------------------------------------------------------- */

/* A task; or NULL: look for recordings, or (*ret_stop) end. */
static struct task *next_task(struct phone_hands *h, bool *ret_stop)
{
    struct task *t = NULL;
    pthread_mutex_lock(&h->lock);
    while (!h->first && !h->stop && clock_mono(&clock_real) < h->look_at) {
        struct timespec until = {.tv_sec = h->look_at / MS_SECOND,
                                 .tv_nsec = h->look_at % MS_SECOND * 1000000};
        (void)pthread_cond_timedwait(&h->some, &h->lock, &until);
    }
    if (h->first) {
        t = h->first;
        h->first = t->next;
        if (!h->first)
            h->last = &h->first;
    } else if (!h->stop) {
        h->look_at = clock_mono(&clock_real) + LOOK_MS;
    }
    *ret_stop = !t && h->stop;
    pthread_mutex_unlock(&h->lock);
    return t;
}

static void *work(void *arg)
{
    struct phone_hands *h = arg;
    struct desk_worker *w = desk_worker_new();
    bool stop = false;
    while (!stop) {
        struct task *t = next_task(h, &stop);
        if (t)
            do_task(h, w, t);
        else if (!stop)
            resume(h, w);
    }
    desk_worker_free(w);
    return NULL;
}

int phone_hands_start(const struct phone_hands_options *o,
                      struct phone_hands **ret, struct err *e)
{
    struct phone_hands *h = MEM_NEW(struct phone_hands);
    pthread_condattr_t attr;
    h->o = *o;
    h->last = &h->first;
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&h->some, &attr);
    (void)pthread_condattr_destroy(&attr);
    while (h->n_threads < o->threads &&
           pthread_create(&h->threads[h->n_threads], NULL, work, h) == 0)
        h->n_threads++;
    if (h->n_threads == 0) {
        phone_hands_stop(h);
        return err_set(e, OTK_EAGAIN, "no thread for the telephone");
    }
    *ret = h;
    return OTK_OK;
}

void phone_hands_give(struct phone_hands *h, const struct phone_task *t)
{
    struct task *x = MEM_NEW(struct task);
    x->t = *t;
    (void)snprintf(x->caller, sizeof(x->caller), "%s",
                   t->caller ? t->caller : "");
    x->t.caller = x->caller;
    x->given_at = clock_wall(desk_clock(h->o.desk));
    pthread_mutex_lock(&h->lock);
    *h->last = x;
    h->last = &x->next;
    (void)pthread_cond_signal(&h->some);
    pthread_mutex_unlock(&h->lock);
}

void phone_hands_stop(struct phone_hands *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    (void)pthread_cond_broadcast(&h->some);
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < h->n_threads; i++)
        (void)pthread_join(h->threads[i], NULL);
    (void)pthread_mutex_destroy(&h->lock);
    (void)pthread_cond_destroy(&h->some);
    free(h);
}
