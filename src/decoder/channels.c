/* SPDX-License-Identifier: Apache-2.0 */
#include "decoder/channels.h"

#include <libavutil/channel_layout.h>

void channels_name(AVFrame *f, char ret[CHANNELS_BYTES])
{
    if (f->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
        int n = f->ch_layout.nb_channels;
        av_channel_layout_uninit(&f->ch_layout);
        av_channel_layout_default(&f->ch_layout, n);
    }
    if (av_channel_layout_describe(&f->ch_layout, ret, CHANNELS_BYTES) < 0)
        ret[0] = '\0';
}

int channels_resampler(const AVFrame *f, int rate, SwrContext **ret)
{
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO; /* 5.1 wants it so */
    AVChannelLayout from = f->ch_layout;           /* and not a constant */
    return swr_alloc_set_opts2(ret, &mono, AV_SAMPLE_FMT_S16, rate, &from,
                               (enum AVSampleFormat)f->format, f->sample_rate,
                               0, NULL);
}
