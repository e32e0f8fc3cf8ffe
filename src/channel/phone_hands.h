/*
 * channel/phone_hands.h - what a call needs that may take a while
 *
 * Threads that file recordings and speak the number of the ticket, so that the
 * thread of the calls never waits. They also take up recordings that nobody
 * holds: of a process that died, or that could not be filed before (a full
 * disk); at the start, and every minute.
 */
#ifndef OTK_CHANNEL_PHONE_HANDS_H
#define OTK_CHANNEL_PHONE_HANDS_H

#include <stdint.h>

#include "channel/phone_script.h"
#include "speech/sound.h"

struct desk;
struct err;
struct phone_counts;
struct phone_hands;
struct phone_voice;
struct recording;

struct phone_filed {
    uint64_t call;
    int64_t ticket;      /* 0: there is none yet */
    struct sound spoken; /* its number and due; empty: nobody hears it */
};

struct phone_hands_options {
    struct desk *desk;
    const struct phone_voice *voice;
    struct phone_counts *counts;
    const char *folder; /* of recordings */
    int64_t voiced_ms;  /* less speech is no call to keep */
    /* On a thread of the hands; whoever gets it frees `spoken` and it. */
    void (*done)(void *arg, struct phone_filed *f);
    void *arg;
};

int phone_hands_start(const struct phone_hands_options *o,
                      struct phone_hands **ret, struct err *e);

/* Owns the recording. `line`: to speak the number on; NULL: nobody hears. */
void phone_hands_file(struct phone_hands *h, uint64_t call, struct recording *r,
                      const struct phone_line *line, enum phone_language l);

/* Files all that was handed over. NULL is fine. */
void phone_hands_stop(struct phone_hands *h);

#endif
