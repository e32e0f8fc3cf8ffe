/*
 * desk/intake.h - from a text that came in to an answer or a routed ticket
 *
 * Understanding (language, topic, priority, knowledge) happens before the
 * transaction, on snapshots; then one transaction stores the request and all
 * that follows from it, so that what is acknowledged is there as a whole. A
 * repeated dedup key gets the first result again. Another text under an
 * external_id that the desk knows is a further message of that ticket.
 */
#ifndef OTK_DESK_INTAKE_H
#define OTK_DESK_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"
#include "desk/person.h"
#include "desk/ticket.h"

struct arena;
struct desk;
struct db_tx;
struct desk_worker;
struct err;

enum { TOKEN_BYTES = 33, DEDUP_MAX = 200 };

struct intake_ask {
    const char *channel; /* "form" "api" "chat" … */
    struct str dedup;    /* empty: never a repeat */
    struct str text;
    struct str external_id;
    struct person_ask person;
    bool want_ticket;  /* do not try to answer */
    bool dedup_is_key; /* a repeat with another text is a mistake */
    struct str owner;  /* whose `dedup` is; empty: the whole channel's */
    struct str subject, topic, priority; /* said by the sender; or empty */
    struct actor by;
};

struct intake_decision {
    struct str label; /* key; empty: none of these */
    struct str name;  /* in the language of the text */
    double confidence;
    const char *mode;
};

struct intake_answer {
    int64_t article;
    struct str title, text, passage;
    double confidence;
};

enum intake_outcome {
    INTAKE_ANSWERED,
    INTAKE_TICKET,
    INTAKE_IGNORED,
    INTAKE_RECEIVED, /* jobs are at work on it */
};

struct intake_result {
    bool is_repeat;
    char token[TOKEN_BYTES];
    enum intake_outcome outcome;
    const char *language;
    bool has_topic, has_priority;
    struct intake_decision topic, priority;
    struct intake_answer answer; /* of INTAKE_ANSWERED */
    int64_t ticket_id;           /* of INTAKE_TICKET */
    struct ticket ticket; /* as stored just now; id 0: it was there before */

    /* of intake_find() */
    struct str text; /* what was asked; empty: erased */
    bool has_thumb, helpful;
};

/* OTK_EFORMAT, OTK_ELIMIT with the field; OTK_EAGAIN: nothing was stored. */
int intake_submit(struct desk *d, struct desk_worker *w, struct intake_ask *ask,
                  struct arena *a, struct intake_result *ret, struct err *e);

/*
 * Store it and no more: jobs understand it and answer or file it, step by step
 * (see intake_jobs.h). The outcome is INTAKE_RECEIVED.
 */
int intake_receive(struct desk *d, struct intake_ask *ask, struct arena *a,
                   struct intake_result *ret, struct err *e);

/* What became of a request. OTK_ENOENT. */
int intake_find(struct desk *d, struct str token, struct arena *a,
                struct intake_result *ret, struct err *e);

/* The ticket that a request became, also when it was merged into another.
 * OTK_ENOENT: no such request; OTK_ECONFLICT: it is no ticket. */
int request_ticket(struct db_tx *tx, struct str token, int64_t *ret_ticket,
                   struct err *e);

/* May whoever holds the request see this file? Not those of notes. */
struct attachment;
int request_may_see(struct db_tx *tx, const struct attachment *x,
                    int64_t ticket, bool *ret, struct err *e);

/* The person says how content he is, 1 to 5, once the ticket is solved; said
 * again, the last word counts. OTK_ECONFLICT: it is not solved. */
int request_rate(struct db_tx *tx, struct str token, int64_t score,
                 struct str comment, int64_t now_ms, struct err *e);

/* The person says whether the answer helped; when not, a ticket is made. */
int intake_feedback(struct desk *d, struct desk_worker *w, struct str token,
                    bool helpful, struct str comment, struct arena *a,
                    struct intake_result *ret, struct err *e);

#endif
