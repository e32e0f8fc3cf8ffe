/*
 * speech/wav.h - the bytes of a WAV file as samples
 *
 * RIFF/WAVE with PCM of 8, 16, 24 or 32 bits, float of 32 or 64, A-law or
 * µ-law (ITU-T G.711), also as WAVE_FORMAT_EXTENSIBLE; up to 32 channels, which
 * are averaged. A length of the data that is more than there is (a recorder
 * that was cut off, or one that does not go back to write it) means: to the
 * end of the file.
 *
 * Nothing here does I/O.
 */
#ifndef OTK_SPEECH_WAV_H
#define OTK_SPEECH_WAV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;

enum { WAV_RATE_MIN = 1000, WAV_RATE_MAX = 384000, WAV_CHANNELS_MAX = 32 };

enum wav_form { WAV_PCM, WAV_FLOAT, WAV_A_LAW, WAV_MU_LAW };

struct wav {
    enum wav_form form;
    size_t rate_hz, channels;
    size_t sample_bytes; /* of one channel */
    struct str data;     /* whole frames of all channels; borrowed */
};

bool wav_is(struct str bytes); /* it begins as a WAV file does */

/* OTK_EFORMAT names the chunk or field. */
int wav_read(struct str bytes, struct wav *ret, struct err *e);

size_t wav_frames(const struct wav *w);

/* The mean of all channels, -1 … 1, wav_frames() numbers. A float sample that
 * is no number becomes 0. */
void wav_mono(const struct wav *w, float *ret);

#endif
