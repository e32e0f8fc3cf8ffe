/*
 * desk/intake_jobs.h - intake step by step, as durable jobs
 *
 * A received request goes through "intake.understand" (language, topic,
 * priority, answer; stage `understood`) and "intake.deliver" (the answer, or a
 * routed ticket). Each step stores its result and ends its job in one
 * transaction; after a crash the step that was not finished is done again, and
 * nothing is done twice.
 */
#ifndef OTK_DESK_INTAKE_JOBS_H
#define OTK_DESK_INTAKE_JOBS_H

#include "base/str.h"

struct arena;
struct db;
struct db_tx;
struct desk;
struct desk_worker;
struct err;
struct intake;
struct intake_ask;
struct job;

#define INTAKE_UNDERSTAND "intake.understand"
#define INTAKE_DELIVER    "intake.deliver"

/* What the steps must know beside the row: JSON in the intake's arena. */
struct str intake_payload(const struct intake *in);
/* What the sender said, out of that, into `ret`. */
void intake_payload_read(struct str payload, struct arena *a,
                         struct intake_ask *ret);

/* The first job of a request that was put. */
int intake_push(struct db_tx *tx, const struct intake *in, struct err *e);

/* The steps, outside a transaction. OTK_ENOENT: the request is gone. */
int intake_step_understand(struct desk *d, struct desk_worker *w,
                           const struct job *j, const char *owner,
                           struct err *e);
int intake_step_deliver(struct desk *d, struct desk_worker *w,
                        const struct job *j, const char *owner, struct err *e);

#endif
