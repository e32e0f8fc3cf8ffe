/*
 * channel/phone_opus.h - Opus (RFC 6716) for a telephone
 *
 * What comes is decoded to 16 kHz, which is what recognisers listen at; what
 * is said goes in at 8 kHz, which is what prompts have. A build without libopus
 * has the same functions: phone_opus_new() says ENOSYS.
 *
 * Pure. One thread at a time.
 */
#ifndef OTK_CHANNEL_PHONE_OPUS_H
#define OTK_CHANNEL_PHONE_OPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct phone_opus;

enum {
    OPUS_RATE = 16000,
    OPUS_SAMPLES_MAX = 1920, /* of a packet: 120 ms */
    OPUS_FRAME = 160,        /* samples at 8 kHz that are said at a time */
    OPUS_PACKET_BYTES = 400,
};

bool phone_opus_is_built(void);

/* An errno. */
int phone_opus_new(struct phone_opus **ret);
void phone_opus_free(struct phone_opus *o); /* NULL is fine */

/* Packets come in order. Returns the samples, at most OPUS_SAMPLES_MAX; 0: the
 * packet makes no sense. */
size_t phone_opus_decode(struct phone_opus *o, const uint8_t *packet, size_t n,
                         int16_t *ret);
/* `samples` were lost before `next`, which may tell what they were (NULL: it
 * does not). Returns how many were made up. */
size_t phone_opus_conceal(struct phone_opus *o, const uint8_t *next, size_t n,
                          size_t samples, int16_t *ret);

/* OPUS_FRAME samples into at most OPUS_PACKET_BYTES; the length, 0: failed. */
size_t phone_opus_encode(struct phone_opus *o, const int16_t *samples,
                         uint8_t *ret);

#endif
