/* triage/quantize.h - a row of weights in a byte each */
#ifndef OTK_TRIAGE_QUANTIZE_H
#define OTK_TRIAGE_QUANTIZE_H

#include <stddef.h>
#include <stdint.h>

/* ret[i] times the returned scale is w[i], to within half the scale. */
float quantize(const float *w, size_t n, int8_t *ret);

#endif
