/*
 * channel/phone_media.h - the sound of one call: SDP, RTP, codecs
 *
 * The codecs of channel/phone_codec.h, keys as RFC 4733 has them. Sound goes
 * to where sound comes from (RFC 4961), because a caller behind NAT does not
 * know his own address; the first who sends what was agreed on is the caller,
 * others are strangers.
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_MEDIA_H
#define OTK_CHANNEL_PHONE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbuf;
struct phone_codecs;
struct phone_counts;
struct phone_media;
struct sa;

/* Is the sound encrypted? */
enum phone_srtp_rule { SRTP_OFFERED, SRTP_REQUIRED, SRTP_NEVER };

enum { PHONE_FRAME_MS = 20, PHONE_FRAME = 160 /* samples */ };

struct phone_media_options {
    const struct sa *local; /* address that the caller is told */
    const struct sa *listen;
    uint16_t port_from, port_to;
    enum phone_srtp_rule srtp;
    const struct phone_codecs *codecs;
    struct phone_counts *counts;
    void (*heard)(void *arg, const int16_t *samples, size_t n); /* in order */
    void (*key)(void *arg, char key);
    void *arg;
};

/* An errno of libre's; no port is open after a failure. */
int phone_media_new(const struct phone_media_options *o,
                    struct phone_media **ret);
void phone_media_free(struct phone_media *m); /* NULL is fine */

/* The caller's offer, or the answer to ours. ENOTSUP: no common codec, or not
 * encrypted as it has to be. */
int phone_media_take(struct phone_media *m, struct mbuf *sdp, bool is_offer);
int phone_media_print(struct phone_media *m, bool is_offer,
                      struct mbuf **ret); /* mem_deref() it */

/* After the SDP of both is known. */
void phone_media_start(struct phone_media *m);
/* Of what is heard: 8000 or 16000 a second, by the codec that was agreed on
 * first. */
int phone_media_rate(const struct phone_media *m);
/* The caller does not listen (RFC 3264, 8.4). */
bool phone_media_is_held(const struct phone_media *m);

/* PHONE_FRAME samples at 8 kHz; NULL: a frame of silence. */
void phone_media_send(struct phone_media *m, const int16_t *samples);
/* Nothing was sent for so many frames; the timestamps go on. */
void phone_media_skip(struct phone_media *m, int frames);

/* What was held back to be put in order. */
void phone_media_flush(struct phone_media *m);

#endif
