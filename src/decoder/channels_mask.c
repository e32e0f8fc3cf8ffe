/* SPDX-License-Identifier: Apache-2.0 */
#include <libavutil/channel_layout.h>

#include "decoder/channels.h"

static int64_t mask_of(const AVFrame *f)
{
    return f->channel_layout ? (int64_t)f->channel_layout
                             : av_get_default_channel_layout(f->channels);
}

void channels_name(AVFrame *f, char ret[CHANNELS_BYTES])
{
    f->channel_layout = (uint64_t)mask_of(f);
    av_get_channel_layout_string(ret, CHANNELS_BYTES, f->channels,
                                 f->channel_layout);
}

int channels_resampler(const AVFrame *f, int rate, SwrContext **ret)
{
    *ret = swr_alloc_set_opts(NULL, AV_CH_LAYOUT_MONO, AV_SAMPLE_FMT_S16, rate,
                              mask_of(f), (enum AVSampleFormat)f->format,
                              f->sample_rate, 0, NULL);
    return *ret ? 0 : AVERROR(ENOMEM);
}
