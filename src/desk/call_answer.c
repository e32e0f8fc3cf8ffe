/* SPDX-License-Identifier: Apache-2.0 */
/* A call that the knowledge base answers while it goes on. */
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "db/db.h"
#include "desk/call_parts.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/intake_parts.h"
#include "desk/vocabulary.h"
#include "speech/recogniser.h"
#include "speech/sound.h"
#include "text/markdown.h"

static void begin_intake(struct intake *in, struct desk *d,
                         struct desk_worker *w, struct arena *a)
{
    *in = (struct intake){
        .d = d,
        .w = w,
        .arena = a,
        .now = clock_wall(desk_clock(d)),
        .model = "",
        .catalog = desk_catalog(d),
    };
}

/* ---- is there an answer?
 * ------------------------------------------------------------------ */

static int hear(struct desk *d, const struct call_question *q, struct arena *a,
                struct call_heard *ret, struct err *e)
{
    struct sound raw = {0};
    struct sound sound = {0};
    int r = sound_read_wav(q->wav, &raw, e);
    if (!r)
        r = sound_resample(&raw, RECOGNISER_RATE, &sound, e);
    struct recogniser_ask ask = {
        .samples = sound.samples,
        .n = sound.n,
        .language = q->spoken,
        .prompt = vocabulary_prompt_of(d, q->language, a),
        .cancelled = q->cancelled,
        .ctx = q->ctx,
    };
    if (!r)
        r = recogniser_run(desk_recogniser(d), &ask, a, &ret->said, e);
    ret->to_ms = sound_ms(&raw);
    sound_free(&raw);
    sound_free(&sound);
    return r;
}

int call_think(struct desk *d, struct desk_worker *w,
               const struct call_question *q, struct arena *a,
               struct call_thought *ret, struct err *e)
{
    struct call_heard heard = {0};
    struct intake in;
    struct intake_result result = {.language = ""};
    struct intake_ask ask = {.channel = "phone"};
    *ret = (struct call_thought){.language = ""};
    if (!desk_recogniser(d))
        return OTK_OK;
    int r = hear(d, q, a, &heard, e);
    if (r)
        return r;
    ret->heard = call_heard_print(&heard, a);
    if (heard.said.text.n == 0)
        return OTK_OK;
    begin_intake(&in, d, w, a);
    in.ask = &ask;
    in.result = &result;
    ask.text = ret->words = heard.said.text;
    intake_understand(&in);
    catalog_unref(in.catalog);
    ret->language = result.language;
    if (result.outcome == INTAKE_ANSWERED)
        ret->answer = markdown_speech(result.answer.text, CALL_ANSWER_MAX, a);
    return OTK_OK;
}

/* ---- it helped
 * ---------------------------------------------------------------------------
 */

struct answered {
    struct intake in;
    struct intake_ask ask;
    struct intake_result result;
};

static int store_answered(struct db_tx *tx, void *arg, struct err *e)
{
    struct answered *x = arg;
    struct intake *in = &x->in;
    int64_t n = 0;
    int r = db_int_of(tx, &n, e,
                      "SELECT COUNT(*) FROM inbox WHERE channel = 'phone' AND "
                      "dedup = ?1",
                      "s", x->ask.dedup);
    if (r || n)
        return r;
    r = person_get_or_make(tx, &x->ask.person, in->now, &in->person_id, e);
    if (!r)
        r = intake_put_inbox(tx, in, intake_stage(x->result.outcome), e);
    return r ? r : intake_put_predictions(tx, in, e);
}

int call_close(struct desk *d, struct desk_worker *w,
               const struct call_about *about, struct str words,
               struct arena *a, struct err *e)
{
    struct answered x = {
        .ask = {.channel = "phone", .dedup = about->id, .text = words},
        .result = {.language = ""},
    };
    struct intake_result ignored;
    begin_intake(&x.in, d, w, a);
    x.in.ask = &x.ask;
    x.in.result = &x.result;
    call_take_caller(about, a, &x.ask.person);
    rand_token(x.result.token, (TOKEN_BYTES - 1) / 2);
    intake_understand(&x.in);
    int r = x.result.outcome == INTAKE_ANSWERED
                ? db_write(desk_db(d), 0, store_answered, &x, e)
                : err_set(e, OTK_ENOENT, "there is no answer any more");
    catalog_unref(x.in.catalog);
    /* the request is answered without the thumb, too */
    if (!r)
        (void)intake_feedback(d, w, str_from(x.result.token), true,
                              (struct str){0}, a, &ignored, NULL);
    return r;
}
