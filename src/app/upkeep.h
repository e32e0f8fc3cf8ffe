/*
 * app/upkeep.h - what a desk needs done beside answering requests
 *
 * Jobs, the outbox, the queue of tickets, give-back, newer snapshots, and
 * letting go of what is old. `otklik serve` and `otklik worker` both run it.
 */
#ifndef OTK_APP_UPKEEP_H
#define OTK_APP_UPKEEP_H

#include <signal.h>

struct desk;
struct err;

/*
 * Block the signals that end the program; before any thread starts, so that
 * upkeep_run() gets them.
 */
void upkeep_block_signals(sigset_t *ret_ends);

/* Works until a signal of `ends` comes, which is returned. `threads` of jobs;
 * 0: none, others do them. A negative code: it could not start. */
int upkeep_run(struct desk *d, int threads, const sigset_t *ends,
               struct err *e);

#endif
