/*
 * triage/linear.h - the file of a linear model, linear.bin
 *
 * Little-endian, mapped and used in place:
 *   header | table (slots × 2 u32) | idf (n f32) | scale (n f32)
 *   | weights (n × classes i8) | bias (classes f32)
 * A weight is scale[feature] * i8: rows of features, so that a text of a few
 * hundred features reads a few hundred short rows.
 */
#ifndef OTK_TRIAGE_LINEAR_H
#define OTK_TRIAGE_LINEAR_H

#include <stdint.h>

struct linear_header {
    char magic[8]; /* "OTKLIN1" */
    uint32_t n_features;
    uint32_t n_classes; /* of all tasks */
    uint32_t slots;
    uint32_t reserved;
};

#define LINEAR_MAGIC "OTKLIN1"

#endif
