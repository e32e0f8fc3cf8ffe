/*
 * speech/activity.h - is somebody speaking?
 *
 * A frame counts as speech when it is well above the noise of the line, which
 * is followed as the line goes (fast down, slowly up), and is not a steady
 * tone (dial and busy tones, hum). Two frames in a row begin speech, so a click
 * is none. It is meant for ending a call by silence and for leaving silence
 * out of a transcription, not for cutting words.
 *
 * Pure: no clock, no memory of its own beside the struct.
 */
#ifndef OTK_SPEECH_ACTIVITY_H
#define OTK_SPEECH_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ACTIVITY_FRAME_MS = 20 };

struct activity {
    int rate_hz;
    double noise;      /* energy of the line, mean square */
    int seen;          /* frames so far, up to the end of the warming up */
    int loud;          /* loud frames in a row */
    int64_t voiced_ms; /* of all so far */
    double tone;       /* how much the last frames were one pitch */
    int16_t part[960]; /* a frame that is not full yet */
    size_t n_part;
};

void activity_init(struct activity *a, int rate_hz);

/* Any number of samples; true when speech was in one of the frames that they
 * complete. */
bool activity_hear(struct activity *a, const int16_t *samples, size_t n);

/* The same of a whole sound: milliseconds of speech in it. */
int64_t activity_voiced_ms(const int16_t *samples, size_t n, int rate_hz);

#endif
