/*
 * channel/phone_caller.h - who calls, and whom, out of an INVITE
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_CALLER_H
#define OTK_CHANNEL_PHONE_CALLER_H

#include "channel/phone_re.h"
#include "channel/phone_script.h"

enum { PHONE_NUMBER_BYTES = 64, PHONE_NAME_BYTES = 100 };

/* Empty: not said, or hidden. */
struct phone_caller {
    char number[PHONE_NUMBER_BYTES];
    char name[PHONE_NAME_BYTES];
    char called[PHONE_NUMBER_BYTES];
};

/* What was called is the request's address, or the line that the caller named
 * when the system gave the request another one; that line is returned. */
const struct phone_line *phone_caller_read(const struct sip_msg *msg,
                                           const struct phone_script *s,
                                           struct phone_caller *ret);

#endif
