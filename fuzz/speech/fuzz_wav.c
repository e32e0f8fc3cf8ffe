/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a WAV file; samples must lie within them and be numbers. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "speech/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct wav w;
    struct err e = {0};
    if (wav_read(bytes, &w, &e)) {
        if (!e.msg[0])
            abort();
        return 0;
    }
    size_t n = wav_frames(&w);
    float *x = malloc((n + 1) * sizeof(*x));
    if (!x || n > size)
        abort();
    wav_mono(&w, x);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            abort();
    }
    free(x);
    return 0;
}
