/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/sound.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/whisper.h"
#include "speech/resample.h"
#include "speech/wav.h"

int sound_read(struct str bytes, struct sound *ret, struct err *e)
{
    struct wav w = {0};
    if (!wav_is(bytes))
        return err_set(e, OTK_EFORMAT,
                       "this is no WAV file, which alone is read here; make "
                       "one: ffmpeg -i FILE -ar 16000 -ac 1 sound.wav");
    int r = wav_read(bytes, &w, e);
    if (r)
        return r;
    size_t n = wav_frames(&w);
    const size_t most = (size_t)WHISPER_HOURS_MAX * 3600;
    if (n == 0)
        return err_set(e, OTK_EFORMAT, "it holds no sound");
    if (n / w.rate_hz >= most)
        return err_set(e, OTK_ELIMIT,
                       "it has %zu s, the limit is %d hours: cut it into parts",
                       n / w.rate_hz, WHISPER_HOURS_MAX);
    size_t made = resample_len(n, w.rate_hz, WHISPER_RATE);
    float *plain = mem_try(n, sizeof(*plain));
    float *pcm = mem_try(made, sizeof(*pcm));
    r = plain && pcm ? OTK_OK
                     : err_set(e, OTK_ELIMIT, "no memory for %zu s of sound",
                               n / w.rate_hz);
    if (!r) {
        wav_mono(&w, plain);
        r = resample(plain, n, w.rate_hz, WHISPER_RATE, pcm, e);
    }
    free(plain);
    if (r)
        free(pcm);
    else
        *ret = (struct sound){pcm, made};
    return r;
}

int sound_load(const char *path, struct sound *ret, struct err *e)
{
    struct buf bytes = BUF_INIT(SOUND_BYTES_MAX);
    int r = file_read(path, &bytes, e);
    if (!r && (r = sound_read(buf_str(&bytes), ret, e)))
        (void)err_place(e, r, "%s", path);
    buf_free(&bytes);
    return r;
}

void sound_free(struct sound *s)
{
    free(s->pcm);
    *s = (struct sound){0};
}
