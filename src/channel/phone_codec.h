/*
 * channel/phone_codec.h - how the sound of a call is coded, and which is liked
 *
 * G.711 of both laws (RFC 3551); Opus (RFC 7587) in a build with libopus, G.722
 * in one with spandsp.
 *
 * Pure.
 */
#ifndef OTK_CHANNEL_PHONE_CODEC_H
#define OTK_CHANNEL_PHONE_CODEC_H

#include <stddef.h>

#include "base/str.h"

struct err;

enum phone_codec {
    CODEC_NONE,
    CODEC_OPUS,
    CODEC_G722,
    CODEC_ALAW,
    CODEC_ULAW,
    CODECS,
    CODEC_KEYS = CODECS, /* no sound: RFC 4733 */
};

struct phone_codec_kind {
    const char *name, *id; /* in SDP; the id that we offer */
    int clock_hz;          /* of the timestamps of RTP */
    int channels;          /* as SDP says; it is one */
    int rate_hz;           /* of the samples that come out */
};

const struct phone_codec_kind *phone_codec_kind(enum phone_codec c);

/* By the name in SDP; without one (NULL) by a static payload type. */
enum phone_codec phone_codec_find(const char *name, int payload);

struct phone_codecs {
    enum phone_codec list[CODECS]; /* the one liked best comes first */
    size_t n;
};

/* "opus, G722, PCMA, PCMU" (phone.codecs). What this build has not is left out.
 * OTK_EFORMAT: there is an unknown one, or nothing is left. */
int phone_codecs_read(struct str list, struct phone_codecs *ret, struct err *e);

#endif
