/* desk/call_parts.h - what call.c and call_jobs.c share */
#ifndef OTK_DESK_CALL_PARTS_H
#define OTK_DESK_CALL_PARTS_H

#include "desk/call.h"
#include "desk/call_heard.h"

struct db_tx;
struct person_ask;

enum {
    CALL_BYTES_MAX = 512 << 20, /* of one recording: 4 hours, 16 kHz */
    /* of what the job must know: words that were heard, and the rest */
    CALL_PAYLOAD_BYTES = CALL_HEARD_BYTES + 4096,
};

/* Who called, as far as that can be a person of the desk. */
void call_take_caller(const struct call_about *x, struct arena *a,
                      struct person_ask *ret);

/* The job that transcribes the call of this request. */
int call_push(struct db_tx *tx, int64_t inbox, int64_t now_ms, struct arena *a,
              struct err *e);

/* "name: Anna\n" of each answer, as the body of a note. */
enum { CALL_NOTE_BYTES = 16 * 1024 };
struct buf;
void call_note_put(struct buf *b, struct str field, struct str answer);

/* What a ticket says until its call is transcribed. */
struct str call_waiting_text(struct arena *a, const char *language, int64_t ms);

#endif
