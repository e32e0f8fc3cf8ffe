/*
 * channel/phone_hands.h - what a call needs that may take a while
 *
 * Threads that look who is calling, file recordings and speak what belongs to
 * one call, so that the thread of the calls never waits. They also take up
 * recordings that nobody holds: of a process that died, or that could not be
 * filed before (a full disk); at the start, and every minute.
 */
#ifndef OTK_CHANNEL_PHONE_HANDS_H
#define OTK_CHANNEL_PHONE_HANDS_H

#include <stdint.h>

#include "channel/phone_script.h"
#include "channel/phone_words.h"

struct desk;
struct err;
struct phone_counts;
struct phone_hands;
struct phone_voice;
struct recording;

enum { PHONE_HANDS_MAX = 4 };

/* What can be asked of them. */
enum phone_work {
    WORK_PREPARE, /* what is said in this call only */
    WORK_THINK,   /* is there an answer to what was said? */
    WORK_CLOSE,   /* the answer helped: the recording goes */
    WORK_FILE,    /* the recording becomes a ticket */
};

struct phone_task {
    enum phone_work work;
    uint64_t call;
    const struct phone_line *line; /* NULL: nobody hears */
    enum phone_language language;
    const char *caller; /* of WORK_PREPARE: the number; "": do not look */
    struct recording *recording; /* of WORK_CLOSE, WORK_FILE; is theirs */
    char *sound; /* of WORK_THINK: WAVE, from mem_new(); theirs */
    size_t n_sound;
    bool is_chosen; /* `language` is what the caller speaks */
    int64_t until;  /* of WORK_THINK: nobody waits longer; monotonic */
    char *said;     /* of WORK_CLOSE: the words; is theirs */
    char *heard; /* of WORK_CLOSE, WORK_FILE: of a thought; theirs; or NULL */
};

struct phone_done {
    enum phone_work work;
    uint64_t call;
    int64_t ticket; /* of WORK_FILE; 0: there is none yet */
    bool is_closed; /* of WORK_CLOSE; false: it became a ticket, after all */
    char *said;     /* of WORK_THINK: the words, when there is an answer */
    char *heard;    /* of WORK_THINK: what need not be heard again; or NULL */
    struct phone_words words;
};

struct phone_hands_options {
    struct desk *desk;
    const struct phone_voice *voice;
    struct phone_counts *counts;
    const char *folder; /* of recordings; NULL: do not look for any */
    int threads;
    int64_t voiced_ms; /* less speech is no call to keep */
    /* On a thread of the hands; whoever gets it frees it. */
    void (*done)(void *arg, struct phone_done *f);
    void *arg;
};

int phone_hands_start(const struct phone_hands_options *o,
                      struct phone_hands **ret, struct err *e);

/* Copies the task. A recording has ended by now. */
void phone_hands_give(struct phone_hands *h, const struct phone_task *t);

/* Files all that was handed over. NULL is fine. */
void phone_hands_stop(struct phone_hands *h);

void phone_done_free(struct phone_done *f);

#endif
