/*
 * desk/call_trace.h - where the time goes between a call and its ticket
 *
 * Each step notes when it was done. The notes travel with the request (in
 * inbox.payload_json), for another process may do the next step, and whoever
 * does the last one writes them as one line of the log:
 *
 *     call=ID ticket=12 is finished: length_ms=31240 took_ms=1720 stored_ms=9
 *     taken_ms=4 decoded_ms=12 heard_ms=1650 … tokens=96 retries=0
 *
 * A step's milliseconds are those since the step before it that was noted, so
 * that together they are `took_ms`. What is not known is left out: a call that
 * was cut off by a crash has no end, an endpoint does not say how it hears.
 */
#ifndef OTK_DESK_CALL_TRACE_H
#define OTK_DESK_CALL_TRACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "speech/recogniser.h"

enum call_step {
    CALL_ENDED,      /* nothing more of the caller is recorded */
    CALL_STORED,     /* the recording is a durable file, named by its hash */
    CALL_TAKEN,      /* the ticket was committed, a job has its recording */
    CALL_DECODED,    /* sound at 16 kHz */
    CALL_HEARD,      /* there are words */
    CALL_ASKED,      /* they were committed, and the next job has them */
    CALL_UNDERSTOOD, /* triage and knowledge have looked at them */
    CALL_ROUTING,    /* that was committed, and the last job has it */
    CALL_FINISHED,   /* routed and committed */
    CALL_STEPS,
};

enum { CALL_TRACE_ID_BYTES = 65 };

struct call_trace {
    char id[CALL_TRACE_ID_BYTES]; /* of the call */
    int64_t at[CALL_STEPS];       /* wall ms; 0: not noted */
    int64_t length_ms;            /* of the recording */
    int64_t attempt;              /* at hearing it; 0: nobody tried */
    struct transcript_work work;
};

void call_trace_init(struct call_trace *t, struct str id, int64_t ended_at);

/* The member "trace" of a request's payload, for call_trace_read(). */
json_t *call_trace_json(const struct call_trace *t);
/* False: the request was no call, and *ret is empty. */
bool call_trace_read(const json_t *payload, struct call_trace *ret);

/* The line, without its end: at most CALL_TRACE_LINE bytes with the NUL. */
enum { CALL_TRACE_LINE = 768 };
void call_trace_print(const struct call_trace *t, int64_t ticket,
                      char ret[CALL_TRACE_LINE]);
/* It goes to the log, at level info. */
void call_trace_log(const struct call_trace *t, int64_t ticket);

#endif
