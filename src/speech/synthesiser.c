/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/synthesiser.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "speech/sound.h"

int synthesiser_speak(struct synthesiser *s, struct str text,
                      const char *language, int rate_hz, struct sound *ret,
                      struct err *e)
{
    struct sound spoken = {0};
    text = str_trim(text);
    if (text.n == 0 || text.n > SYNTHESISER_TEXT_MAX)
        return err_set(e, OTK_EINVAL, "a text of %zu bytes cannot be spoken",
                       text.n);
    int r = s->ops->speak(s, text, language, &spoken, e);
    if (r)
        return err_wrap(e, r, "%s", s->ops->name);
    if (spoken.n == 0)
        r = err_set(e, OTK_EFORMAT, "%s: nothing was spoken", s->ops->name);
    if (!r)
        r = sound_resample(&spoken, rate_hz, ret, e);
    sound_free(&spoken);
    return r;
}

void synthesiser_close(struct synthesiser *s)
{
    if (s)
        s->ops->close(s);
}

/* ---- memory: a tone that is as long as the text
 * ------------------------------------ */

enum { TONE_RATE = 16000, TONE_HZ = 440, TONE_SIZE = 8000, LETTER_MS = 20 };

static int memory_speak(struct synthesiser *s, struct str text,
                        const char *language, struct sound *ret, struct err *e)
{
    (void)s;
    (void)language;
    (void)e;
    size_t n = text.n * LETTER_MS * (TONE_RATE / 1000);
    ret->samples = mem_new(n, sizeof(*ret->samples));
    ret->n = n;
    ret->rate_hz = TONE_RATE;
    for (size_t i = 0; i < n; i++)
        ret->samples[i] = (int16_t)lrint(
            TONE_SIZE * sin(2 * M_PI * TONE_HZ * (double)i / TONE_RATE));
    return OTK_OK;
}

static void memory_close(struct synthesiser *s)
{
    free(s);
}

static const struct synthesiser_ops memory_ops = {
    .name = "memory",
    .speak = memory_speak,
    .close = memory_close,
};

struct synthesiser *synthesiser_memory_open(void)
{
    struct synthesiser *s = MEM_NEW(struct synthesiser);
    s->ops = &memory_ops;
    return s;
}
