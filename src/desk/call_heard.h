/*
 * desk/call_heard.h - the words of a call that are known before it ends
 *
 * While the caller waits for an answer his words are recognised
 * (desk/call_answer.c). They go along with the recording, as JSON, and wait
 * with the request; the job that transcribes the call takes them and listens
 * only to what came after them.
 */
#ifndef OTK_DESK_CALL_HEARD_H
#define OTK_DESK_CALL_HEARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "speech/recogniser.h"

struct arena;

enum { CALL_HEARD_BYTES = 64 * 1024 }; /* of the JSON */

struct call_heard {
    int64_t to_ms; /* from the beginning up to here; 0: nothing was heard */
    struct transcript said;
};

/* In `a`; empty when it would be longer than CALL_HEARD_BYTES: then it is heard
 * again. */
struct str call_heard_print(const struct call_heard *x, struct arena *a);
/* False: it is none. Texts live in `a`. */
bool call_heard_parse(struct str text, struct arena *a, struct call_heard *ret);

/* "[[from,to,confidence,"text"],…]", in `a`; "[]" when longer than `max`. */
struct str call_segments_print(const struct transcript *t, size_t max,
                               struct arena *a);

/* What came after: its words follow those of `t`. Segments of both are in the
 * times of the whole. `t_ms`, `more_ms`: how long they are, which is what they
 * weigh in the confidence. */
void call_heard_add(struct transcript *t, int64_t t_ms,
                    const struct transcript *more, int64_t more_ms,
                    struct arena *a);

#endif
