/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_conversation.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void conversation_init(struct conversation *c,
                       const struct conversation_limits *l,
                       const struct conversation_plan *p)
{
    *c = (struct conversation){.limits = l, .plan = *p, .state = TALK_NEW};
}

bool conversation_has_words(const struct conversation *c)
{
    return c->voiced_ms >= c->limits->voiced_ms;
}

bool conversation_listens(const struct conversation *c)
{
    return c->state == TALK_LISTENING ||
           (c->state == TALK_ANSWERING &&
            !c->plan.questions[c->question].digits_max);
}

/* ---- steps
 * ------------------------------------------------------------------------ */

static enum conversation_order
say(struct conversation *c, enum conversation_state state, enum phone_text text)
{
    c->state = state;
    c->text = text;
    return ORDER_SAY;
}

static enum conversation_order hang_up(struct conversation *c)
{
    c->state = TALK_OVER;
    return ORDER_HANG_UP;
}

static enum conversation_order listen_now(struct conversation *c, int64_t now)
{
    c->state = TALK_LISTENING;
    c->listens_since = now;
    c->last_voice = 0;
    c->asked++;
    return ORDER_LISTEN;
}

static enum conversation_order file(struct conversation *c)
{
    c->state = TALK_FILING;
    return ORDER_FILE;
}

/* ---- what is said before the caller speaks, one after another
 * ---------------------------------------------------------------------- */

static const enum phone_text opening[] = {PHONE_INCIDENT, PHONE_GREETING,
                                          PHONE_CONSENT,  PHONE_OFFER,
                                          PHONE_CLOSED,   PHONE_ASK};

static enum conversation_order open_talk(struct conversation *c)
{
    return say(c, TALK_OPENING, opening[0]);
}

static bool is_reachable(const struct conversation *c)
{
    return c->plan.has_transfer && c->plan.is_open;
}

static bool is_said(const struct conversation *c, enum phone_text t)
{
    if (t == PHONE_OFFER)
        return is_reachable(c) && c->plan.transfer_key;
    if (t == PHONE_CLOSED)
        return c->plan.has_transfer && !c->plan.is_open;
    return true;
}

static enum conversation_order transfer(struct conversation *c)
{
    c->waits_since = 0;
    return say(c, TALK_TRANSFERRING, PHONE_TRANSFER);
}

static enum conversation_order go_on(struct conversation *c, int64_t now)
{
    size_t n = sizeof(opening) / sizeof(opening[0]);
    size_t i = 0;
    if (c->text == PHONE_CONSENT && is_reachable(c) && c->plan.is_transferred)
        return transfer(c);
    while (i < n && opening[i] != c->text)
        i++;
    do
        i++;
    while (i < n && !is_said(c, opening[i]));
    return i < n ? say(c, TALK_OPENING, opening[i]) : listen_now(c, now);
}

/* ---- a person
 * ------------------------------------------------------------------------ */

/* The caller must not be left alone with a ringing telephone: then he says what
 * happened, as if nobody were there. */
static enum conversation_order give_up_transfer(struct conversation *c)
{
    c->plan.has_transfer = false;
    return say(c, TALK_AGAIN, PHONE_NOBODY);
}

enum conversation_order conversation_transferred(struct conversation *c,
                                                 bool answered)
{
    if (c->state != TALK_TRANSFERRING)
        return ORDER_NONE;
    if (!answered)
        return give_up_transfer(c);
    c->gone = c->is_transferred = true;
    return conversation_has_words(c) ? file(c) : hang_up(c);
}

/* ---- the language
 * ---------------------------------------------------------------------- */

/* Each is named in itself; then some time to find the key. */
static enum conversation_order name_languages(struct conversation *c,
                                              int64_t now)
{
    if (c->waits_since)
        return ORDER_NONE;
    if (c->language + 1 < c->plan.n_languages) {
        c->language++;
        return say(c, TALK_CHOOSING, PHONE_CHOOSE);
    }
    c->language = 0;
    c->waits_since = now;
    return ORDER_NONE;
}

static enum conversation_order choose(struct conversation *c, char key)
{
    if (key < '1' || key >= '1' + (int)c->plan.n_languages)
        return ORDER_NONE;
    c->language = (size_t)(key - '1');
    c->has_chosen = true;
    return open_talk(c);
}

static enum conversation_order begin(struct conversation *c)
{
    return c->plan.n_languages > 1 ? say(c, TALK_CHOOSING, PHONE_CHOOSE)
                                   : open_talk(c);
}

/* ---- the caller has spoken
 * ---------------------------------------------------------------------- */

static const struct conversation_question *
question(const struct conversation *c)
{
    return &c->plan.questions[c->question];
}

static enum conversation_order ask_next(struct conversation *c)
{
    c->n_digits = 0;
    c->digits[0] = '\0';
    return c->question < c->plan.n_questions
               ? say(c, TALK_QUESTION, PHONE_QUESTION)
               : file(c);
}

static enum conversation_order think(struct conversation *c, int64_t now)
{
    c->has_thought = true;
    c->waits_since = now;
    c->state = TALK_THINKING;
    c->text = PHONE_MOMENT;
    return ORDER_THINK;
}

/* The caller has finished, or never began. */
static enum conversation_order finish(struct conversation *c, int64_t now)
{
    if (conversation_has_words(c))
        return c->plan.answers && !c->has_thought ? think(c, now) : ask_next(c);
    if (c->asked < c->limits->asks)
        return say(c, TALK_AGAIN, PHONE_AGAIN);
    return say(c, TALK_PARTING, PHONE_NOTHING);
}

/* ---- an answer
 * ------------------------------------------------------------------------ */

/* "One moment" is not cut short by what it asks to wait for. */
static enum conversation_order answer(struct conversation *c)
{
    if (c->state != TALK_THINKING || !c->is_thought || !c->is_moment_said)
        return ORDER_NONE;
    return c->has_answer ? say(c, TALK_ANSWER, PHONE_ANSWER) : ask_next(c);
}

enum conversation_order conversation_thought(struct conversation *c,
                                             bool has_answer)
{
    c->is_thought = true;
    c->has_answer = has_answer;
    return c->gone && c->state == TALK_THINKING ? file(c) : answer(c);
}

static enum conversation_order ask_helped(struct conversation *c)
{
    c->waits_since = 0;
    return say(c, TALK_HELPED, PHONE_HELPED);
}

static enum conversation_order take_helped(struct conversation *c, char key)
{
    switch (key) {
    case '1': c->state = TALK_FILING; return ORDER_CLOSE;
    case '2': return ask_next(c);
    case '*': return say(c, TALK_ANSWER, PHONE_ANSWER);
    case '#': return c->state == TALK_ANSWER ? ask_helped(c) : ORDER_NONE;
    default: return ORDER_NONE;
    }
}

enum conversation_order conversation_closed(struct conversation *c)
{
    if (c->state != TALK_FILING)
        return ORDER_NONE;
    return c->gone ? hang_up(c) : say(c, TALK_READING, PHONE_GLAD);
}

/* ---- a question
 * ---------------------------------------------------------------------- */

static enum conversation_order take_answer(struct conversation *c, int64_t now)
{
    c->state = TALK_ANSWERING;
    c->listens_since = now;
    c->last_voice = 0;
    c->answer_ms = 0;
    return ORDER_LISTEN;
}

enum conversation_order conversation_noted(struct conversation *c)
{
    if (c->state != TALK_ANSWERING)
        return ORDER_NONE;
    c->question++;
    return ask_next(c);
}

static enum conversation_order end_answer(struct conversation *c)
{
    return c->n_digits ? ORDER_NOTE : conversation_noted(c);
}

static enum conversation_order take_digit(struct conversation *c, int64_t now,
                                          char key)
{
    int max = question(c)->digits_max;
    if (key == '#')
        return end_answer(c);
    if (max == 0 || (key != '*' && (key < '0' || key > '9')))
        return ORDER_NONE;
    if (key == '*') /* a mistake: again */
        c->n_digits = 0;
    else
        c->digits[c->n_digits++] = key;
    c->digits[c->n_digits] = '\0';
    c->last_voice = now;
    return c->n_digits == (size_t)max ? end_answer(c) : ORDER_NONE;
}

/* Who knows the question need not hear it; a digit is one already. */
static enum conversation_order interrupt(struct conversation *c, int64_t now,
                                         char key)
{
    enum conversation_order o = take_answer(c, now);
    if (question(c)->digits_max && key >= '0' && key <= '9') {
        enum conversation_order end = take_digit(c, now, key);
        o = end == ORDER_NONE ? o : end;
    }
    return o;
}

/* ---- events
 * ----------------------------------------------------------------------- */

enum conversation_order conversation_answered(struct conversation *c,
                                              int64_t now)
{
    if (c->state != TALK_NEW)
        return ORDER_NONE;
    c->began = now;
    if (!c->plan.prepares || c->is_prepared)
        return begin(c);
    c->state = TALK_PREPARING;
    return ORDER_NONE;
}

enum conversation_order conversation_prepared(struct conversation *c)
{
    c->is_prepared = true;
    return c->state == TALK_PREPARING ? begin(c) : ORDER_NONE;
}

enum conversation_order conversation_said(struct conversation *c, int64_t now)
{
    switch (c->state) {
    case TALK_CHOOSING: return name_languages(c, now);
    case TALK_OPENING: return go_on(c, now);
    case TALK_AGAIN: return listen_now(c, now);
    case TALK_QUESTION: return take_answer(c, now);
    case TALK_THINKING: c->is_moment_said = true; return answer(c);
    case TALK_ANSWER: return ask_helped(c);
    case TALK_HELPED: c->waits_since = now; return ORDER_NONE;
    case TALK_TRANSFERRING: c->waits_since = now; return ORDER_TRANSFER;
    case TALK_READING:
    case TALK_PARTING: return hang_up(c);
    default: return ORDER_NONE;
    }
}

void conversation_heard(struct conversation *c, int64_t now, int64_t voiced_ms)
{
    if (!conversation_listens(c) || voiced_ms <= 0)
        return;
    if (c->state == TALK_LISTENING)
        c->voiced_ms += voiced_ms;
    else
        c->answer_ms += voiced_ms;
    c->last_voice = now;
}

enum conversation_order conversation_key(struct conversation *c, int64_t now,
                                         char key)
{
    bool early = c->state == TALK_CHOOSING || c->state == TALK_OPENING ||
                 c->state == TALK_AGAIN || c->state == TALK_LISTENING;
    if (early && is_reachable(c) && key == c->plan.transfer_key)
        return transfer(c);
    switch (c->state) {
    case TALK_CHOOSING: return choose(c, key);
    case TALK_OPENING: /* who knows it need not hear it */
    case TALK_AGAIN: return listen_now(c, now);
    case TALK_LISTENING: return key == '#' ? finish(c, now) : ORDER_NONE;
    case TALK_QUESTION: return interrupt(c, now, key);
    case TALK_ANSWERING: return take_digit(c, now, key);
    case TALK_ANSWER:
    case TALK_HELPED: return take_helped(c, key);
    case TALK_READING:
        return key == '*' ? say(c, TALK_READING, c->text) : ORDER_NONE;
    default: return ORDER_NONE;
    }
}

void conversation_hold(struct conversation *c, int64_t now, bool held)
{
    if (held && !c->held_since)
        c->held_since = now;
    if (!held && c->held_since) { /* the clocks stood still */
        int64_t stood = now - c->held_since;
        c->listens_since += c->listens_since ? stood : 0;
        c->last_voice += c->last_voice ? stood : 0;
        bool waits = c->waits_since && c->state != TALK_TRANSFERRING;
        c->waits_since += waits ? stood : 0;
        c->held_since = 0;
    }
}

enum conversation_order conversation_filed(struct conversation *c, int64_t now,
                                           bool has_number)
{
    (void)now;
    if (c->state != TALK_FILING)
        return ORDER_NONE;
    if (c->gone)
        return hang_up(c);
    return say(c, TALK_READING, has_number ? PHONE_FILED : PHONE_LATER);
}

enum conversation_order conversation_left(struct conversation *c, int64_t now)
{
    (void)now;
    c->gone = true;
    c->held_since = 0;
    if (c->state == TALK_FILING || c->state == TALK_OVER ||
        (c->state == TALK_THINKING && !c->is_thought))
        return ORDER_NONE;
    bool unfiled = c->state != TALK_READING;
    return unfiled && conversation_has_words(c) ? file(c) : hang_up(c);
}

enum conversation_order conversation_ended(struct conversation *c, int64_t now)
{
    c->is_thought = true;
    return conversation_left(c, now);
}

/* Has the caller finished, by silence or because it is long enough? `voiced_ms`
 * of speech were heard since he was asked. */
static bool is_finished(const struct conversation *c, int64_t now,
                        int64_t voiced_ms, int64_t listen_ms)
{
    const struct conversation_limits *l = c->limits;
    int64_t heard = later(c->last_voice, c->listens_since);
    bool silent = voiced_ms >= l->voiced_ms
                      ? now - heard >= l->silence_ms
                      : now - c->listens_since >= l->patience_ms &&
                            now - heard >= l->silence_ms;
    return silent || now - c->listens_since >= listen_ms;
}

static bool is_answered(const struct conversation *c, int64_t now)
{
    const struct conversation_limits *l = c->limits;
    if (!question(c)->digits_max)
        return is_finished(c, now, c->answer_ms, question(c)->listen_ms);
    int64_t since = later(c->last_voice, c->listens_since);
    return now - since >= (c->n_digits ? l->digit_ms : l->patience_ms);
}

enum conversation_order conversation_look(struct conversation *c, int64_t now)
{
    const struct conversation_limits *l = c->limits;
    if (c->state == TALK_OVER || c->state == TALK_NEW)
        return ORDER_NONE;
    bool held = c->held_since && c->state != TALK_TRANSFERRING &&
                now - c->held_since >= l->hold_ms;
    if (held || now - c->began >= l->call_ms)
        return conversation_left(c, now);
    if (c->state == TALK_TRANSFERRING && c->waits_since &&
        now - c->waits_since >= l->transfer_ms)
        return give_up_transfer(c); /* also on hold: that is how it is done */
    if (c->held_since)
        return ORDER_NONE;
    if (c->state == TALK_PREPARING && now - c->began >= l->prepare_ms)
        return begin(c);
    if (c->state == TALK_LISTENING)
        return is_finished(c, now, c->voiced_ms, l->listen_ms) ? finish(c, now)
                                                               : ORDER_NONE;
    bool waits = c->waits_since != 0;
    if (c->state == TALK_THINKING && now - c->waits_since >= l->think_ms)
        return c->gone ? file(c) : ask_next(c);
    if (c->state == TALK_HELPED && waits &&
        now - c->waits_since >= l->helped_ms)
        return ask_next(c);
    if (c->state == TALK_ANSWERING && is_answered(c, now))
        return end_answer(c);
    if (c->state == TALK_CHOOSING && c->waits_since &&
        now - c->waits_since >= l->choose_ms)
        return open_talk(c);
    return ORDER_NONE;
}
