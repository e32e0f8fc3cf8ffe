/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_opus.h"

#include <errno.h>
#include <opus.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
    SAID_RATE = 8000,
    BITS_PER_SECOND = 24000,
    COMPLEXITY = 5,
    LOSS_PERCENT = 15,      /* against which packets carry the one before */
    STEP = OPUS_RATE / 400, /* 2.5 ms: what can be made up is a multiple */
};

struct phone_opus {
    OpusDecoder *ear;
    OpusEncoder *mouth;
};

bool phone_opus_is_built(void)
{
    return true;
}

static int set_up(OpusEncoder *x)
{
    int err = opus_encoder_ctl(x, OPUS_SET_BITRATE(BITS_PER_SECOND));
    if (err == OPUS_OK)
        err = opus_encoder_ctl(x, OPUS_SET_COMPLEXITY(COMPLEXITY));
    if (err == OPUS_OK)
        err = opus_encoder_ctl(x, OPUS_SET_INBAND_FEC(1));
    if (err == OPUS_OK)
        err = opus_encoder_ctl(x, OPUS_SET_PACKET_LOSS_PERC(LOSS_PERCENT));
    return err;
}

int phone_opus_new(struct phone_opus **ret)
{
    int err;
    struct phone_opus *o = MEM_NEW(struct phone_opus);
    o->ear = opus_decoder_create(OPUS_RATE, 1, &err);
    if (err == OPUS_OK)
        o->mouth =
            opus_encoder_create(SAID_RATE, 1, OPUS_APPLICATION_VOIP, &err);
    if (err == OPUS_OK)
        err = set_up(o->mouth);
    if (err != OPUS_OK) {
        phone_opus_free(o);
        return err == OPUS_ALLOC_FAIL ? ENOMEM : EINVAL;
    }
    *ret = o;
    return 0;
}

void phone_opus_free(struct phone_opus *o)
{
    if (!o)
        return;
    if (o->ear)
        opus_decoder_destroy(o->ear);
    if (o->mouth)
        opus_encoder_destroy(o->mouth);
    free(o);
}

size_t phone_opus_decode(struct phone_opus *o, const uint8_t *packet, size_t n,
                         int16_t *ret)
{
    int got = n > 0 && n <= INT32_MAX
                  ? opus_decode(o->ear, packet, (opus_int32)n, ret,
                                OPUS_SAMPLES_MAX, 0)
                  : 0;
    return got > 0 ? (size_t)got : 0;
}

size_t phone_opus_conceal(struct phone_opus *o, const uint8_t *next, size_t n,
                          size_t samples, int16_t *ret)
{
    samples -= samples % STEP;
    if (samples == 0 || samples > OPUS_SAMPLES_MAX)
        return 0;
    int got = opus_decode(o->ear, next, next ? (opus_int32)n : 0, ret,
                          (int)samples, next != NULL);
    return got > 0 ? (size_t)got : 0;
}

size_t phone_opus_encode(struct phone_opus *o, const int16_t *samples,
                         uint8_t *ret)
{
    int got =
        opus_encode(o->mouth, samples, OPUS_FRAME, ret, OPUS_PACKET_BYTES);
    return got > 0 ? (size_t)got : 0;
}
