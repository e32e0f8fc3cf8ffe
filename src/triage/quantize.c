/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/quantize.h"

#include <math.h>

float quantize(const float *w, size_t n, int8_t *ret)
{
    float top = 0;
    for (size_t i = 0; i < n; i++)
        top = fabsf(w[i]) > top ? fabsf(w[i]) : top;
    float scale = top / INT8_MAX;
    for (size_t i = 0; i < n; i++)
        ret[i] = scale > 0 ? (int8_t)lrintf(w[i] / scale) : 0;
    return scale;
}
