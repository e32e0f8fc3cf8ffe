/* SPDX-License-Identifier: Apache-2.0 */
/* One call: a session of SIP, its sound, and the conversation that decides. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/scope.h"
#include "channel/phone_agent.h"
#include "channel/phone_caller.h"
#include "channel/phone_hands.h"
#include "channel/phone_media.h"
#include "channel/phone_message.h"
#include "channel/phone_refresh.h"
#include "channel/phone_said.h"
#include "channel/phone_transfer.h"
#include "channel/phone_voice.h"
#include "channel/phone_words.h"
#include "desk/call.h"
#include "desk/desk.h"
#include "speech/sound.h"

enum {
    ID_RANDOM = 8,
    ID_BYTES = 2 * ID_RANDOM + 24,
    LISTEN_TICK_MS = 100,
    KEEP_ALIVE_MS = 1000, /* a frame of silence holds NAT open */
    KEYS_MAX = 200,       /* in a call; more is a storm */
};

struct call {
    struct le le;
    struct phone_agent *agent;
    uint64_t number;
    char id[ID_BYTES];
    struct phone_caller who;
    const struct phone_line *line;
    struct sipsess *session; /* NULL: the caller has gone */
    struct phone_media *media;
    struct phone_refresh refresh;
    struct phone_transfer *transfer; /* NULL: none goes on */
    struct conversation talk;
    struct tmr tick;
    const struct sound *playing; /* NULL: nothing */
    size_t played;
    struct phone_words words;
    struct phone_said said;
    int64_t next_frame, sent_at, started_at;
    int keys;
    bool answered, held;
};

static void obey(struct call *c, enum conversation_order order);

static int64_t now_ms(void)
{
    return clock_mono(&clock_real);
}

/* Whom the caller called: we, in this call. */
static const char *user_of(const struct call *c)
{
    return c->who.called[0] ? c->who.called : "otklik";
}

/* ---- the end
 * ------------------------------------------------------------------------ */

static void destroy(void *arg)
{
    struct call *c = arg;
    tmr_cancel(&c->tick);
    list_unlink(&c->le);
    phone_refresh_close(&c->refresh);
    mem_deref(c->transfer);
    mem_deref(c->session); /* says BYE when the caller is still there */
    phone_media_free(c->media);
    phone_said_free(&c->said);
    phone_words_free(&c->words);
    if (c->answered) {
        c->agent->counts->active--;
        log_info("phone", "call=%s ended after %lld s", c->id,
                 (long long)((clock_wall(desk_clock(c->agent->desk)) -
                              c->started_at) /
                             MS_SECOND));
    }
}

/* ---- what is heard
 * ------------------------------------------------------------------ */

static void heard(void *arg, const int16_t *samples, size_t n)
{
    struct call *c = arg;
    if (c->said.recording && !c->held && conversation_listens(&c->talk))
        conversation_heard(&c->talk, now_ms(),
                           phone_said_put(&c->said, samples, n));
}

static void pressed(void *arg, char key)
{
    struct call *c = arg;
    if (c->held || ++c->keys > KEYS_MAX)
        return;
    obey(c, conversation_key(&c->talk, now_ms(), key));
}

/* ---- orders
 * ------------------------------------------------------------------------- */

static enum phone_language language(const struct call *c)
{
    return c->line->languages[c->talk.language];
}

static void say(struct call *c)
{
    const struct phone_voice *v = c->agent->voice;
    c->transfer = mem_deref(c->transfer); /* it was given up */
    c->playing =
        c->talk.text == PHONE_QUESTION
            ? phone_voice_question(v, c->line, language(c), c->talk.question)
            : phone_words_get(&c->words, v, c->line, language(c), c->talk.text);
    c->played = 0;
}

static bool begin_recording(struct call *c)
{
    struct call_about about = {
        .id = str_from(c->id),
        .caller = str_from(c->who.number),
        .name = str_from(c->who.name),
        .line = str_from(c->line->number),
        .language = str_from(phone_language_code(language(c))),
        .is_chosen = c->talk.has_chosen,
        .started_at = c->started_at,
    };
    return phone_said_begin(&c->said, c->agent->folder, &about);
}

/* What is said from now on, or these digits, answer the question. */
static void mark_answer(struct call *c, const char *digits)
{
    phone_said_mark(&c->said, c->line->questions[c->talk.question].field,
                    digits);
}

static void note(struct call *c)
{
    if (c->talk.n_digits)
        mark_answer(c, c->talk.digits);
    c->talk.n_digits = 0;
}

static void listen_now(struct call *c)
{
    c->playing = NULL;
    if (c->talk.state == TALK_ANSWERING) {
        if (conversation_listens(&c->talk))
            mark_answer(c, "");
        return;
    }
    if (!c->said.recording && !begin_recording(c)) {
        c->talk.state = TALK_PARTING; /* better than to seem to listen */
        c->talk.text = PHONE_NOTHING;
        say(c);
    }
}

/* What was said so far goes to those who think; the recording stays here. */
static bool begin_thinking(struct call *c)
{
    phone_media_flush(c->media);
    struct phone_task t = {
        .work = WORK_THINK,
        .call = c->number,
        .line = c->line,
        .language = language(c),
        .is_chosen = c->talk.has_chosen,
        .until = now_ms() + c->talk.limits->think_ms,
    };
    t.sound = phone_said_copy(&c->said, &t.n_sound);
    if (t.sound)
        phone_hands_give(c->agent->thinkers, &t);
    return t.sound != NULL;
}

static void think(struct call *c)
{
    say(c);
    if (!begin_thinking(c))
        obey(c, conversation_thought(&c->talk, false));
}

static void end_recording(struct call *c, enum phone_work work)
{
    c->playing = NULL;
    note(c); /* digits after which the caller hung up */
    phone_media_flush(c->media);
    struct phone_task t = {
        .work = work,
        .call = c->number,
        .line = c->talk.gone ? NULL : c->line,
        .language = language(c),
    };
    phone_said_give(&c->said, &t);
    phone_hands_give(c->agent->hands, &t);
}

static void transferred(void *arg, bool answered)
{
    struct call *c = arg;
    log_info("phone", "call=%s %s", c->id,
             answered ? "is put through" : "is not put through");
    c->agent->counts->transferred += answered;
    c->agent->counts->untransferred += !answered;
    obey(c, conversation_transferred(&c->talk, answered));
}

static void transfer(struct call *c)
{
    int err = c->session ? phone_transfer_start(c->agent, c->session, c->line,
                                                user_of(c), transferred, c,
                                                &c->transfer)
                         : ENOTCONN;
    if (err)
        transferred(c, false);
}

/* `c` may be gone afterwards. */
static void obey(struct call *c, enum conversation_order order)
{
    switch (order) {
    case ORDER_NONE: break;
    case ORDER_SAY: say(c); break;
    case ORDER_LISTEN: listen_now(c); break;
    case ORDER_TRANSFER: transfer(c); break;
    case ORDER_NOTE:
        note(c);
        obey(c, conversation_noted(&c->talk));
        break;
    case ORDER_THINK: think(c); break;
    case ORDER_CLOSE: end_recording(c, WORK_CLOSE); break;
    case ORDER_FILE: end_recording(c, WORK_FILE); break;
    case ORDER_HANG_UP:
        c->agent->counts->silent +=
            !conversation_has_words(&c->talk) && !c->talk.is_transferred;
        mem_deref(c);
        break;
    }
}

/* ---- time goes by
 * ------------------------------------------------------------------- */

static void send_frame(struct call *c)
{
    int16_t frame[PHONE_FRAME] = {0};
    size_t left = c->playing->n - c->played;
    size_t n = left < PHONE_FRAME ? left : PHONE_FRAME;
    memcpy(frame, c->playing->samples + c->played, n * sizeof(*frame));
    c->played += n;
    phone_media_send(c->media, frame);
}

/* Frames that are due by now. False: the call is over. */
static bool play(struct call *c, int64_t now)
{
    enum { BEHIND_MAX = 10 }; /* frames; more are not caught up with */
    if (now - c->next_frame > BEHIND_MAX * PHONE_FRAME_MS)
        c->next_frame = now;
    while (c->playing && c->next_frame <= now) {
        if (c->played < c->playing->n) {
            send_frame(c);
            c->next_frame += PHONE_FRAME_MS;
            c->sent_at = now;
            continue;
        }
        c->playing = NULL;
        enum conversation_order order = conversation_said(&c->talk, now);
        if (order == ORDER_HANG_UP) {
            obey(c, order);
            return false;
        }
        obey(c, order);
    }
    return true;
}

static void keep_alive(struct call *c, int64_t now)
{
    int64_t silent = now - c->sent_at;
    if (silent < KEEP_ALIVE_MS)
        return;
    phone_media_skip(c->media, (int)(silent / PHONE_FRAME_MS) - 1);
    phone_media_send(c->media, NULL);
    c->sent_at = now;
    c->next_frame = now;
}

/* By the timer of the session; who has gone is not looked for. */
static bool is_there(struct call *c)
{
    return !c->session || c->talk.gone ||
           phone_refresh_look(&c->refresh, sipsess_dialog(c->session),
                              c->media);
}

static void tick(void *arg)
{
    struct call *c = arg;
    int64_t now = now_ms();
    enum conversation_order order = conversation_look(&c->talk, now);
    if (order == ORDER_NONE && !is_there(c))
        order = conversation_left(&c->talk, now);
    if (order == ORDER_HANG_UP) {
        obey(c, order);
        return;
    }
    obey(c, order);
    bool gone = c->talk.gone || !c->media;
    if (c->playing && !gone && !play(c, now))
        return;
    if (!c->playing && !gone)
        keep_alive(c, now);
    int64_t wait = c->playing ? c->next_frame - now_ms() : LISTEN_TICK_MS;
    tmr_start(&c->tick, (uint64_t)(wait > 0 ? wait : 1), tick, c);
}

/* ---- what the session tells
 * --------------------------------------------------------- */

static void established(const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    (void)msg;
    if (c->talk.state != TALK_NEW)
        return;
    c->next_frame = c->sent_at = now_ms();
    phone_said_init(&c->said, c->id, phone_media_rate(c->media));
    phone_media_start(c->media);
    obey(c, conversation_answered(&c->talk, c->next_frame));
    tmr_start(&c->tick, 1, tick, c);
}

static void closed(int err, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    (void)err; /* a normal BYE comes as ECONNRESET */
    (void)msg;
    phone_refresh_close(&c->refresh);
    c->session = mem_deref(c->session);
    c->transfer = mem_deref(c->transfer);
    c->playing = NULL;
    enum conversation_order order = conversation_left(&c->talk, now_ms());
    if (order == ORDER_FILE)
        obey(c, order);
    if (order == ORDER_HANG_UP)
        obey(c, order);
}

static void look_at_hold(struct call *c)
{
    c->held = phone_media_is_held(c->media);
    conversation_hold(&c->talk, now_ms(), c->held);
}

/* A re-INVITE (hold, another address, another codec). */
static int offered(struct mbuf **ret, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    bool has_offer = mbuf_get_left(msg->mb) > 0;
    int err = has_offer ? phone_media_take(c->media, msg->mb, true) : 0;
    if (err)
        return err;
    if (has_offer)
        look_at_hold(c);
    return phone_media_print(c->media, !has_offer, ret);
}

/* The answer to an offer of ours, in the ACK. */
static int answered(const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    int err = phone_media_take(c->media, msg->mb, false);
    if (!err)
        look_at_hold(c);
    return err;
}

static void update(struct call *c, const struct sip_msg *msg)
{
    char headers[TIMER_HEADERS_BYTES];
    struct sip_dialog *dialog = sipsess_dialog(c->session);
    struct mbuf *sdp = NULL;
    bool has_offer = mbuf_get_left(msg->mb) > 0;
    if (!sip_dialog_rseq_valid(dialog, msg)) {
        (void)sip_treply(NULL, c->agent->sip, msg, 500, "Bad CSeq");
        return;
    }
    if (has_offer && offered(&sdp, msg, c)) {
        (void)sip_treply(NULL, c->agent->sip, msg, 488, "Not Acceptable Here");
        return;
    }
    (void)sip_dialog_update(dialog, msg);
    phone_refresh_print(&c->refresh, headers);
    (void)sip_treplyf(NULL, NULL, c->agent->sip, msg, true, 200, "OK",
                      "Contact: <sip:%s@%J%s>\r\n%s%sContent-Length: "
                      "%zu\r\n\r\n%b",
                      user_of(c), &msg->dst, sip_transp_param(msg->tp), headers,
                      sdp ? "Content-Type: application/sdp\r\n" : "",
                      sdp ? mbuf_get_left(sdp) : 0, sdp ? mbuf_buf(sdp) : NULL,
                      sdp ? mbuf_get_left(sdp) : 0);
    mem_deref(sdp);
}

bool phone_call_refreshed(struct phone_agent *a, const struct sip_msg *msg)
{
    struct call *c = NULL;
    for (struct le *le = list_head(&a->calls); le && !c; le = le->next) {
        struct call *x = le->data;
        if (x->session && sip_dialog_cmp(sipsess_dialog(x->session), msg))
            c = x;
    }
    bool is_update = pl_strcmp(&msg->met, "UPDATE") == 0;
    if (!c && is_update)
        (void)sip_treply(NULL, a->sip, msg, 481, "Call Does Not Exist");
    if (!c)
        return is_update;
    if (!phone_refresh_take(&c->refresh, msg))
        return true;
    if (is_update)
        update(c, msg);
    else
        phone_refresh_smuggle(&c->refresh, msg);
    return is_update;
}

/* Keys of telephones that send them by INFO. */
static void informed(struct sip *sip, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    struct str body = {(const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb)};
    bool is_keys = msg_ctype_cmp(&msg->ctyp, "application", "dtmf") ||
                   msg_ctype_cmp(&msg->ctyp, "application", "dtmf-relay");
    char key = is_keys ? phone_message_key(body) : '\0';
    (void)sip_treply(NULL, sip, msg, 200, "OK");
    if (key) {
        c->agent->counts->keys++;
        pressed(c, key);
    }
}

/* ---- a new call
 * --------------------------------------------------------------------- */

static int open_media(struct call *c, const struct sip_msg *msg)
{
    const struct settings s = desk_settings(c->agent->desk);
    struct sa local;
    int family = sa_af(&msg->src);
    int err = phone_caller_face(msg, s.phone.public_address, &local);
    struct phone_media_options o = {
        .local = &local,
        .listen = &c->agent->listen[family == AF_INET6],
        .port_from = (uint16_t)s.phone.rtp_from,
        .port_to = (uint16_t)s.phone.rtp_to,
        .srtp = (enum phone_srtp_rule)s.phone.srtp,
        .codecs = &c->agent->codecs,
        .counts = c->agent->counts,
        .heard = heard,
        .key = pressed,
        .arg = c,
    };
    return err ? err : phone_media_new(&o, &c->media);
}

static int accept_call(struct call *c, const struct sip_msg *msg)
{
    char contact[PHONE_CONTACT_BYTES], headers[TIMER_HEADERS_BYTES];
    struct mbuf *sdp = NULL;
    bool has_offer = mbuf_get_left(msg->mb) > 0;
    int err = open_media(c, msg);
    if (!err && has_offer)
        err = phone_media_take(c->media, msg->mb, true);
    if (!err)
        err = phone_media_print(c->media, !has_offer, &sdp);
    phone_caller_correct(msg, contact);
    phone_refresh_print(&c->refresh, headers);
    if (!err)
        err = sipsess_accept(&c->session, c->agent->sessions, msg, 200, "OK",
                             user_of(c), "application/sdp", sdp, NULL, NULL,
                             false, offered, answered, established, informed,
                             NULL, closed, c, "%sSupported: timer\r\n%s",
                             phone_allow, headers);
    mem_deref(sdp);
    if (!err && has_offer)
        look_at_hold(c);
    return err;
}

static void name_call(struct call *c)
{
    char token[2 * ID_RANDOM + 1];
    rand_token(token, ID_RANDOM);
    (void)snprintf(c->id, sizeof(c->id), "%lld-%s",
                   (long long)(c->started_at / MS_SECOND), token);
}

/* Is there anything that only this call would hear? */
static bool is_prepared(const struct call *c)
{
    const struct settings s = desk_settings(c->agent->desk);
    return s.phone.incident_ru[0] || s.phone.incident_en[0] ||
           (c->line->knows_callers && c->who.number[0]);
}

static void plan(struct call *c)
{
    struct conversation_plan p = {
        .n_languages = c->line->n_languages,
        .prepares = is_prepared(c),
        .answers = c->agent->thinkers && desk_recogniser(c->agent->desk),
        .n_questions = c->line->n_questions,
        .has_transfer = c->line->transfer.to[0] != '\0',
        .is_open = phone_transfer_is_open(c->agent->desk, c->line),
        .transfer_key = c->line->transfer.key,
        .is_transferred = c->line->transfer.always,
    };
    for (size_t i = 0; i < p.n_questions; i++)
        p.questions[i] = c->line->questions[i].how;
    conversation_init(&c->talk, &c->agent->limits, &p);
}

static void prepare(struct call *c)
{
    struct phone_task t = {
        .work = WORK_PREPARE,
        .call = c->number,
        .line = c->line,
        .caller = c->line->knows_callers ? c->who.number : "",
    };
    if (c->talk.plan.prepares)
        phone_hands_give(c->agent->hands, &t);
}

static struct call *new_call(struct phone_agent *a, const struct sip_msg *msg)
{
    struct call *c = mem_zalloc(sizeof(*c), destroy);
    if (!c)
        return NULL;
    c->agent = a;
    c->number = ++a->last_call;
    c->started_at = clock_wall(desk_clock(a->desk));
    tmr_init(&c->tick);
    list_append(&a->calls, &c->le, c);
    name_call(c);
    c->line = phone_caller_read(msg, a->script, &c->who);
    phone_refresh_init(&c->refresh, a->sip, user_of(c),
                       desk_settings(a->desk).phone.session_min_seconds);
    plan(c);
    return c;
}

static void refuse(struct phone_agent *a, const struct sip_msg *msg,
                   uint16_t status, const char *reason)
{
    a->counts->refused++;
    (void)sip_treply(NULL, a->sip, msg, status, reason);
}

void phone_call_take(struct phone_agent *a, const struct sip_msg *msg)
{
    struct call *c = new_call(a, msg);
    if (c && !phone_refresh_take(&c->refresh, msg)) {
        a->counts->refused++;
        mem_deref(c);
        return;
    }
    int err = c ? accept_call(c, msg) : ENOMEM;
    if (!err) {
        c->answered = true;
        a->counts->calls++;
        a->counts->active++;
        log_info("phone", "call=%s line=%s begins", c->id, c->line->number);
        prepare(c);
        return;
    }
    if (err == ENOTSUP)
        refuse(a, msg, 488, "Not Acceptable Here");
    else if (err == EBADMSG || err == EINVAL || err == EPROTO)
        refuse(a, msg, 400, "Bad Session Description");
    else
        refuse(a, msg, 500, "Server Internal Error");
    mem_deref(c);
}

/* ---- from the hands, and the end
 * ---------------------------------------------------- */

static struct call *find(struct phone_agent *a, uint64_t number)
{
    for (struct le *le = list_head(&a->calls); le; le = le->next) {
        struct call *c = le->data;
        if (c->number == number)
            return c;
    }
    return NULL;
}

static void take_thought(struct call *c, struct phone_done *f)
{
    phone_said_take(&c->said, f);
    obey(c, conversation_thought(&c->talk, c->said.words && c->words.answer.n));
}

void phone_call_done(struct phone_agent *a, struct phone_done *f)
{
    struct call *c = find(a, f->call);
    if (c) {
        phone_words_take(&c->words, &f->words);
        switch (f->work) {
        case WORK_PREPARE: obey(c, conversation_prepared(&c->talk)); break;
        case WORK_THINK: take_thought(c, f); break;
        case WORK_CLOSE:
        case WORK_FILE:
            obey(c, f->is_closed ? conversation_closed(&c->talk)
                                 : conversation_filed(&c->talk, now_ms(),
                                                      f->ticket != 0));
            break;
        }
    }
    phone_done_free(f);
}

void phone_calls_end(struct phone_agent *a)
{
    struct le *next;
    for (struct le *le = list_head(&a->calls); le; le = next) {
        struct call *c = le->data;
        next = le->next;
        if (conversation_ended(&c->talk, now_ms()) == ORDER_FILE)
            obey(c, ORDER_FILE);
        mem_deref(c); /* says BYE */
    }
}
