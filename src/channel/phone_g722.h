/*
 * channel/phone_g722.h - G.722 at 64 kbit/s, by spandsp
 *
 * Twice the band of G.711 in as many bytes: a byte is two samples of 16 kHz. In
 * RTP its clock says 8 kHz all the same (RFC 3551, 4.5.2). A build without
 * spandsp has the same functions: phone_g722_new() says ENOSYS.
 *
 * Pure. One thread at a time.
 */
#ifndef OTK_CHANNEL_PHONE_G722_H
#define OTK_CHANNEL_PHONE_G722_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct phone_g722;

enum { G722_BYTES_MAX = 960 /* of a packet: 120 ms */, G722_FRAME = 160 };

bool phone_g722_is_built(void);

/* An errno. */
int phone_g722_new(struct phone_g722 **ret);
void phone_g722_free(struct phone_g722 *g); /* NULL is fine */

/* Bytes in order, at most G722_BYTES_MAX; two samples come of each. */
size_t phone_g722_decode(struct phone_g722 *g, const uint8_t *bytes, size_t n,
                         int16_t *ret);
/* G722_FRAME samples at 8 kHz into as many bytes. */
void phone_g722_encode(struct phone_g722 *g, const int16_t *samples,
                       uint8_t *ret);

#endif
