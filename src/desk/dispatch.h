/*
 * desk/dispatch.h - tickets that wait, and tickets that nobody takes up
 *
 * Run now and then by a process that serves: the oldest ticket of the queue
 * goes to the first who is free for it, and a ticket whose assignee stays
 * silent for routing.giveback_minutes of his own open hours goes to somebody
 * else. Safe to run in several processes.
 */
#ifndef OTK_DESK_DISPATCH_H
#define OTK_DESK_DISPATCH_H

#include <stddef.h>

struct desk;
struct err;

struct dispatched {
    size_t assigned;   /* out of the queue */
    size_t given_back; /* from one desk to another */
};

int dispatch(struct desk *d, struct dispatched *ret, struct err *e);

#endif
