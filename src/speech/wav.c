/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/wav.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "speech/g711.h"

enum {
    RIFF_HEAD = 12,
    CHUNK_HEAD = 8,
    FORMAT_BYTES = 16,
    SUBFORMAT_AT = 24, /* of WAVE_FORMAT_EXTENSIBLE, in the chunk */
    TAG_PCM = 1,
    TAG_FLOAT = 3,
    TAG_A_LAW = 6,
    TAG_MU_LAW = 7,
    TAG_EXTENSIBLE = 0xfffe,
};

static const float LOUDEST = 1000;

static uint32_t number(const char *p, size_t bytes)
{
    uint32_t n = 0;
    for (size_t i = bytes; i-- > 0;)
        n = n << 8 | (unsigned char)p[i];
    return n;
}

bool wav_is(struct str bytes)
{
    return bytes.n >= RIFF_HEAD && memcmp(bytes.p, "RIFF", 4) == 0 &&
           memcmp(bytes.p + 8, "WAVE", 4) == 0;
}

static bool is_width(enum wav_form form, size_t bits)
{
    if (form == WAV_PCM)
        return bits == 8 || bits == 16 || bits == 24 || bits == 32;
    if (form == WAV_FLOAT)
        return bits == 32 || bits == 64;
    return bits == 8;
}

static int read_form(struct str chunk, enum wav_form *ret, struct err *e)
{
    uint32_t tag = number(chunk.p, 2);
    if (tag == TAG_EXTENSIBLE && chunk.n >= SUBFORMAT_AT + 2)
        tag = number(chunk.p + SUBFORMAT_AT, 2);
    switch (tag) {
    case TAG_PCM: *ret = WAV_PCM; return OTK_OK;
    case TAG_FLOAT: *ret = WAV_FLOAT; return OTK_OK;
    case TAG_A_LAW: *ret = WAV_A_LAW; return OTK_OK;
    case TAG_MU_LAW: *ret = WAV_MU_LAW; return OTK_OK;
    default:
        return err_set(e, OTK_EFORMAT,
                       "fmt: the coding %#x is not read here; PCM, float, "
                       "A-law and mu-law are",
                       tag);
    }
}

static int read_format(struct str chunk, struct wav *w, struct err *e)
{
    if (chunk.n < FORMAT_BYTES)
        return err_set(e, OTK_EFORMAT, "fmt: %zu bytes are too few", chunk.n);
    int r = read_form(chunk, &w->form, e);
    if (r)
        return r;
    size_t bits = number(chunk.p + 14, 2);
    w->channels = number(chunk.p + 2, 2);
    w->rate_hz = number(chunk.p + 4, 4);
    if (w->channels < 1 || w->channels > WAV_CHANNELS_MAX)
        return err_set(e, OTK_EFORMAT, "fmt: %zu channels; 1 to %d are read",
                       w->channels, WAV_CHANNELS_MAX);
    if (w->rate_hz < WAV_RATE_MIN || w->rate_hz > WAV_RATE_MAX)
        return err_set(e, OTK_EFORMAT,
                       "fmt: %zu samples a second; %d to %d are read",
                       w->rate_hz, WAV_RATE_MIN, WAV_RATE_MAX);
    if (!is_width(w->form, bits))
        return err_set(e, OTK_EFORMAT, "fmt: samples of %zu bits", bits);
    w->sample_bytes = bits / 8;
    return OTK_OK;
}

int wav_read(struct str bytes, struct wav *ret, struct err *e)
{
    struct wav w = {0};
    if (!wav_is(bytes))
        return err_set(e, OTK_EFORMAT,
                       "it does not begin with RIFF and WAVE: "
                       "this is no WAV file");
    struct str rest = str_sub(bytes, RIFF_HEAD, bytes.n);
    while (rest.n >= CHUNK_HEAD) {
        size_t size = number(rest.p + 4, 4);
        struct str chunk = str_sub(rest, CHUNK_HEAD, size);
        if (memcmp(rest.p, "fmt ", 4) == 0) {
            int r = read_format(chunk, &w, e);
            if (r)
                return r;
        } else if (memcmp(rest.p, "data", 4) == 0) {
            size_t frame = w.channels * w.sample_bytes;
            if (frame == 0)
                return err_set(e, OTK_EFORMAT,
                               "the data stands before fmt, which says what "
                               "it is");
            if (size == 0) /* never written: a stream */
                chunk = str_sub(rest, CHUNK_HEAD, rest.n);
            w.data = str_sub(chunk, 0, chunk.n / frame * frame);
            *ret = w;
            return OTK_OK;
        }
        /* chunks begin at even places */
        size_t next = CHUNK_HEAD + size + size % 2;
        rest = str_sub(rest, next < rest.n ? next : rest.n, rest.n);
    }
    return err_set(e, OTK_EFORMAT,
                   "there is no chunk '%s': the file is cut "
                   "short",
                   w.channels ? "data" : "fmt ");
}

size_t wav_frames(const struct wav *w)
{
    return w->data.n / (w->channels * w->sample_bytes);
}

/* ---- samples
 * ------------------------------------------------------------------------ */

static float of_pcm(const char *p, size_t bytes)
{
    if (bytes == 1)
        return (float)((int)(unsigned char)*p - 128) / 128;
    /* the highest byte to the top: its sign is the number's */
    uint32_t n = number(p, bytes) << (8 * (4 - bytes));
    return (float)(int32_t)n / 2147483648.0F;
}

static float of_float(const char *p, size_t bytes)
{
    float x;
    double wide;
    if (bytes == sizeof(x)) {
        memcpy(&x, p, sizeof(x));
    } else {
        memcpy(&wide, p, sizeof(wide));
        x = (float)wide;
    }
    /* louder than any sound is: damage, whose sums would be no numbers */
    return fabsf(x) <= LOUDEST ? x : 0;
}

static float sample(const struct wav *w, const char *p)
{
    switch (w->form) {
    case WAV_PCM: return of_pcm(p, w->sample_bytes);
    case WAV_FLOAT: return of_float(p, w->sample_bytes);
    case WAV_A_LAW: return (float)g711_from_alaw((uint8_t)*p) / 32768;
    default: return (float)g711_from_ulaw((uint8_t)*p) / 32768;
    }
}

void wav_mono(const struct wav *w, float *ret)
{
    size_t n = wav_frames(w);
    const char *p = w->data.p;
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (size_t c = 0; c < w->channels; c++, p += w->sample_bytes)
            sum += sample(w, p);
        ret[i] = sum / (float)w->channels;
    }
}
