/*
 * model/mel.h - what Whisper hears: the logarithm of power a mel band
 *
 * 16 kHz mono in frames of 400 samples, a new one every 160 (10 ms); a periodic
 * Hann window, the power of 201 frequencies, their sum a band by the model's
 * filters, log10 of it with 1e-10 as the least (Radford et al. 2022, whisper's
 * audio.py). Window and Fourier transform are one product with a matrix that
 * stays, and so are the filters, so both run on src/tensor.
 */
#ifndef OTK_MODEL_MEL_H
#define OTK_MODEL_MEL_H

#include <stddef.h>

struct err;
struct mel;
struct team;
struct workspace;

enum {
    MEL_RATE = 16000,
    MEL_FRAME = 400,
    MEL_HOP = 160,
    MEL_BINS = MEL_FRAME / 2 + 1,
    MEL_BANDS_MAX = 256,
};

/* `filters` is bands × MEL_BINS. Immutable: any number of threads. */
int mel_new(const float *filters, size_t bands, struct mel **ret,
            struct err *e);
void mel_free(struct mel *m); /* NULL is fine */

/* The filters of whisper's mel_filters.npz: triangles of equal area, Slaney's
 * scale, 0 to 8 kHz. bands × MEL_BINS to `ret`. */
void mel_filters(size_t bands, float *ret);

/* Frames that hear anything of so many samples; later ones are silence. */
size_t mel_frames(size_t samples);

/*
 * Frames from `first`, `n` of them, a row of `bands` numbers each. The first
 * frame's middle is sample 0; before it the sound is mirrored, after the last
 * sample there is silence.
 */
void mel_apply(struct team *t, struct workspace *w, const struct mel *m,
               const float *pcm, size_t samples, size_t first, size_t n,
               float *ret);

#endif
