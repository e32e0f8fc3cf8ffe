/*
 * channel/phone_srtp.h - the sound of a call, encrypted (RFC 3711, RFC 4568)
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_SRTP_H
#define OTK_CHANNEL_PHONE_SRTP_H

struct phone_srtp;
struct rtp_sock;
struct sdp_media;

/* Takes the first key of the caller's offer that we speak, and writes ours into
 * the answer. From then on everything of the socket is encrypted. A further
 * offer of the same call may bring another key: `*s` is kept or replaced.
 * ENOTSUP: there is no such key. */
int phone_srtp_take(struct phone_srtp **s, struct sdp_media *m,
                    struct rtp_sock *rtp);
void phone_srtp_free(struct phone_srtp *s); /* NULL is fine */

#endif
