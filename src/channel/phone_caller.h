/*
 * channel/phone_caller.h - who calls, whom, and from where, out of an INVITE
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_CALLER_H
#define OTK_CHANNEL_PHONE_CALLER_H

#include "channel/phone_re.h"
#include "channel/phone_script.h"

enum {
    PHONE_NUMBER_BYTES = 64,
    PHONE_NAME_BYTES = 100,
    PHONE_CONTACT_BYTES = 128,
};

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

/* The address of ours that the caller sends sound to, without a port: the
 * public one where it is of his family ("": there is none), else that which
 * faces him. An errno. */
int phone_caller_face(const struct sip_msg *msg, const char *public_address,
                      struct sa *ret);
/* Where the caller is not where its Contact says, that is changed to where the
 * message came from: libre takes the address of the dialog out of it and has no
 * other way. `line` must live until then. */
void phone_caller_correct(const struct sip_msg *msg,
                          char line[PHONE_CONTACT_BYTES]);

#endif
