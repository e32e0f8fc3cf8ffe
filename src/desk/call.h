/*
 * desk/call.h - a telephone call that was recorded becomes a ticket
 *
 * call_file() stores the recording, the request and a ticket with it in one
 * transaction: the caller can be told its number at once. What was said comes
 * later, by the job "intake.transcribe" (desk/call_jobs.c), and the usual steps
 * after it. Without a recogniser the ticket says "not transcribed yet" and goes
 * to people as it is; call_resume() finishes it when a recogniser is there.
 *
 * Answers to the questions of a line are a note on the ticket: digits at once,
 * what was spoken with the words of the call. They are marked in the recording
 * as they come, so they outlive the process as it does.
 */
#ifndef OTK_DESK_CALL_H
#define OTK_DESK_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct desk;
struct desk_worker;
struct err;
struct job;
struct recording;

#define INTAKE_TRANSCRIBE "intake.transcribe"

/* Who called, where; JSON in the head of a recording, so that it is known after
 * a crash. */
struct call_about {
    struct str id;       /* nobody else's; at most DEDUP_MAX bytes */
    struct str caller;   /* number or address as signalled; may be empty */
    struct str name;     /* as signalled; may be empty */
    struct str line;     /* of phone.yaml: "200"; "default" for all others */
    struct str language; /* spoken on the line: "ru" "en" */
    bool is_chosen;      /* by the caller: it is what he speaks, too */
    int64_t started_at;  /* wall ms */
};

/* `a` owns the text. */
struct str call_about_print(const struct call_about *x, struct arena *a);
int call_about_parse(struct str text, struct arena *a, struct call_about *ret,
                     struct err *e);

/* A mark in a recording: what answers a question of the line. */
struct call_mark {
    struct str field;  /* what it is about, as staff reads it */
    struct str digits; /* empty: it is spoken … */
    int64_t from_ms;   /* … from here to the next mark */
};
enum { CALL_MARKS_MAX = 16 };

/* A line for recording_mark(); `a` owns the text. */
struct str call_mark_print(const struct call_mark *m, struct arena *a);
/* Lines of it; what is none is passed over. At most CALL_MARKS_MAX. */
void call_marks_parse(struct str lines, struct arena *a, struct call_mark *ret,
                      size_t *ret_n);

/* The name of the person whose number it is; empty: nobody's, or he has none.
 */
int call_known(struct desk *d, struct str caller, struct arena *a,
               struct str *ret_name, struct err *e);

struct call_filed {
    int64_t ticket_id; /* 0: it was answered before */
    int64_t first_due; /* wall ms; 0: no promise */
};

struct call_recorded {
    struct recording *recording;
    struct str heard; /* of call_think(): is not recognised again; may be "" */
    int64_t
        ended_at; /* the last of it was recorded then, wall ms; 0: unknown */
};

/* The recording stays what it is: remove it when this returned 0. The same
 * call again gives the same ticket. OTK_EAGAIN: nothing was stored. */
int call_file(struct desk *d, struct desk_worker *w,
              const struct call_recorded *x, struct arena *a,
              struct call_filed *ret, struct err *e);

/* ---- answered while it goes on (desk/call_answer.c)
 * ------------------------------------------------------------------------- */

enum { CALL_ANSWER_MAX = 1200 }; /* bytes that are read out */

struct call_question {
    struct str wav;               /* what was said */
    const char *spoken;           /* language that the caller chose; "" */
    const char *language;         /* of the line */
    bool (*cancelled)(void *ctx); /* asked now and then; may be NULL */
    void *ctx;
};

struct call_thought {
    struct str words;     /* empty: none were understood */
    struct str heard;     /* for call_file(); empty: nothing was heard */
    struct str answer;    /* to be said; empty: the desk is not sure of any */
    const char *language; /* of both */
};

/* What an article says to it, by the rules of a chat: knowledge.answer_first
 * and knowledge.answer_threshold. Stores nothing. */
int call_think(struct desk *d, struct desk_worker *w,
               const struct call_question *q, struct arena *a,
               struct call_thought *ret, struct err *e);

/* It helped: a request that was answered, and no ticket. OTK_ENOENT: meanwhile
 * there is no answer any more. The recording is not kept. */
int call_close(struct desk *d, struct desk_worker *w,
               const struct call_about *about, struct str words,
               struct arena *a, struct err *e);

/* The job: the recording's words. */
int call_step_transcribe(struct desk *d, struct desk_worker *w,
                         const struct job *j, const char *owner, struct err *e);

/* A file of sound that somebody attached (a voice message) gets its words, too:
 * as a note on its ticket, by the same job. Nothing when it is no sound or
 * nothing hears. Wake the jobs afterwards: desk_pushed(). */
struct attachment;
struct db_tx;
int call_hear_file(struct db_tx *tx, struct desk *d, const struct attachment *x,
                   int64_t now_ms, struct err *e);

/* Jobs for the calls that wait for a recogniser, when there is one;
 * *ret_pushed: how many. */
int call_resume(struct desk *d, int64_t *ret_pushed, struct err *e);

#endif
