/*
 * speech/resample.h - sound at another rate
 *
 * Each new sample is the old ones around it, weighted by a sinc under a Kaiser
 * window (Smith, "Digital Audio Resampling"): what lies above the lower of both
 * rates' limits is 90 dB down, and the pass band ends at 91 % of it. Weights
 * are made once for each of the places between two samples that occur.
 */
#ifndef OTK_SPEECH_RESAMPLE_H
#define OTK_SPEECH_RESAMPLE_H

#include <stddef.h>

struct err;

enum { RESAMPLE_RATE_MIN = 1000, RESAMPLE_RATE_MAX = 384000 };

size_t resample_len(size_t n, size_t from_hz, size_t to_hz);

/*
 * resample_len() samples to `ret`. OTK_EINVAL: a rate outside of the limits;
 * OTK_ELIMIT: no memory.
 */
int resample(const float *x, size_t n, size_t from_hz, size_t to_hz, float *ret,
             struct err *e);

#endif
