/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otklik-decode: any sound on standard input, 16 bit mono at 16 kHz on standard
 * output.
 *
 * A program of its own, because what strangers upload is decoded here, by code
 * that was broken before: it cannot open a file or a socket (no descriptor is
 * left to it), has so much memory and time and no more, and nothing of the desk
 * is in it. The licence of the libraries stays here, too.
 *
 * Exit: 0; 1 what came is no sound that is known, the reason on standard error;
 * 2 wrong usage.
 */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "decoder/channels.h"

enum {
    INPUT_MAX = 256 << 20,
    OUT_RATE = 16000,
    OUT_MAX = OUT_RATE * 3600 * 5, /* samples */
    MEMORY_MAX = 1 << 30,
    SECONDS_MAX = 120,
    PART = 64 * 1024,
    BAD_PACKETS_MAX = 200,
    BUFFER = 32 * 1024,
    PIECE = 4096, /* samples */
};

/* Containers of sound; none that names other files or addresses. */
static const char formats[] =
    "ogg,matroska,webm,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,wav,w64,amr,"
    "aac,flac,caf,aiff,au,amrnb,amrwb";

struct input {
    uint8_t *p;
    size_t n, at;
};

static __attribute__((noreturn)) void fail(const char *what)
{
    (void)fprintf(stderr, "%s\n", what);
    _exit(1); /* the system frees what is left, and faster */
}

static __attribute__((noreturn)) void fail_av(int err)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    (void)av_strerror(err, text, sizeof(text));
    fail(err == AVERROR_INVALIDDATA ? "this is no sound that is known" : text);
}

/* ---- limits
 * ------------------------------------------------------------------------ */

static void limit(int what, rlim_t most)
{
    struct rlimit r = {most, most};
    if (setrlimit((__rlimit_resource_t)what, &r))
        fail("the limits of the process could not be set");
}

static void limit_all(void)
{
#ifndef OTK_SANITIZED /* sanitizers map terabytes */
    limit(RLIMIT_AS, MEMORY_MAX);
#endif
    limit(RLIMIT_CPU, SECONDS_MAX);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 3); /* the standard ones: there is no fourth */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

struct deadline {
    time_t at;
};

static bool is_past(const struct deadline *until)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > until->at;
}

static int is_too_late(void *arg)
{
    return is_past(arg);
}

/* ---- in and out
 * -------------------------------------------------------------------- */

static void read_input(struct input *in)
{
    size_t cap = 0;
    ssize_t n = 1;
    while (n > 0) {
        if (cap - in->n < PART) {
            cap = cap ? cap * 2 : 4 * (size_t)PART;
            in->p = realloc(in->p, cap);
            if (!in->p)
                fail("there is not enough memory for the file");
        }
        n = read(STDIN_FILENO, in->p + in->n, PART);
        in->n += n > 0 ? (size_t)n : 0;
        if (in->n > INPUT_MAX)
            fail("the file is too large");
    }
}

static int on_read(void *arg, uint8_t *to, int n)
{
    struct input *in = arg;
    size_t left = in->n - in->at;
    size_t now = (size_t)n < left ? (size_t)n : left;
    if (!left)
        return AVERROR_EOF;
    memcpy(to, in->p + in->at, now);
    in->at += now;
    return (int)now;
}

static int64_t on_seek(void *arg, int64_t to, int whence)
{
    struct input *in = arg;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return (int64_t)in->n;
    if (whence == SEEK_CUR)
        to += (int64_t)in->at;
    else if (whence == SEEK_END)
        to += (int64_t)in->n;
    if (to < 0 || to > (int64_t)in->n)
        return AVERROR(EINVAL);
    in->at = (size_t)to;
    return to;
}

static void put(const int16_t *samples, int n)
{
    static int64_t total;
    total += n;
    if (total > OUT_MAX)
        fail("the sound is longer than 5 hours");
    if (fwrite(samples, sizeof(*samples), (size_t)n, stdout) != (size_t)n)
        fail("nobody takes the sound");
}

/* ---- decoding
 * ---------------------------------------------------------------------- */

struct decoder {
    AVFormatContext *file;
    AVCodecContext *codec;
    SwrContext *resampler;
    char channels[CHANNELS_BYTES]; /* that the resampler was made for; so: */
    int rate, format;
    int stream, bad;
    bool any;
};

static void open_file(struct decoder *d, struct input *in,
                      struct deadline *until)
{
    AVDictionary *options = NULL;
    AVIOContext *io = avio_alloc_context(av_malloc(BUFFER), BUFFER, 0, in,
                                         on_read, NULL, on_seek);
    d->file = avformat_alloc_context();
    if (!io || !d->file)
        fail("there is not enough memory");
    d->file->pb = io;
    d->file->flags |= AVFMT_FLAG_CUSTOM_IO;
    d->file->interrupt_callback = (AVIOInterruptCB){is_too_late, until};
    (void)av_dict_set(&options, "format_whitelist", formats, 0);
    (void)av_dict_set(&options, "protocol_whitelist", "", 0);
    int r = avformat_open_input(&d->file, NULL, NULL, &options);
    av_dict_free(&options);
    if (r >= 0)
        r = avformat_find_stream_info(d->file, NULL);
    if (r < 0)
        fail_av(r);
}

static void open_codec(struct decoder *d)
{
    const AVCodec *codec = NULL;
    /* before FFmpeg 5.0 what is found was no constant there */
    int r = av_find_best_stream(d->file, AVMEDIA_TYPE_AUDIO, -1, -1,
                                (void *)&codec, 0);
    if (r < 0)
        fail("there is no sound in the file");
    d->stream = r;
    for (unsigned i = 0; i < d->file->nb_streams; i++) {
        if ((int)i != d->stream)
            d->file->streams[i]->discard = AVDISCARD_ALL;
    }
    AVStream *s = d->file->streams[d->stream];
    d->codec = avcodec_alloc_context3(codec);
    if (!d->codec)
        fail("there is not enough memory");
    r = avcodec_parameters_to_context(d->codec, s->codecpar);
    d->codec->pkt_timebase = s->time_base;
    d->codec->thread_count = 1;
    if (r >= 0)
        r = avcodec_open2(d->codec, codec, NULL);
    if (r < 0)
        fail_av(r);
}

static void drain(struct decoder *d)
{
    int16_t out[PIECE];
    uint8_t *to = (uint8_t *)out;
    int n;
    while (d->resampler &&
           (n = swr_convert(d->resampler, &to, PIECE, NULL, 0)) > 0)
        put(out, n);
    swr_free(&d->resampler);
}

/* Parameters may change on the way. Unless they do the resampler stays: one
 * made anew loses a millisecond. */
static void fit(struct decoder *d, AVFrame *f)
{
    char channels[CHANNELS_BYTES];
    channels_name(f, channels);
    if (d->resampler && f->sample_rate == d->rate && f->format == d->format &&
        strcmp(channels, d->channels) == 0)
        return;
    drain(d);
    int r = channels_resampler(f, OUT_RATE, &d->resampler);
    if (r >= 0)
        r = swr_init(d->resampler);
    if (r < 0)
        fail_av(r);
    d->rate = f->sample_rate;
    d->format = f->format;
    memcpy(d->channels, channels, sizeof(channels));
}

static void take_frame(struct decoder *d, AVFrame *f)
{
    int16_t out[PIECE];
    uint8_t *to = (uint8_t *)out;
    const uint8_t **from = (const uint8_t **)(void *)f->extended_data;
    fit(d, f);
    int n = swr_convert(d->resampler, &to, PIECE, from, f->nb_samples);
    while (n > 0) {
        put(out, n);
        d->any = true;
        /* what had no room; without data it would take it for the end */
        n = n == PIECE ? swr_convert(d->resampler, &to, PIECE, from, 0) : 0;
    }
    if (n < 0)
        fail_av(n);
}

/* NULL: the end. */
static void take_packet(struct decoder *d, const AVPacket *p, AVFrame *f)
{
    if (avcodec_send_packet(d->codec, p) < 0 && p && ++d->bad > BAD_PACKETS_MAX)
        fail("the sound is damaged");
    while (avcodec_receive_frame(d->codec, f) >= 0) {
        take_frame(d, f);
        av_frame_unref(f);
    }
}

static void decode(struct decoder *d, const struct deadline *until)
{
    AVPacket *p = av_packet_alloc();
    AVFrame *f = av_frame_alloc();
    if (!p || !f)
        fail("there is not enough memory");
    while (av_read_frame(d->file, p) >= 0) {
        if (p->stream_index == d->stream)
            take_packet(d, p, f);
        av_packet_unref(p);
        if (is_past(until))
            fail("decoding takes too long");
    }
    take_packet(d, NULL, f);
    drain(d);
    av_frame_free(&f);
    av_packet_free(&p);
    if (!d->any)
        fail("there is no sound in the file");
}

int main(int argc, char **argv)
{
    struct input in = {0};
    struct decoder d = {.rate = -1};
    struct timespec now;
    (void)argv;
    if (argc != 1)
        return 2;
    av_log_set_level(AV_LOG_QUIET);
    limit_all();
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    struct deadline until = {now.tv_sec + SECONDS_MAX};
    read_input(&in);
    open_file(&d, &in, &until);
    open_codec(&d);
    decode(&d, &until);
    if (fflush(stdout))
        fail("nobody takes the sound");
    _exit(0);
}
