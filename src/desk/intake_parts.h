/*
 * desk/intake_parts.h - the parts of intake, for each other
 *
 * intake_understand.c looks at a text and decides; intake_store.c writes rows,
 * inside a transaction; intake_lookup.c reads a request back; intake.c and
 * intake_jobs.c put them together, at once or step by step.
 */
#ifndef OTK_DESK_INTAKE_PARTS_H
#define OTK_DESK_INTAKE_PARTS_H

#include "desk/catalog.h"
#include "desk/intake.h"

struct db_tx;

/* Everything about one request on its way. */
struct intake {
    struct desk *d;
    struct desk_worker *w;
    struct intake_ask *ask;
    struct arena *arena;
    struct intake_result *result;
    struct catalog *catalog;
    int64_t now;
    const char *model; /* version */
    const struct catalog_topic *topic;
    const struct catalog_priority *priority;
    bool nothing_found; /* knowledge had no answer */
    bool joins;    /* its ticket was there before: see intake_put_ticket() */
    bool unrouted; /* it is not known yet what the ticket is about */
    int64_t person_id, inbox_id, message_id; /* of the ticket's first */
    struct str payload;                      /* JSON; empty: none */
};

/* Fills language, decisions, answer and outcome of in->result. */
void intake_understand(struct intake *in);
const char *intake_language(const struct desk *d, struct str text);

/* The request's row, in `stage`, after its ticket if it is one; in->inbox_id.
 * The order saves a second change of the row, which makes SQLite write out all
 * that the full-text index gathered. */
int intake_put_inbox(struct db_tx *tx, struct intake *in, const char *stage,
                     struct err *e);
const char *intake_stage(enum intake_outcome o);
int intake_put_predictions(struct db_tx *tx, const struct intake *in,
                           struct err *e);
/* Routes it; in->result->ticket_id. When a ticket has the sender's external_id
 * already, the request joins that one. */
int intake_put_ticket(struct db_tx *tx, struct intake *in, struct err *e);
/* The same for a request whose row is there already. */
int intake_become_ticket(struct db_tx *tx, struct intake *in, struct err *e);
/* The text is a further message of the person, unless the ticket has it. */
int intake_add_further(struct db_tx *tx, struct intake *in, int64_t ticket,
                       struct err *e);
/* What is known now about a ticket that was made before it was understood:
 * only what nobody set meanwhile. */
int intake_finish_ticket(struct db_tx *tx, struct intake *in, struct err *e);
/* Predictions that were stored before there was a ticket are its now. */
int intake_link_predictions(struct db_tx *tx, const struct intake *in,
                            struct err *e);
/* What the knowledge base could not answer goes on the board. */
int intake_put_unanswered(struct db_tx *tx, const struct intake *in,
                          struct err *e);

/* A request as it stands: by token or, when it is not 0, by inbox_id. */
struct lookup {
    struct arena *arena;
    struct str token;
    int64_t inbox_id;
    struct intake_result *ret;
    struct str text, channel, payload, stage;
    int64_t person_id;
    struct catalog *catalog; /* borrowed during the call */
};
int intake_read_back(struct desk *d, struct lookup *l, struct err *e);

/* Texts of an answer as JSON in `a`, and back. */
struct str intake_answer_json(struct arena *a, const struct intake_answer *x);

#endif
