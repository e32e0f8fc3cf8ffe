/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a recorded call: the job, and calls that wait for a recogniser.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "db/db.h"
#include "db/jobs.h"
#include "desk/attachment.h"
#include "desk/blob.h"
#include "desk/call_parts.h"
#include "desk/call_trace.h"
#include "desk/desk.h"
#include "desk/intake_jobs.h"
#include "desk/intake_parts.h"
#include "desk/message.h"
#include "desk/ticket.h"
#include "desk/vocabulary.h"
#include "speech/decode.h"
#include "speech/recogniser.h"
#include "speech/sound.h"

enum {
    PAYLOAD_BYTES = 4096,
    SEGMENTS_BYTES = 4 << 20,
    /* An endpoint that is down is asked for days: pauses end at an hour. */
    ATTEMPTS = 60,
    RESUME_MAX = 500,
};

int call_push(struct db_tx *tx, int64_t inbox, int64_t now_ms, struct arena *a,
              struct err *e)
{
    struct job_new j = {
        .kind = INTAKE_TRANSCRIBE,
        .payload =
            str_from(arena_printf(a, "{\"inbox\":%lld}", (long long)inbox)),
        .dedup = arena_printf(a, INTAKE_TRANSCRIBE ":%lld", (long long)inbox),
        .max_attempts = ATTEMPTS,
    };
    return job_push(tx, &j, now_ms, NULL, e);
}

int call_hear_file(struct db_tx *tx, struct desk *d, const struct attachment *x,
                   int64_t now_ms, struct err *e)
{
    char payload[64];
    bool sound = str_starts(x->media_type, "audio/") ||
                 str_is(x->media_type, "video/webm"); /* a browser's */
    if (!sound || !desk_recogniser(d))
        return OTK_OK;
    (void)snprintf(payload, sizeof(payload), "{\"attachment\":%lld}",
                   (long long)x->id);
    struct job_new j = {.kind = INTAKE_TRANSCRIBE,
                        .payload = str_from(payload)};
    return job_push(tx, &j, now_ms, NULL, e);
}

struct hearing {
    struct desk *d;
    struct desk_worker *w;
    const struct job *job;
    const char *owner;
    struct arena *arena;
    int64_t inbox; /* 0: a file, not a call */
    int64_t ticket, message, now;
    struct attachment file;
    const char *language; /* of the ticket so far: the line's */
    const char *spoken;   /* the caller said so; "": to be found out */
    struct str prompt;    /* words that are likely */
    bool waits;           /* its stage is still `recorded` */
    int64_t ms;
    struct call_mark answers[CALL_MARKS_MAX]; /* spoken ones */
    size_t n_answers;
    struct call_heard heard; /* while the call went on */
    struct str rest;         /* of the payload, when that is not wanted more */
    struct transcript said;  /* of all; its text, without the answers */
    struct str body;         /* of the message, from now on */
    struct str note;         /* of the answers; empty: there are none */
    struct call_trace trace;
};

/* ---- reading
 * ---------------------------------------------------------------------- */

static void read_answers(struct hearing *h, const json_t *list)
{
    size_t i;
    const json_t *x;
    json_array_foreach(list, i, x)
    {
        const char *field = json_string_value(json_array_get(x, 1));
        if (h->n_answers == CALL_MARKS_MAX || !field)
            return;
        h->answers[h->n_answers++] = (struct call_mark){
            .field = str_from(arena_copy(h->arena, str_from(field))),
            .from_ms = json_integer_value(json_array_get(x, 0)),
        };
    }
}

/* Takes it out of `o`. */
static void read_heard(struct hearing *h, json_t *o)
{
    SCOPED(scope_free)
    char *heard = json_dumps(json_object_get(o, "heard"), JSON_COMPACT);
    if (heard && !call_heard_parse(str_from(heard), h->arena, &h->heard))
        h->heard = (struct call_heard){0};
    (void)json_object_del(o, "heard");
    SCOPED(scope_free) char *rest = json_dumps(o, JSON_COMPACT);
    h->rest = arena_str(h->arena, str_from(rest ? rest : "{}"));
}

static int read_payload(struct hearing *h, struct str payload,
                        int64_t *ret_file, struct err *e)
{
    SCOPED(scope_json) json_t *o = NULL;
    int r = json_read(payload, CALL_PAYLOAD_BYTES, &o, e);
    h->message = json_integer_value(json_object_get(o, "message"));
    *ret_file = json_integer_value(json_object_get(o, "attachment"));
    const char *spoken = json_string_value(json_object_get(o, "spoken"));
    h->spoken = arena_copy(h->arena, str_from(spoken));
    read_answers(h, json_object_get(o, "answers"));
    if (call_trace_read(o, &h->trace)) {
        h->trace.at[CALL_TAKEN] = h->now;
        h->trace.attempt = h->job->attempt;
    }
    read_heard(h, o);
    return r;
}

static int look_up(struct db_tx *tx, void *arg, struct err *e)
{
    struct hearing *h = arg;
    struct db_rows *rows;
    int64_t file = 0;
    int r =
        db_query(tx, &rows, e,
                 "SELECT i.ticket_id, i.payload_json, t.language FROM inbox "
                 "i JOIN tickets t ON t.id = i.ticket_id WHERE i.id = ?1 "
                 "AND i.stage = 'recorded'",
                 "i", h->inbox);
    if (r)
        return r;
    r = db_next(rows, e);
    h->waits = r > 0;
    if (h->waits) {
        h->ticket = db_int(rows, 0);
        h->language = arena_copy(h->arena, db_text(rows, 2));
        r = read_payload(h, db_text(rows, 1), &file, e);
    }
    db_rows_free(rows);
    if (r || !h->waits)
        return r < 0 ? r : OTK_OK;
    r = attachment_get(tx, file, h->arena, &h->file, e);
    h->waits = r != OTK_ENOENT; /* somebody took the recording away */
    return r == OTK_ENOENT ? OTK_OK : r;
}

/* A file that waits: it is still there and has no words yet. */
static int look_up_file(struct db_tx *tx, void *arg, struct err *e)
{
    struct hearing *h = arg;
    int64_t n = 0;
    int r = attachment_get(tx, h->file.id, h->arena, &h->file, e);
    if (r == OTK_ENOENT)
        return OTK_OK;
    if (!r)
        r = db_int_of(tx, &n, e,
                      "SELECT COUNT(*) FROM transcripts WHERE attachment_id = "
                      "?1",
                      "i", h->file.id);
    h->waits = !r && n == 0 && h->file.ticket_id;
    h->ticket = h->file.ticket_id;
    h->language = "";
    return r;
}

static int read_sound(struct hearing *h, struct sound *ret, struct err *e)
{
    SCOPED(scope_close) int fd = -1;
    uint64_t size = 0;
    struct buf bytes = BUF_INIT(CALL_BYTES_MAX);
    struct sound raw = {0};
    int r = blob_open(desk_folder(h->d), h->file.hash, &fd, &size, e);
    if (!r && (size > CALL_BYTES_MAX || !buf_reserve(&bytes, size)))
        r = err_set(e, OTK_ELIMIT, "the recording is too long");
    while (!r && bytes.len < size) {
        ssize_t n = read(fd, bytes.ptr + bytes.len, size - bytes.len);
        if (n <= 0)
            r = err_errno(e, OTK_EIO, "read a recording");
        else
            bytes.len += (size_t)n;
    }
    if (!r)
        r = sound_decode(desk_settings(h->d).speech.decoder, buf_str(&bytes),
                         &raw, e);
    buf_free(&bytes);
    h->ms = sound_ms(&raw);
    if (!r)
        r = sound_resample(&raw, RECOGNISER_RATE, ret, e);
    sound_free(&raw);
    return r;
}

/* ---- storing
 * ---------------------------------------------------------------------- */

static int put_transcript(struct db_tx *tx, const struct hearing *h,
                          struct err *e)
{
    return db_exec(
        tx, e,
        "INSERT INTO transcripts (attachment_id, recogniser, "
        "language, confidence, length_ms, text, segments_json, "
        "created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON "
        "CONFLICT (attachment_id) DO NOTHING",
        "ittrissi", h->file.id, recogniser_name(desk_recogniser(h->d)),
        h->said.language, h->said.confidence, h->ms, h->said.text,
        call_segments_print(&h->said, SEGMENTS_BYTES, h->arena), h->now);
}

/* What the steps after this one must know of the request. */
static struct str rest_with_trace(const struct hearing *h)
{
    SCOPED(scope_json) json_t *o = NULL;
    struct buf b = BUF_INIT(PAYLOAD_BYTES);
    if (json_read(h->rest, PAYLOAD_BYTES, &o, NULL))
        return h->rest;
    (void)json_object_set_new(o, "trace", call_trace_json(&h->trace));
    json_put(&b, o, false);
    struct str kept =
        buf_check(&b) ? h->rest : arena_str(h->arena, buf_str(&b));
    buf_free(&b);
    return kept;
}

/* The message and the request say what was said. */
static int put_words(struct db_tx *tx, const struct hearing *h, struct err *e)
{
    int r = db_exec(tx, e, "UPDATE messages SET body = ?2 WHERE id = ?1", "is",
                    h->message, h->body);
    if (!r)
        r = message_index(tx, h->w->stemmer, h->message, h->body, e);
    if (!r && h->said.text.n)
        r = db_exec(tx, e, "UPDATE tickets SET subject = ?2 WHERE id = ?1",
                    "is", h->ticket, ticket_subject(h->body));
    if (!r)
        r = db_exec(tx, e,
                    "UPDATE inbox SET text = ?2, stage = 'received', "
                    "payload_json = ?3 WHERE id = ?1",
                    "iss", h->inbox, h->body, rest_with_trace(h));
    return r ? r
             : ticket_note(tx, h->ticket, "ticket.transcribe",
                           (struct actor){0}, STR("{}"), h->now, e);
}

static int store_file_words(struct db_tx *tx, void *arg, struct err *e)
{
    struct hearing *h = arg;
    struct message_new m = {
        .ticket_id = h->ticket,
        .kind = "note",
        .body = str_from(arena_printf(h->arena, STR_FMT ": " STR_FMT,
                                      STR_ARG(h->file.name), STR_ARG(h->body))),
    };
    int r = h->waits ? put_transcript(tx, h, e) : OTK_OK;
    if (!r && h->waits)
        r = message_add(tx, h->w->stemmer, &m, h->now, NULL, e);
    return r ? r : job_done(tx, h->job->id, h->owner, e);
}

static int put_answers(struct db_tx *tx, const struct hearing *h, struct err *e)
{
    struct message_new m = {
        .ticket_id = h->ticket, .kind = "note", .body = h->note};
    return m.body.n ? message_add(tx, h->w->stemmer, &m, h->now, NULL, e)
                    : OTK_OK;
}

static int store_words(struct db_tx *tx, void *arg, struct err *e)
{
    struct hearing *h = arg;
    int64_t n = 0;
    struct intake in = {.arena = h->arena, .inbox_id = h->inbox, .now = h->now};
    int r = db_int_of(tx, &n, e,
                      "SELECT COUNT(*) FROM inbox WHERE id = ?1 AND stage = "
                      "'recorded'",
                      "i", h->inbox);
    if (!r && n && h->waits) {
        r = put_transcript(tx, h, e);
        if (!r)
            r = put_words(tx, h, e);
        if (!r)
            r = put_answers(tx, h, e);
        if (!r)
            r = intake_push(tx, &in, e);
    } else if (!r && n) {
        r = db_exec(tx, e,
                    "UPDATE inbox SET stage = 'ticket', done_at = ?2, "
                    "payload_json = ?3 WHERE id = ?1",
                    "iis", h->inbox, h->now, h->rest);
    }
    return r ? r : job_done(tx, h->job->id, h->owner, e);
}

/* ---- when it cannot be heard now
 * --------------------------------------------------- */

static int route(struct db_tx *tx, void *arg, struct err *e)
{
    struct hearing *h = arg;
    struct intake_result result = {
        .ticket_id = h->ticket, .language = "", .outcome = INTAKE_TICKET};
    struct intake_ask ask = {.channel = "phone"};
    struct intake in = {
        .d = h->d,
        .w = h->w,
        .ask = &ask,
        .arena = h->arena,
        .result = &result,
        .catalog = desk_catalog(h->d),
        .now = h->now,
        .inbox_id = h->inbox,
    };
    int r = intake_finish_ticket(tx, &in, e);
    catalog_unref(in.catalog);
    return r ? r
             : db_exec(tx, e,
                       "UPDATE inbox SET stage = 'recorded', done_at = NULL "
                       "WHERE id = ?1",
                       "i", h->inbox);
}

/* People listen to the recording meanwhile. */
static void give_to_people(struct hearing *h)
{
    struct err ignored = {0}; /* the job fails already, with a better reason */
    if (h->waits && h->inbox && h->job->attempt == 1)
        (void)db_write(desk_db(h->d), 0, route, h, &ignored);
}

/* ---- the step
 * --------------------------------------------------------------------- */

static void add_work(struct transcript_work *to,
                     const struct transcript_work *x)
{
    to->voice_ms += x->voice_ms;
    to->encoder_ms += x->encoder_ms;
    to->decoder_ms += x->decoder_ms;
    to->windows += x->windows;
    to->tokens += x->tokens;
    to->retries += x->retries;
}

/* A desk that stops does not wait for a long call to be understood. */
static bool is_recalled(void *ctx)
{
    const struct hearing *h = ctx;
    return job_is_recalled(h->job);
}

/* The words between two moments of the sound, at their times in the whole. */
static int hear_part(struct hearing *h, const struct sound *sound,
                     int64_t from_ms, int64_t to_ms, struct transcript *ret,
                     struct err *e)
{
    size_t from = (size_t)from_ms * RECOGNISER_RATE / MS_SECOND;
    size_t to = (size_t)to_ms * RECOGNISER_RATE / MS_SECOND;
    to = to < sound->n ? to : sound->n;
    if (from >= to)
        return OTK_OK;
    struct recogniser_ask ask = {.samples = sound->samples + from,
                                 .n = to - from,
                                 .language = h->spoken,
                                 .prompt = h->prompt,
                                 .cancelled = is_recalled,
                                 .ctx = h};
    int r = recogniser_run(desk_recogniser(h->d), &ask, h->arena, ret, e);
    for (size_t i = 0; !r && i < ret->n_segments; i++) {
        ret->segments[i].from_ms += from_ms;
        ret->segments[i].to_ms += from_ms;
    }
    if (!r)
        add_work(&h->trace.work, &ret->work);
    return r;
}

/* Each answer is a sound of its own: it has nothing to do with what was said
 * before. */
static int hear_answers(struct hearing *h, const struct sound *sound,
                        struct err *e)
{
    int r = OTK_OK;
    struct buf b = BUF_INIT(CALL_NOTE_BYTES);
    for (size_t i = 0; !r && i < h->n_answers; i++) {
        struct transcript said = {0};
        int64_t to = i + 1 < h->n_answers ? h->answers[i + 1].from_ms : h->ms;
        r = hear_part(h, sound, h->answers[i].from_ms, to, &said, e);
        if (r || said.text.n == 0)
            continue;
        call_note_put(&b, h->answers[i].field, said.text);
        said.text.n = 0; /* it is no word of the problem */
        call_heard_add(&h->said, 0, &said, 0, h->arena);
    }
    h->note = arena_str(h->arena, str_trim(buf_str(&b)));
    buf_free(&b);
    return r;
}

/* What was said before the first answer: as far as it was heard in the call,
 * that is taken. */
static int hear_problem(struct hearing *h, const struct sound *sound,
                        struct err *e)
{
    enum { REST_MS = 100 }; /* what is shorter has no word in it */
    int64_t end = h->n_answers ? h->answers[0].from_ms : h->ms;
    int64_t from = h->heard.to_ms <= end ? h->heard.to_ms : 0;
    struct transcript more = {.confidence = -1};
    if (from && end - from < REST_MS) {
        h->said = h->heard.said;
        return OTK_OK;
    }
    int r = hear_part(h, sound, from, end, from ? &more : &h->said, e);
    if (r || !from)
        return r;
    h->said = h->heard.said;
    call_heard_add(&h->said, from, &more, end - from, h->arena);
    return OTK_OK;
}

static int hear(struct hearing *h, struct err *e)
{
    struct sound sound = {0};
    int r = read_sound(h, &sound, e);
    h->trace.at[CALL_DECODED] = clock_wall(desk_clock(h->d));
    h->prompt = vocabulary_prompt_of(
        h->d, h->spoken[0] ? h->spoken : h->language, h->arena);
    if (!r)
        r = hear_problem(h, &sound, e);
    if (!r)
        r = hear_answers(h, &sound, e);
    h->trace.at[CALL_HEARD] = clock_wall(desk_clock(h->d));
    sound_free(&sound);
    h->body = h->said.text;
    if (!r && h->body.n == 0)
        h->body = strcmp(h->language, "en") == 0
                      ? STR("No words were understood: listen to the file.")
                      : STR("Слова не разобраны: послушайте файл.");
    return r;
}

static int read_job(struct hearing *h, struct err *e)
{
    SCOPED(scope_json) json_t *o = NULL;
    int r = json_read(h->job->payload, PAYLOAD_BYTES, &o, e);
    h->inbox = json_integer_value(json_object_get(o, "inbox"));
    h->file.id = json_integer_value(json_object_get(o, "attachment"));
    return r ? r
             : db_read(desk_db(h->d), 0, h->inbox ? look_up : look_up_file, h,
                       e);
}

int call_step_transcribe(struct desk *d, struct desk_worker *w,
                         const struct job *j, const char *owner, struct err *e)
{
    struct arena *a = arena_new();
    struct hearing h = {.d = d,
                        .w = w,
                        .job = j,
                        .owner = owner,
                        .arena = a,
                        .spoken = "",
                        .rest = STR("{}"),
                        .now = clock_wall(desk_clock(d))};
    int r = read_job(&h, e);
    if (!r && h.waits && !desk_recogniser(d))
        r = err_set(e, OTK_EAGAIN,
                    "nothing hears recordings: set speech.recogniser");
    else if (!r && h.waits)
        r = hear(&h, e);
    if (r && !job_is_recalled(j))
        give_to_people(&h);
    if (!r)
        r = db_write(desk_db(d), 0, h.inbox ? store_words : store_file_words,
                     &h, e);
    if (!r)
        desk_pushed(d);
    arena_free(a);
    return r;
}

/* ---- calls that wait for a recogniser
 * ---------------------------------------------- */

struct resume {
    struct desk *d;
    struct arena *arena;
    int64_t ids[RESUME_MAX];
    int64_t n;
};

/* A call that was given up (a dead letter) is not begun again by itself. */
static int find_waiting(struct db_tx *tx, void *arg, struct err *e)
{
    struct resume *x = arg;
    struct db_rows *rows;
    x->n = 0;
    int r = db_query(tx, &rows, e,
                     "SELECT id FROM inbox WHERE stage = 'recorded' AND NOT "
                     "EXISTS (SELECT 1 FROM jobs WHERE jobs.dedup = "
                     "'" INTAKE_TRANSCRIBE ":' || CAST(inbox.id AS TEXT)) "
                     "ORDER BY id LIMIT ?1",
                     "i", (int64_t)RESUME_MAX);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        x->ids[x->n++] = db_int(rows, 0);
    db_rows_free(rows);
    return r;
}

static int push_waiting(struct db_tx *tx, void *arg, struct err *e)
{
    struct resume *x = arg;
    int r = find_waiting(tx, x, e);
    for (int64_t i = 0; !r && i < x->n; i++)
        r = call_push(tx, x->ids[i], clock_wall(desk_clock(x->d)), x->arena, e);
    return r;
}

int call_resume(struct desk *d, int64_t *ret_pushed, struct err *e)
{
    struct resume x = {.d = d};
    *ret_pushed = 0;
    if (!desk_recogniser(d))
        return OTK_OK;
    int r = db_read(desk_db(d), 0, find_waiting, &x, e);
    if (r || x.n == 0)
        return r;
    x.arena = arena_new();
    r = db_write(desk_db(d), 0, push_waiting, &x, e);
    arena_free(x.arena);
    *ret_pushed = r ? 0 : x.n;
    if (!r)
        desk_pushed(d);
    return r;
}
