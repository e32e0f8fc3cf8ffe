/*
 * channel/phone_said.h - what the caller said in one call
 *
 * The sound, which is recorded as it comes, and the words of it that are known
 * while the call goes on. Both belong to the call until they are handed over.
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_SAID_H
#define OTK_CHANNEL_PHONE_SAID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel/phone_hands.h"
#include "speech/activity.h"

struct buf;
struct call_about;
struct recording;

enum {
    PHONE_THINK_SECONDS = 90
}; /* of speech; who speaks longer asks people */

struct phone_said {
    const char *call;            /* its id; kept */
    struct recording *recording; /* NULL: not begun, or handed over */
    struct activity ear;
    bool lost;   /* the disk took no more */
    char *words; /* to which there is an answer; or NULL */
    char *heard; /* of struct call_thought: known already; or NULL */
};

void phone_said_init(struct phone_said *s, const char *call, int rate_hz);
void phone_said_free(struct phone_said *s); /* what was not handed over goes */

/* Into a file of `folder`. False: it cannot be recorded, and the log says why.
 */
bool phone_said_begin(struct phone_said *s, const char *folder,
                      const struct call_about *about);
/* How many milliseconds of it are a voice. */
int64_t phone_said_put(struct phone_said *s, const int16_t *samples, size_t n);
/* What is said from now on, or these digits, answer a question. */
void phone_said_mark(struct phone_said *s, const char *field,
                     const char *digits);

/* All of it so far as WAVE, from mem_new(); NULL: it is too long. */
char *phone_said_copy(struct phone_said *s, size_t *ret_n);
/* The words, when somebody has thought about it. */
void phone_said_take(struct phone_said *s, struct phone_done *f);
/* The recording and what is known of it: to be filed or closed. */
void phone_said_give(struct phone_said *s, struct phone_task *t);

#endif
