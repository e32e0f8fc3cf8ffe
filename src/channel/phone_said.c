/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_said.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/scope.h"
#include "desk/call.h"
#include "speech/recording.h"
#include "speech/sound.h"

void phone_said_init(struct phone_said *s, const char *call, int rate_hz)
{
    *s = (struct phone_said){.call = call};
    activity_init(&s->ear, rate_hz);
}

void phone_said_free(struct phone_said *s)
{
    recording_remove(s->recording); /* nobody wanted it */
    free(s->words);
    free(s->heard);
}

/* ---- the sound
 * ------------------------------------------------------------------------ */

bool phone_said_begin(struct phone_said *s, const char *folder,
                      const struct call_about *about)
{
    struct err e = {0};
    struct arena *a = arena_new();
    int r = recording_begin(folder, s->call, s->ear.rate_hz,
                            call_about_print(about, a), &s->recording, &e);
    if (r)
        log_error("phone", "call=%s cannot be recorded: %s", s->call, e.msg);
    arena_free(a);
    return r == OTK_OK;
}

int64_t phone_said_put(struct phone_said *s, const int16_t *samples, size_t n)
{
    struct err e = {0};
    int64_t before = s->ear.voiced_ms;
    (void)activity_hear(&s->ear, samples, n);
    if (!s->lost && recording_put(s->recording, samples, n, &e)) {
        s->lost = true;
        log_error("phone", "call=%s: what is said now is lost: %s", s->call,
                  e.msg);
    }
    return s->ear.voiced_ms - before;
}

void phone_said_mark(struct phone_said *s, const char *field,
                     const char *digits)
{
    struct err e = {0};
    struct arena *a = arena_new();
    struct call_mark m = {
        .field = str_from(field),
        .digits = str_from(digits),
        .from_ms = recording_ms(s->recording),
    };
    if (recording_mark(s->recording, call_mark_print(&m, a), &e))
        log_error("phone", "call=%s: an answer is lost: %s", s->call, e.msg);
    arena_free(a);
}

static int put_sound(void *ctx, struct str bytes, struct err *e)
{
    struct buf *b = ctx;
    (void)e;
    buf_put(b, bytes.p, bytes.n);
    return buf_check(b);
}

char *phone_said_copy(struct phone_said *s, size_t *ret_n)
{
    int64_t ms;
    size_t rate = (size_t)recording_rate_hz(s->recording);
    struct buf b =
        BUF_INIT(SOUND_WAV_HEAD + PHONE_THINK_SECONDS * sizeof(int16_t) * rate);
    if (recording_read(s->recording, put_sound, &b, &ms, NULL)) {
        buf_free(&b);
        return NULL;
    }
    return buf_take(&b, ret_n);
}

/* ---- the words, and the end
 * ----------------------------------------------------------- */

void phone_said_take(struct phone_said *s, struct phone_done *f)
{
    free(s->words);
    free(s->heard);
    s->words = MOVE(f->said);
    s->heard = MOVE(f->heard);
}

void phone_said_give(struct phone_said *s, struct phone_task *t)
{
    t->recording = MOVE(s->recording);
    t->heard = MOVE(s->heard);
    t->said = t->work == WORK_CLOSE ? MOVE(s->words) : NULL;
}
