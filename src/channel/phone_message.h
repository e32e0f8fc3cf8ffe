/*
 * channel/phone_message.h - is a request whole, and what is in its body?
 *
 * libre reads what it needs and lets the rest pass. What RFC 3261 wants refused
 * of a request and libre takes (RFC 4475 has examples) is looked at here:
 * headers that come twice, numbers out of range, a method that is another one
 * in CSeq, quotes that do not close, a body that is cut off.
 *
 * Pure.
 */
#ifndef OTK_CHANNEL_PHONE_MESSAGE_H
#define OTK_CHANNEL_PHONE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct phone_refusal {
    uint16_t status;
    const char *reason;
};

/* `head`: from the request line to the empty line; `body_n`: bytes that came
 * after it. False: refuse it. *ret_body: how many of them belong to it. */
bool phone_message_check(struct str head, size_t body_n, size_t *ret_body,
                         struct phone_refusal *ret);

/* A session description (RFC 4566) with the attributes of sound alone: what is
 * said of pictures need not make sense to us. Into `ret`, of size sdp.n.
 * Returns its length. */
size_t phone_message_sound_only(struct str sdp, char *ret);

/* The key that the body of an INFO says: alone (application/dtmf), or in a line
 * "Signal=" (application/dtmf-relay). '\0': none. */
char phone_message_key(struct str body);

#endif
