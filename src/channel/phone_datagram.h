/*
 * channel/phone_datagram.h - datagrams, before libre reads them
 *
 * What libre cannot read it drops without a word. Some of that can be mended
 * (phone_message_mend()) and is answered then. libre shows its sockets with
 * messages only: one of ours to each of them brings them out.
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_DATAGRAM_H
#define OTK_CHANNEL_PHONE_DATAGRAM_H

#include <stdbool.h>

struct phone_agent;
struct sa;
struct sip_msg;

/* The socket at this address will be seen by phone_datagram_join(). */
void phone_datagram_probe(const struct sa *at);

/* From now on what comes over this request's socket is looked at. True: the
 * request was our probe. The agent must outlive the socket. */
bool phone_datagram_join(struct phone_agent *a, const struct sip_msg *msg);

/* The request that libre shows is of another version of SIP. */
bool phone_datagram_is_foreign(const struct phone_agent *a,
                               const struct sip_msg *msg);

#endif
