/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_media.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "channel/phone_codec.h"
#include "channel/phone_counts.h"
#include "channel/phone_g722.h"
#include "channel/phone_message.h"
#include "channel/phone_opus.h"
#include "channel/phone_order.h"
#include "channel/phone_re.h"
#include "channel/phone_srtp.h"
#include "channel/phone_stream.h"
#include "speech/g711.h"
#include "speech/sound.h"

enum {
    PAYLOAD_MAX = 960, /* bytes of G.711: 120 ms */
    SOURCE_GONE_MS = 2000,
    /* between codecs of different clocks, without a new offer; each begins the
     * stream anew, which must not make time go faster */
    SWITCHES_MAX = 20,
};

struct phone_media {
    struct phone_media_options o;
    struct sdp_session *sdp;
    struct sdp_media *m;
    struct rtp_sock *rtp;
    struct phone_srtp *srtp; /* NULL: not encrypted */
    struct mbuf *mb;         /* a packet to be sent */
    enum phone_codec codec;
    int payload;
    int rate_hz;    /* of what is given out; 0: nothing was agreed on yet */
    uint32_t ticks; /* of what is sent */
    bool marker;    /* the next packet begins a talk spurt */
    struct sa source;
    bool has_source;
    int64_t source_ms; /* when it sent last */
    struct stream stream;
    int switches;
    struct stream_keys keys;
    enum phone_codec heard;   /* of what the stream and the order have */
    struct phone_opus *opus;  /* NULL: none was needed yet; */
    struct phone_g722 *g722;  /* so here */
    struct phone_order order; /* of those two */
    uint32_t opus_tick;       /* where the next packet is due */
};

/* ---- receiving
 * --------------------------------------------------------------------- */

static bool is_agreed(struct sdp_format *f, void *arg)
{
    (void)arg;
    return f->sup;
}

static enum phone_codec codec_at(const struct phone_media *m, int payload)
{
    const struct sdp_format *f = sdp_media_format_apply(
        m->m, true, NULL, payload, NULL, -1, -1, is_agreed, NULL);
    return f ? phone_codec_find(f->name, f->pt) : CODEC_NONE;
}

/* Is it the caller? Whoever sends first is; the address of the SDP takes over
 * from another, and another when the first has gone (a telephone that moved
 * without a re-INVITE). */
static bool is_caller(struct phone_media *m, const struct sa *src, int64_t now)
{
    if (m->has_source && sa_cmp(&m->source, src, SA_ALL)) {
        m->source_ms = now;
        return true;
    }
    bool said = sa_cmp(sdp_media_raddr(m->m), src, SA_ALL);
    bool gone = now - m->source_ms > SOURCE_GONE_MS;
    if (m->has_source && !said && !gone)
        return false;
    m->source = *src;
    m->has_source = true;
    m->source_ms = now;
    return true;
}

/* Out of the stream, at the rate that the call began with. Codecs of another
 * rate are rare once it goes on: the next sample does. */
static void put(void *arg, const int16_t *samples, size_t n)
{
    enum { PIECE = 256 };
    struct phone_media *m = arg;
    int16_t out[2 * PIECE];
    if (m->stream.rate_hz == m->rate_hz) {
        m->o.heard(m->o.arg, samples, n);
        return;
    }
    bool doubles = m->stream.rate_hz < m->rate_hz;
    while (n > 0) {
        size_t now = n < PIECE ? n : PIECE;
        size_t made = doubles ? 2 * now : now / 2;
        for (size_t i = 0; i < made; i++)
            out[i] = samples[doubles ? i / 2 : 2 * i];
        if (made)
            m->o.heard(m->o.arg, out, made);
        samples += now;
        n -= now;
    }
}

/* What a codec needs that remembers. */
static bool open_codec(struct phone_media *m, enum phone_codec c)
{
    if (c == CODEC_OPUS)
        return m->opus || phone_opus_new(&m->opus) == 0;
    if (c == CODEC_G722)
        return m->g722 || phone_g722_new(&m->g722) == 0;
    return c != CODEC_NONE;
}

/* Samples a tick of RTP, where that is more than one. */
static uint32_t samples_a_tick(const struct phone_codec_kind *k)
{
    return k->rate_hz > k->clock_hz ? (uint32_t)(k->rate_hz / k->clock_hz) : 1;
}

/* False: it is of another kind than what came before, and that came too
 * often. */
static bool listen_as(struct phone_media *m, enum phone_codec c)
{
    const struct phone_codec_kind *k = phone_codec_kind(c);
    const struct phone_codec_kind *was = phone_codec_kind(m->heard);
    if (m->heard == c)
        return true;
    if (!open_codec(m, c) ||
        (m->heard != CODEC_NONE && ++m->switches > SWITCHES_MAX))
        return false;
    phone_order_flush(&m->order);
    bool same = was->rate_hz == k->rate_hz && was->clock_hz == k->clock_hz;
    if (m->heard == CODEC_NONE || !same) {
        int ticks = k->clock_hz / k->rate_hz;
        stream_flush(&m->stream);
        stream_init(&m->stream, k->rate_hz, ticks ? ticks : 1, put, m);
    }
    m->heard = c;
    return true;
}

static void take(struct phone_media *m, uint32_t tick, const int16_t *pcm,
                 size_t n)
{
    int64_t concealed = m->stream.concealed;
    int64_t dropped = m->stream.dropped;
    stream_take(&m->stream, tick, pcm, n, clock_mono(&clock_real));
    m->o.counts->concealed_ms +=
        (m->stream.concealed - concealed) * MS_SECOND / m->stream.rate_hz;
    m->o.counts->dropped += m->stream.dropped - dropped;
}

static void take_g711(struct phone_media *m, enum phone_codec c,
                      const uint8_t *p, size_t n, uint32_t tick)
{
    int16_t pcm[PAYLOAD_MAX];
    n = n < PAYLOAD_MAX ? n : PAYLOAD_MAX;
    for (size_t i = 0; i < n; i++)
        pcm[i] = c == CODEC_ULAW ? g711_from_ulaw(p[i]) : g711_from_alaw(p[i]);
    take(m, tick, pcm, n);
}

/* What is missing was spoken, and the next packet knows of it. */
static void take_opus(struct phone_media *m, const struct order_packet *p,
                      int lost)
{
    int16_t pcm[OPUS_SAMPLES_MAX];
    uint32_t per = (uint32_t)m->stream.ticks;
    uint32_t gap = (p->tick - m->opus_tick) / per;
    if (lost > 0 && gap > 0 && gap <= OPUS_SAMPLES_MAX) {
        size_t made = phone_opus_conceal(m->opus, p->bytes, p->n, gap, pcm);
        m->o.counts->concealed_ms += (int64_t)made * MS_SECOND / OPUS_RATE;
        take(m, m->opus_tick, pcm, made);
    }
    size_t n = phone_opus_decode(m->opus, p->bytes, p->n, pcm);
    take(m, p->tick, pcm, n);
    m->opus_tick = p->tick + (uint32_t)n * per;
}

static void take_ordered(void *arg, const struct order_packet *p, int lost)
{
    struct phone_media *m = arg;
    int16_t pcm[2 * G722_BYTES_MAX];
    if (m->heard == CODEC_OPUS) {
        take_opus(m, p, lost);
        return;
    }
    size_t n = phone_g722_decode(m->g722, p->bytes, p->n, pcm);
    take(m, p->tick * samples_a_tick(phone_codec_kind(CODEC_G722)), pcm, n);
}

static void take_sound(struct phone_media *m, enum phone_codec c,
                       const struct rtp_header *h, const uint8_t *p, size_t n)
{
    if (!listen_as(m, c))
        return;
    if (c == CODEC_ULAW || c == CODEC_ALAW) {
        take_g711(m, c, p, n, h->ts);
        return;
    }
    int64_t dropped = m->order.dropped;
    phone_order_take(&m->order, h->seq, h->ts, p, n);
    m->o.counts->dropped += m->order.dropped - dropped;
}

static void recv_rtp(const struct sa *src, const struct rtp_header *h,
                     struct mbuf *mb, void *arg)
{
    struct phone_media *m = arg;
    const uint8_t *p = mbuf_buf(mb);
    size_t n = mbuf_get_left(mb);
    int64_t now = clock_mono(&clock_real);
    enum phone_codec c = codec_at(m, h->pt);
    if (c == CODEC_NONE || n == 0 || !is_caller(m, src, now)) {
        m->o.counts->strangers += c != CODEC_NONE && n != 0;
        return;
    }
    m->o.counts->packets++;
    if (c == CODEC_KEYS) {
        char key = stream_key(&m->keys, p, n, h->ts);
        m->o.counts->keys += key != 0;
        if (key)
            m->o.key(m->o.arg, key); /* may free us */
        return;
    }
    if (h->pad && p[n - 1] < n)
        n -= p[n - 1];
    take_sound(m, c, h, p, n);
}

/* ---- what is agreed on
 * ------------------------------------------------------------- */

static int add_format(struct phone_media *m, enum phone_codec c,
                      const char *params)
{
    const struct phone_codec_kind *k = phone_codec_kind(c);
    return sdp_format_add(NULL, m->m, false, k->id, k->name,
                          (uint32_t)k->clock_hz, (uint8_t)k->channels, NULL,
                          NULL, NULL, false, params ? "%s" : NULL, params);
}

static int add_formats(struct phone_media *m)
{
    int err = 0;
    for (size_t i = 0; !err && i < m->o.codecs->n; i++) {
        enum phone_codec c = m->o.codecs->list[i];
        err = add_format(
            m, c,
            c == CODEC_OPUS ? "useinbandfec=1;maxplaybackrate=16000" : NULL);
    }
    if (!err)
        err = add_format(m, CODEC_KEYS, "0-15");
    return err ? err
               : sdp_media_set_lattr(m->m, true, "ptime", "%u",
                                     (unsigned)PHONE_FRAME_MS);
}

int phone_media_new(const struct phone_media_options *o,
                    struct phone_media **ret)
{
    struct phone_media *m = MEM_NEW(struct phone_media);
    m->o = *o;
    phone_order_init(&m->order, take_ordered, m);
    m->mb = mbuf_alloc(RTP_HEADER_SIZE + OPUS_PACKET_BYTES + 64);
    int err = m->mb ? sdp_session_alloc(&m->sdp, o->local) : ENOMEM;
    if (!err)
        err = rtp_listen(&m->rtp, IPPROTO_UDP, o->listen, o->port_from,
                         o->port_to, true, recv_rtp, NULL, m);
    if (!err)
        err = sdp_media_add(&m->m, m->sdp, sdp_media_audio,
                            sa_port(rtp_local(m->rtp)), sdp_proto_rtpavp);
    if (!err)
        err = sdp_media_set_alt_protos(m->m, 2, sdp_proto_rtpavp,
                                       sdp_proto_rtpsavp);
    if (!err)
        err = add_formats(m);
    if (err) {
        phone_media_free(m);
        return err;
    }
    *ret = m;
    return 0;
}

void phone_media_free(struct phone_media *m)
{
    if (!m)
        return;
    phone_srtp_free(m->srtp);
    phone_order_free(&m->order);
    phone_opus_free(m->opus);
    phone_g722_free(m->g722);
    mem_deref(m->rtp);
    mem_deref(m->sdp);
    mem_deref(m->mb);
    free(m);
}

static bool is_codec(struct sdp_format *f, void *arg)
{
    const enum phone_codec *c = arg;
    enum phone_codec is = phone_codec_find(f->name, f->pt);
    return f->sup && is != CODEC_KEYS && (is == *c || *c == CODEC_NONE);
}

/* One of the caller's formats; CODEC_NONE: the first that is sound. */
static struct sdp_format *offered(const struct phone_media *m,
                                  enum phone_codec c)
{
    return sdp_media_format_apply(m->m, false, NULL, -1, NULL, -1, -1, is_codec,
                                  &c);
}

/* It comes first in our answer: most telephones then speak it, too. */
static void answer_first(struct phone_media *m, int payload)
{
    struct sdp_format *f = sdp_media_format_apply(
        m->m, true, NULL, payload, NULL, -1, -1, is_agreed, NULL);
    struct list *all = f ? f->le.list : NULL;
    if (!all)
        return;
    list_unlink(&f->le);
    list_prepend(all, &f->le, f);
}

/* Of an offer, what we like best; an answer has chosen. */
static void choose(struct phone_media *m, bool is_offer)
{
    struct sdp_format *f = NULL;
    for (size_t i = 0; is_offer && !f && i < m->o.codecs->n; i++)
        f = offered(m, m->o.codecs->list[i]);
    if (!f)
        f = offered(m, CODEC_NONE);
    m->codec = f ? phone_codec_find(f->name, f->pt) : CODEC_NONE;
    if (!open_codec(m, m->codec)) {
        m->codec = CODEC_NONE;
        return;
    }
    m->payload = f->pt;
    if (is_offer)
        answer_first(m, f->pt);
    if (!m->rate_hz)
        m->rate_hz = phone_codec_kind(m->codec)->rate_hz;
    m->switches = 0;
}

/* What is offered is answered in kind; we never offer it ourselves. */
static int encrypt(struct phone_media *m)
{
    bool asked = strcmp(sdp_media_proto(m->m), sdp_proto_rtpsavp) == 0;
    if (!asked)
        return m->o.srtp == SRTP_REQUIRED ? ENOTSUP : 0;
    if (m->o.srtp == SRTP_NEVER)
        return ENOTSUP;
    return phone_srtp_take(&m->srtp, m->m, m->rtp);
}

static int read_sdp(struct phone_media *m, struct mbuf *sdp, bool is_offer)
{
    struct mbuf *sound = mbuf_alloc(mbuf_get_left(sdp) + 1);
    if (!sound)
        return ENOMEM;
    struct str all = {(const char *)mbuf_buf(sdp), mbuf_get_left(sdp)};
    sound->end = phone_message_sound_only(all, (char *)sound->buf);
    int err = sdp_decode(m->sdp, sound, is_offer);
    mem_deref(sound);
    return err;
}

int phone_media_take(struct phone_media *m, struct mbuf *sdp, bool is_offer)
{
    int err = read_sdp(m, sdp, is_offer);
    if (!err)
        err = encrypt(m);
    if (err)
        return err;
    choose(m, is_offer);
    bool there = m->codec != CODEC_NONE && sdp_media_rport(m->m);
    return there ? 0 : ENOTSUP;
}

int phone_media_print(struct phone_media *m, bool is_offer, struct mbuf **ret)
{
    return sdp_encode(ret, m->sdp, is_offer);
}

void phone_media_start(struct phone_media *m)
{
    struct sa rtcp;
    m->marker = true;
    sdp_media_raddr_rtcp(m->m, &rtcp);
    rtcp_start(m->rtp, "otklik", &rtcp);
    uint32_t hz = (uint32_t)phone_codec_kind(m->codec)->clock_hz;
    rtcp_set_srate(m->rtp, hz, hz);
}

int phone_media_rate(const struct phone_media *m)
{
    return m->rate_hz;
}

bool phone_media_is_held(const struct phone_media *m)
{
    /* as seen from here: "sendonly" of the caller is SDP_RECVONLY */
    return !(sdp_media_rdir(m->m) & SDP_SENDONLY) ||
           sa_is_any(sdp_media_raddr(m->m)); /* as RFC 2543 had it */
}

/* ---- sending
 * ----------------------------------------------------------------------- */

/* Of a frame of 20 ms. */
static uint32_t frame_ticks(const struct phone_media *m)
{
    return (uint32_t)phone_codec_kind(m->codec)->clock_hz / 1000 *
           PHONE_FRAME_MS;
}

static void encode_g711(enum phone_codec c, const int16_t *samples,
                        uint8_t *ret)
{
    for (size_t i = 0; i < PHONE_FRAME; i++)
        ret[i] = c == CODEC_ULAW ? g711_to_ulaw(samples[i])
                                 : g711_to_alaw(samples[i]);
}

static void encode(struct phone_media *m, const int16_t *samples)
{
    uint8_t packet[OPUS_PACKET_BYTES];
    size_t n = PHONE_FRAME;
    if (m->codec == CODEC_OPUS)
        n = phone_opus_encode(m->opus, samples, packet);
    else if (m->codec == CODEC_G722)
        phone_g722_encode(m->g722, samples, packet);
    else
        encode_g711(m->codec, samples, packet);
    (void)mbuf_write_mem(m->mb, packet, n);
}

void phone_media_send(struct phone_media *m, const int16_t *samples)
{
    static const int16_t silence[PHONE_FRAME];
    const struct sa *to = m->has_source ? &m->source : sdp_media_raddr(m->m);
    m->mb->pos = m->mb->end = RTP_HEADER_SIZE;
    if (m->codec != CODEC_NONE)
        encode(m, samples ? samples : silence);
    m->mb->pos = RTP_HEADER_SIZE;
    /* a full socket loses a frame, as a network does */
    if (mbuf_get_left(m->mb) && sa_isset(to, SA_ALL) && !phone_media_is_held(m))
        (void)rtp_send(m->rtp, to, false, m->marker, (uint8_t)m->payload,
                       m->ticks, m->mb);
    m->marker = false;
    m->ticks += frame_ticks(m);
}

void phone_media_skip(struct phone_media *m, int frames)
{
    m->ticks += (uint32_t)frames * frame_ticks(m);
    m->marker = true;
}

void phone_media_flush(struct phone_media *m)
{
    phone_order_flush(&m->order);
    stream_flush(&m->stream);
}
