/*
 * desk/sender.h - sending what waits in the outbox
 *
 * A program of the owner's (settings outbox.command, by /bin/sh) gets each
 * message as one JSON object on its standard input: id, channel, recipient,
 * dedup, ticket, subject, name, language, text. Its exit says what became of
 * it, as sysexits.h has it: 0 sent; 65, 67, 68 (bad data, nobody there) failed
 * for good; ended by a signal or by the deadline: unsure; all else: later.
 */
#ifndef OTK_DESK_SENDER_H
#define OTK_DESK_SENDER_H

#include <stddef.h>

#include "desk/outbox.h"

struct desk;
struct err;

enum { SENDER_WHY_BYTES = 200 };

/* Send one; *ret_why gets the last line that the program wrote to stderr. */
enum outbox_verdict sender_run(const char *command, int timeout_ms,
                               const struct outbox_item *m,
                               char ret_why[SENDER_WHY_BYTES]);

/* Send everything that is due; nothing when no command is set. */
int sender_work(struct desk *d, const char *owner, size_t *ret_sent,
                struct err *e);

#endif
