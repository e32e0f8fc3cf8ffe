/*
 * channel/phone_conversation.h - what is said and done in a call, step by step
 *
 *   language by key -> greeting -> listening -> filing -> number -> good-bye
 *                                    |         |  an answer, when there is one:
 * 1 |         |  ends the call without a ticket |         |  questions, when
 * the line has |         |  any: spoken or by digits |  nothing was said: asked
 * once more, then |  good-bye
 *
 * The caller ends by silence, by '#' or by hanging up. Events go in, orders
 * come out: the conversation knows neither SIP nor sound nor the desk, and what
 * time it is, it is told. Silence is judged by that time and by nothing else: a
 * telephone that sends no packets is silent, too. Whether there is anything to
 * say for a text is not known here: what is empty is said at once.
 */
#ifndef OTK_CHANNEL_PHONE_CONVERSATION_H
#define OTK_CHANNEL_PHONE_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can be said; see channel/phone_script.h. */
enum phone_text {
    PHONE_CHOOSE,   /* in each language: which key it has */
    PHONE_GREETING, /* who we are */
    PHONE_KNOWN,    /* the same, by name */
    PHONE_CONSENT,  /* the call is recorded */
    PHONE_OFFER,    /* a key reaches a person */
    PHONE_CLOSED,   /* nobody is there now */
    PHONE_ASK,      /* tell us what happened */
    PHONE_AGAIN,    /* nothing was heard */
    PHONE_TRANSFER, /* the caller is being put through */
    PHONE_NOBODY,   /* that failed: tell us what happened */
    PHONE_MOMENT,   /* is there an answer? */
    PHONE_HELPED,   /* did it help? */
    PHONE_GLAD,     /* it did: good-bye */
    PHONE_FILED,    /* your ticket has this number */
    PHONE_DUE,      /* until when we will answer; of PHONE_FILED */
    PHONE_BYE,      /* after that */
    PHONE_LATER,    /* kept, but there is no number yet */
    PHONE_NOTHING,  /* nothing was heard again: good-bye */
    PHONE_TEXTS,
    /* not of the script: */
    PHONE_INCIDENT = PHONE_TEXTS, /* what is out of order today */
    PHONE_QUESTION,               /* that of `question` */
    PHONE_ANSWER,                 /* what an article says */
};

enum { PHONE_QUESTIONS_MAX = 5, PHONE_DIGITS_MAX = 20 };

struct conversation_limits {
    int64_t silence_ms;  /* after a word: the caller has finished */
    int64_t patience_ms; /* before the first word */
    int64_t listen_ms;   /* longest that a caller may speak */
    int64_t hold_ms;     /* longest on hold */
    int64_t voiced_ms;   /* less is a cough */
    int64_t call_ms;     /* of all together */
    int64_t think_ms;    /* longest that we look for an answer */
    int64_t helped_ms;   /* for a key, when it was said */
    int64_t transfer_ms; /* until a person answers */
    int64_t digit_ms;    /* after a digit: there is no other */
    int64_t choose_ms;   /* after the languages were named */
    int64_t prepare_ms;  /* longest that we look who is calling */
    int asks;            /* how often the caller is asked */
};

/* A question after the caller has said what happened. */
struct conversation_question {
    int digits_max;    /* 0: the answer is spoken */
    int64_t listen_ms; /* longest that he may speak */
};

/* What is done on the line that is called. */
struct conversation_plan {
    size_t n_languages; /* 1: there is no choice */
    bool prepares;      /* wait for conversation_prepared() */
    struct conversation_question questions[PHONE_QUESTIONS_MAX];
    size_t n_questions;
    bool answers;        /* look for an answer */
    char transfer_key;   /* that a person is reached by; '\0': none */
    bool has_transfer;   /* to somebody, at least at times … */
    bool is_open;        /* … who is there now */
    bool is_transferred; /* without being asked */
};

enum conversation_order {
    ORDER_NONE,
    ORDER_SAY,    /* `text`; conversation_said() when it is over */
    ORDER_LISTEN, /* stop speaking; what is heard from now on is kept */
    ORDER_THINK, /* say `text` and look for an answer; conversation_thought() */
    ORDER_CLOSE, /* answered: no ticket; conversation_closed() or _filed() */
    ORDER_TRANSFER, /* to a person; conversation_transferred() */
    ORDER_NOTE,     /* keep `digits` of `question`; conversation_noted() */
    ORDER_FILE,     /* keep it and make a ticket; conversation_filed() */
    ORDER_HANG_UP,  /* it is over; what was kept and not filed goes */
};

enum conversation_state {
    TALK_NEW,
    TALK_PREPARING,
    TALK_CHOOSING,
    TALK_OPENING,
    TALK_LISTENING,
    TALK_AGAIN,
    TALK_TRANSFERRING,
    TALK_QUESTION, /* is asked */
    TALK_ANSWERING,
    TALK_THINKING,
    TALK_ANSWER, /* is said */
    TALK_HELPED, /* did it? */
    TALK_FILING,
    TALK_READING, /* the number */
    TALK_PARTING,
    TALK_OVER,
};

struct conversation {
    const struct conversation_limits *limits;
    struct conversation_plan plan;
    enum conversation_state state;
    enum phone_text text; /* of ORDER_SAY */
    size_t language;      /* index; also that of the text to say */
    bool has_chosen;      /* the caller did, by key */
    bool is_prepared;
    bool has_thought, is_thought, has_answer; /* asked; over; with one */
    bool is_moment_said;
    int64_t began, listens_since, last_voice, held_since; /* 0: not */
    int64_t waits_since; /* for a key, when all is said */
    int64_t voiced_ms;
    size_t question;   /* of the plan */
    int64_t answer_ms; /* voiced, of its answer */
    char digits[PHONE_DIGITS_MAX + 1];
    size_t n_digits;
    int asked;
    bool gone;           /* the caller has hung up … */
    bool is_transferred; /* … for he talks to a person */
};

/* Times are of one clock that never jumps, in milliseconds, above 0. */
void conversation_init(struct conversation *c,
                       const struct conversation_limits *l,
                       const struct conversation_plan *p);
enum conversation_order conversation_answered(struct conversation *c,
                                              int64_t now);
/* What is said in this call only is there, or never will be. */
enum conversation_order conversation_prepared(struct conversation *c);
enum conversation_order conversation_said(struct conversation *c, int64_t now);
/* `voiced_ms` more of speech were heard. */
void conversation_heard(struct conversation *c, int64_t now, int64_t voiced_ms);
enum conversation_order conversation_key(struct conversation *c, int64_t now,
                                         char key);
void conversation_hold(struct conversation *c, int64_t now, bool held);
enum conversation_order conversation_thought(struct conversation *c,
                                             bool has_answer);
enum conversation_order conversation_closed(struct conversation *c);
enum conversation_order conversation_transferred(struct conversation *c,
                                                 bool answered);
enum conversation_order conversation_noted(struct conversation *c);
enum conversation_order conversation_filed(struct conversation *c, int64_t now,
                                           bool has_number);
/* While an answer is looked for, it is filed when that is over: the words that
 * come of it are those of the ticket. */
enum conversation_order conversation_left(struct conversation *c, int64_t now);
/* The same, and nothing is waited for. */
enum conversation_order conversation_ended(struct conversation *c, int64_t now);
/* Time goes by; at least every 100 ms. */
enum conversation_order conversation_look(struct conversation *c, int64_t now);

/* Enough was said to make a ticket of. */
bool conversation_has_words(const struct conversation *c);
/* What is heard now is kept. */
bool conversation_listens(const struct conversation *c);

#endif
