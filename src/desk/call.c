/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/call.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rand.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "db/db.h"
#include "db/jobs.h"
#include "desk/attachment.h"
#include "desk/blob.h"
#include "desk/call_parts.h"
#include "desk/call_trace.h"
#include "desk/desk.h"
#include "desk/intake_parts.h"
#include "desk/message.h"
#include "speech/recording.h"

enum {
    ABOUT_BYTES = RECORDING_ABOUT_MAX,
    NUMBER_MAX = 64,
    NAME_MAX_SHOWN = 100,
    ID_BYTES = 64,
    FIELD_MAX = 60,
};

/* ---- whose call it is
 * ------------------------------------------------------------- */

struct str call_about_print(const struct call_about *x, struct arena *a)
{
    struct buf b = BUF_INIT(ABOUT_BYTES);
    buf_puts(&b, "{\"id\":");
    json_put_text(&b, utf8_cut(x->id, ID_BYTES));
    buf_puts(&b, ",\"caller\":");
    json_put_text(&b, utf8_cut(x->caller, NUMBER_MAX));
    buf_puts(&b, ",\"name\":");
    json_put_text(&b, utf8_cut(x->name, NAME_MAX_SHOWN));
    buf_puts(&b, ",\"line\":");
    json_put_text(&b, utf8_cut(x->line, NUMBER_MAX));
    buf_puts(&b, ",\"language\":");
    json_put_text(&b, x->language);
    buf_printf(&b, ",\"chosen\":%s,\"started_at\":%lld}",
               x->is_chosen ? "true" : "false", (long long)x->started_at);
    struct str kept = arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}

int call_about_parse(struct str text, struct arena *a, struct call_about *ret,
                     struct err *e)
{
    SCOPED(scope_json) json_t *o = NULL;
    struct call_about x = {0};
    const struct {
        struct json_want want;
        struct str *at;
    } texts[] = {{{"id", true, 1, ID_BYTES}, &x.id},
                 {{"caller", false, 0, NUMBER_MAX}, &x.caller},
                 {{"name", false, 0, NAME_MAX_SHOWN}, &x.name},
                 {{"line", false, 0, NUMBER_MAX}, &x.line},
                 {{"language", false, 0, 2}, &x.language}};
    struct json_want when = {"started_at", true, 0, INT64_MAX};
    int r = json_read(text, ABOUT_BYTES, &o, e);
    for (size_t i = 0; !r && i < sizeof(texts) / sizeof(texts[0]); i++) {
        r = json_text(o, &texts[i].want, texts[i].at, e);
        r = r == OTK_ENOENT ? OTK_OK : r;
        *texts[i].at = arena_str(a, *texts[i].at);
    }
    if (!r)
        r = json_whole(o, &when, &x.started_at, e);
    x.is_chosen = json_is_true(json_object_get(o, "chosen"));
    if (!r)
        *ret = x;
    return r;
}

/* ---- marks
 * ------------------------------------------------------------------------- */

struct str call_mark_print(const struct call_mark *m, struct arena *a)
{
    struct buf b = BUF_INIT(RECORDING_MARK_MAX);
    buf_puts(&b, "{\"field\":");
    json_put_text(&b, utf8_cut(m->field, FIELD_MAX));
    buf_puts(&b, ",\"digits\":");
    json_put_text(&b, utf8_cut(m->digits, NUMBER_MAX));
    buf_printf(&b, ",\"from\":%lld}", (long long)m->from_ms);
    struct str kept = arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}

static bool parse_mark(struct str line, struct arena *a, struct call_mark *ret)
{
    SCOPED(scope_json) json_t *o = NULL;
    struct json_want field = {"field", true, 1, FIELD_MAX};
    struct json_want digits = {"digits", false, 0, NUMBER_MAX};
    struct json_want from = {"from", true, 0, INT64_MAX};
    struct call_mark m = {0};
    if (json_read(line, RECORDING_MARK_MAX, &o, NULL) ||
        json_text(o, &field, &m.field, NULL) ||
        json_whole(o, &from, &m.from_ms, NULL))
        return false;
    if (json_text(o, &digits, &m.digits, NULL))
        m.digits = (struct str){0};
    *ret = (struct call_mark){arena_str(a, m.field), arena_str(a, m.digits),
                              m.from_ms};
    return true;
}

void call_marks_parse(struct str lines, struct arena *a, struct call_mark *ret,
                      size_t *ret_n)
{
    struct str line;
    *ret_n = 0;
    while (*ret_n < CALL_MARKS_MAX && str_next(&lines, '\n', &line))
        *ret_n += parse_mark(line, a, &ret[*ret_n]);
}

void call_note_put(struct buf *b, struct str field, struct str answer)
{
    buf_printf(b, STR_FMT ": " STR_FMT "\n", STR_ARG(field), STR_ARG(answer));
}

/* ---- who is calling?
 * ---------------------------------------------------------------------- */

struct known {
    struct str phone, *ret;
    struct arena *arena;
};

static int look_up_name(struct db_tx *tx, void *arg, struct err *e)
{
    struct known *k = arg;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT p.name FROM identities i JOIN people p ON p.id = "
                     "i.person_id WHERE i.kind = 'phone' AND i.value = ?1",
                     "s", k->phone);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *k->ret = arena_str(k->arena, db_text(rows, 0));
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

int call_known(struct desk *d, struct str caller, struct arena *a,
               struct str *ret_name, struct err *e)
{
    struct known k = {.ret = ret_name, .arena = a};
    *ret_name = (struct str){0};
    if (identity_normalize("phone", caller, a, &k.phone, NULL))
        return OTK_OK;
    return db_read(desk_db(d), 0, look_up_name, &k, e);
}

/* ---- the recording becomes a file of the desk
 * -------------------------------------- */

static int put_piece(void *ctx, struct str bytes, struct err *e)
{
    return blob_write(ctx, bytes, e);
}

static int keep_recording(struct desk *d, struct recording *r,
                          struct attachment *ret, int64_t *ret_ms,
                          struct arena *a, struct err *e)
{
    struct blob_writer *w;
    char hash[BLOB_HASH_BYTES];
    int err = blob_begin(desk_folder(d), CALL_BYTES_MAX, &w, e);
    if (err)
        return err;
    err = recording_read(r, put_piece, w, ret_ms, e);
    if (err) {
        blob_drop(w);
        return err;
    }
    err = blob_finish(w, hash, &ret->size, e);
    ret->hash = str_from(arena_copy(a, str_from(hash)));
    return err;
}

/* ---- the ticket
 * ------------------------------------------------------------------- */

struct filing {
    struct intake in;
    struct intake_ask ask;
    struct intake_result result;
    struct call_about about;
    struct attachment file;
    int64_t ms;
    struct call_mark marks[CALL_MARKS_MAX];
    size_t n_marks;
    struct str heard; /* before it ended */
    bool heard_later; /* there is a recogniser */
    bool is_new;
    struct call_trace trace;
    struct call_filed *ret;
};

struct str call_waiting_text(struct arena *a, const char *language, int64_t ms)
{
    const char *text =
        strcmp(language, "en") == 0
            ? "A recorded call of %lld s, not transcribed yet: listen to the "
              "file."
            : "Запись звонка, %lld с, ещё не расшифрована: послушайте файл.";
    char said[256];
    (void)snprintf(said, sizeof(said), "%lld",
                   (long long)((ms + MS_SECOND / 2) / MS_SECOND));
    struct buf b = BUF_INIT(sizeof(said) * 2);
    const char *at = strstr(text, "%lld");
    buf_put(&b, text, (size_t)(at - text));
    buf_puts(&b, said);
    buf_puts(&b, at + strlen("%lld"));
    struct str kept = arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}

static struct str subject_of(struct arena *a, const struct call_about *x)
{
    bool english = str_is(x->language, "en");
    struct str who = x->name.n ? x->name : x->caller;
    if (who.n == 0)
        return english ? STR("A call from a hidden number")
                       : STR("Звонок со скрытого номера");
    return str_from(
        arena_printf(a, english ? "A call from " STR_FMT : "Звонок от " STR_FMT,
                     STR_ARG(who)));
}

/* What a number is not, is left out: a caller is not refused for it. */
void call_take_caller(const struct call_about *x, struct arena *a,
                      struct person_ask *ret)
{
    struct str phone;
    ret->language = x->language;
    if (identity_normalize("phone", x->caller, a, &phone, NULL))
        return;
    ret->phone = phone;
    ret->name = x->name;
    if (person_check(ret, a, NULL))
        ret->name = (struct str){0};
}

static int find_filed(struct db_tx *tx, struct filing *f, struct err *e)
{
    return db_int_of(tx, &f->ret->ticket_id, e,
                     "SELECT COALESCE(ticket_id, 0) FROM inbox WHERE channel "
                     "= 'phone' AND "
                     "dedup = ?1",
                     "s", f->ask.dedup);
}

/* What the job must know. */
static const char *recorded_payload(const struct filing *f, int64_t attachment)
{
    struct buf b = BUF_INIT(CALL_PAYLOAD_BYTES);
    buf_printf(&b, "{\"ticket\":true,\"message\":%lld,\"attachment\":%lld,",
               (long long)f->in.message_id, (long long)attachment);
    buf_puts(&b, "\"spoken\":");
    json_put_text(&b, f->about.is_chosen ? f->about.language : STR(""));
    buf_puts(&b, ",\"answers\":[");
    for (size_t i = 0, n = 0; i < f->n_marks; i++) {
        const struct call_mark *m = &f->marks[i];
        if (m->digits.n)
            continue;
        buf_printf(&b, "%s[%lld,", n++ ? "," : "", (long long)m->from_ms);
        json_put_text(&b, m->field);
        buf_putc(&b, ']');
    }
    SCOPED(scope_json) json_t *trace = call_trace_json(&f->trace);
    buf_puts(&b, "],\"trace\":");
    json_put(&b, trace, false);
    if (f->heard.n) {
        buf_puts(&b, ",\"heard\":");
        buf_put_str(&b, f->heard);
    }
    buf_putc(&b, '}');
    const char *kept = arena_copy(f->in.arena, buf_str(&b));
    buf_free(&b);
    return kept;
}

/* Digits are known already. */
static int put_digits(struct db_tx *tx, struct filing *f, struct err *e)
{
    struct buf b = BUF_INIT(CALL_NOTE_BYTES);
    for (size_t i = 0; i < f->n_marks; i++) {
        if (f->marks[i].digits.n)
            call_note_put(&b, f->marks[i].field, f->marks[i].digits);
    }
    struct message_new m = {
        .ticket_id = f->result.ticket_id,
        .kind = "note",
        .body = str_trim(buf_str(&b)),
    };
    int r = m.body.n ? message_add(tx, f->in.w->stemmer, &m, f->in.now, NULL, e)
                     : OTK_OK;
    buf_free(&b);
    return r;
}

static int put_file(struct db_tx *tx, struct filing *f, struct err *e)
{
    struct intake *in = &f->in;
    int64_t id = 0;
    f->file.ticket_id = f->result.ticket_id;
    f->file.message_id = in->message_id;
    struct actor by = in->person_id
                          ? (struct actor){ACTOR_PERSON, in->person_id}
                          : (struct actor){0};
    int r = attachment_add(tx, &f->file, by, in->now, &id, e);
    return r ? r
             : db_exec(tx, e,
                       "UPDATE inbox SET stage = 'recorded', done_at = NULL, "
                       "payload_json = ?2, line = ?3 WHERE id = ?1",
                       "its", in->inbox_id, recorded_payload(f, id),
                       f->about.line);
}

static int read_due(struct db_tx *tx, struct filing *f, struct err *e)
{
    return db_int_of(tx, &f->ret->first_due, e,
                     "SELECT COALESCE(first_due, 0) FROM tickets WHERE id = ?1",
                     "i", f->ret->ticket_id);
}

static int store_call(struct db_tx *tx, void *arg, struct err *e)
{
    struct filing *f = arg;
    struct intake *in = &f->in;
    int r = find_filed(tx, f, e);
    if (!r && !f->ret->ticket_id)
        return OTK_OK; /* it was answered */
    if (r != OTK_ENOENT)
        return r ? r : read_due(tx, f, e);
    r = person_get_or_make(tx, &f->ask.person, in->now, &in->person_id, e);
    if (!r)
        r = intake_put_ticket(tx, in, e);
    if (!r)
        r = intake_put_inbox(tx, in, intake_stage(INTAKE_TICKET), e);
    f->ret->ticket_id = f->result.ticket_id;
    f->is_new = true;
    if (!r)
        r = put_file(tx, f, e);
    if (!r)
        r = put_digits(tx, f, e);
    if (!r && f->heard_later)
        r = call_push(tx, in->inbox_id, in->now, in->arena, e);
    return r ? r : read_due(tx, f, e);
}

static void prepare(struct filing *f, struct desk *d, struct desk_worker *w,
                    struct arena *a)
{
    const char *language = arena_copy(a, f->about.language);
    f->ask = (struct intake_ask){
        .channel = "phone",
        .dedup = f->about.id,
        .subject = subject_of(a, &f->about),
        .text = call_waiting_text(a, language, f->ms),
        .want_ticket = true,
    };
    call_take_caller(&f->about, a, &f->ask.person);
    f->result.outcome = INTAKE_TICKET;
    f->result.language = language;
    rand_token(f->result.token, (TOKEN_BYTES - 1) / 2);
    f->in = (struct intake){
        .d = d,
        .w = w,
        .ask = &f->ask,
        .arena = a,
        .result = &f->result,
        .now = clock_wall(desk_clock(d)),
        .model = "",
        .unrouted = f->heard_later,
    };
    f->file.name =
        str_from(arena_printf(a, "call-" STR_FMT ".wav", STR_ARG(f->about.id)));
    f->file.media_type = STR("audio/wav");
}

static int read_marks(struct recording *r, struct filing *f, struct arena *a,
                      struct err *e)
{
    struct buf b = BUF_INIT(RECORDING_MARKS_BYTES);
    int err = recording_marks(r, &b, e);
    if (!err)
        call_marks_parse(buf_str(&b), a, f->marks, &f->n_marks);
    buf_free(&b);
    return err;
}

/* A ticket that nobody will hear is as finished as it will be. */
static void finish(struct filing *f, int64_t now)
{
    f->trace.at[CALL_FINISHED] = now;
    if (f->is_new && !f->heard_later)
        call_trace_log(&f->trace, f->ret->ticket_id);
}

int call_file(struct desk *d, struct desk_worker *w,
              const struct call_recorded *x, struct arena *a,
              struct call_filed *ret, struct err *e)
{
    struct recording *r = x->recording;
    struct call_heard heard;
    struct filing f = {
        .heard = call_heard_parse(x->heard, a, &heard) ? x->heard : STR(""),
        .heard_later = desk_recogniser(d) != NULL,
        .ret = ret,
    };
    *ret = (struct call_filed){0};
    int err = call_about_parse(recording_about(r), a, &f.about, e);
    if (!err)
        err = read_marks(r, &f, a, e);
    if (!err)
        err = keep_recording(d, r, &f.file, &f.ms, a, e);
    if (err)
        return err;
    call_trace_init(&f.trace, f.about.id, x->ended_at);
    f.trace.length_ms = f.ms;
    f.trace.at[CALL_STORED] = clock_wall(desk_clock(d));
    prepare(&f, d, w, a);
    f.in.catalog = desk_catalog(d);
    err = db_write(desk_db(d), 0, store_call, &f, e);
    catalog_unref(f.in.catalog);
    if (!err) {
        desk_pushed(d);
        finish(&f, clock_wall(desk_clock(d)));
    }
    return err;
}
