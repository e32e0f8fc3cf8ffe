/*
 * decoder/channels.h - the order of a sound's channels, for old and new FFmpeg
 *
 * From FFmpeg 5.1 on an order is a structure (channels.c), before it was a mask
 * of bits (channels_mask.c); the build takes one of the two.
 */
#ifndef OTK_DECODER_CHANNELS_H
#define OTK_DECODER_CHANNELS_H

#include <libavutil/frame.h>
#include <libswresample/swresample.h>

enum { CHANNELS_BYTES = 64 };

/* The frame's order in words. A frame of PCM that says none gets the usual one
 * of so many channels, and has it then. */
void channels_name(AVFrame *f, char ret[CHANNELS_BYTES]);

/* What makes such frames one channel of 16 bits; swr_init() is not called yet.
 * Less than 0: an error of FFmpeg. */
int channels_resampler(const AVFrame *f, int rate, SwrContext **ret);

#endif
