/*
 * channel/phone_transfer.h - the caller is handed to a person (RFC 3515)
 *
 * We ask the caller's side to call somebody else (REFER) and are told how that
 * goes (NOTIFY with a piece of SIP, RFC 3420): answered, or not. Who gives up
 * frees it; the other side may still connect them, and then ends our call.
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_TRANSFER_H
#define OTK_CHANNEL_PHONE_TRANSFER_H

#include <stdbool.h>

#include "channel/phone_agent.h"

struct phone_transfer;

/* Is somebody there now, by the schedule of the line? Not when the desk has no
 * such schedule, which is logged. */
bool phone_transfer_is_open(struct desk *d, const struct phone_line *line);

/* `user`: who we are in this call: of our Contact, and to answer challenges as.
 * `done` is called once, later, unless it is freed before. An errno of libre's.
 */
int phone_transfer_start(struct phone_agent *a, struct sipsess *session,
                         const struct phone_line *line, const char *user,
                         void (*done)(void *arg, bool answered), void *arg,
                         struct phone_transfer **ret);
/* free: mem_deref() */

#endif
