/* tensor/linear_private.h - what packing and applying share */
#ifndef OTK_TENSOR_LINEAR_PRIVATE_H
#define OTK_TENSOR_LINEAR_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/linear.h"

/*
 * All parts lie in one block, one behind the other: panels, bias, scale, sum,
 * spare_of. Each is a multiple of ALIGNMENT long, whatever the shape, so that
 * the block can lie in a file just as well.
 *
 * In 8 bits one more panel is there for outputs with a weight far outside the
 * others, whose scale would leave the rest a few steps only: it holds what
 * rounding them left over, in 8 bits again. Trained encoders have a few such
 * outputs a layer (Dettmers et al. 2022), matrices by chance have none.
 */
struct linear {
    enum precision precision;
    size_t outs, in;
    size_t k;        /* `in` up to whole groups */
    size_t n_panels; /* the last one filled up with zeros; without the spare */
    size_t n_spare;  /* outputs in use of the spare panel */
    void *own;       /* the block; NULL: it is somebody else's */
    const void *panels;
    const float *bias, *scale; /* of all panels' outputs */
    const int32_t *sum;
    const int32_t *spare_of; /* PANEL: the output that each adds to, or -1 */
};

/* Bytes of a number in each precision. */
extern const size_t linear_widths[PRECISIONS];

#endif
