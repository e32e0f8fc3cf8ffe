/*
 * channel/phone_message.h - is a request whole, and what is in its body?
 *
 * libre reads what it needs and lets the rest pass. What RFC 3261 wants refused
 * of a request and libre takes (RFC 4475 has examples) is looked at here:
 * headers that come twice, numbers out of range, a method that is another one
 * in CSeq, quotes that do not close, a body that is cut off. And what libre
 * drops, and could be answered, is mended.
 *
 * Pure.
 */
#ifndef OTK_CHANNEL_PHONE_MESSAGE_H
#define OTK_CHANNEL_PHONE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf;

struct phone_refusal {
    uint16_t status;
    const char *reason;
};

/* `head`: from the request line to the empty line; `body_n`: bytes that came
 * after it. False: refuse it. *ret_body: how many of them belong to it. */
bool phone_message_check(struct str head, size_t body_n, size_t *ret_body,
                         struct phone_refusal *ret);

/* A datagram that libre would drop, as one that it reads. A request of another
 * version of SIP is said to be of 2.0, and *ret_is_foreign set. One whose first
 * Via has no branch, as in RFC 2543, gets one which the same request has when
 * it comes again, and its ACK and CANCEL (RFC 3261, 17.2.3). False: it is none
 * of these, and nothing is written. */
bool phone_message_mend(struct str datagram, struct buf *ret,
                        bool *ret_is_foreign);

/* A session description (RFC 4566) with the attributes of sound alone: what is
 * said of pictures need not make sense to us. Into `ret`, of size sdp.n.
 * Returns its length. */
size_t phone_message_sound_only(struct str sdp, char *ret);

/* The key that the body of an INFO says: alone (application/dtmf), or in a line
 * "Signal=" (application/dtmf-relay). '\0': none. */
char phone_message_key(struct str body);

#endif
