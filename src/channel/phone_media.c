/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_media.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "channel/phone_counts.h"
#include "channel/phone_message.h"
#include "channel/phone_re.h"
#include "channel/phone_srtp.h"
#include "channel/phone_stream.h"
#include "speech/g711.h"
#include "speech/sound.h"

enum {
    RATE = 8000,
    PAYLOAD_MAX = 960, /* bytes of G.711: 120 ms */
    SOURCE_GONE_MS = 2000,
};

enum codec { CODEC_NONE, CODEC_ULAW, CODEC_ALAW, CODEC_KEYS };

struct phone_media {
    struct phone_media_options o;
    struct sdp_session *sdp;
    struct sdp_media *m;
    struct rtp_sock *rtp;
    struct phone_srtp *srtp; /* NULL: not encrypted */
    struct mbuf *mb;         /* a packet to be sent */
    enum codec codec;
    int payload;
    uint32_t ticks; /* of what is sent */
    bool marker;    /* the next packet begins a talk spurt */
    struct sa source;
    bool has_source;
    int64_t source_ms; /* when it sent last */
    uint32_t ssrc;
    struct stream stream;
    struct stream_keys keys;
};

/* ---- receiving
 * --------------------------------------------------------------------- */

static enum codec codec_of(const struct sdp_format *f)
{
    if (!f)
        return CODEC_NONE;
    if (!f->name) /* a static type need not be named: RFC 3551, 6 */
        return f->pt == 0 ? CODEC_ULAW : f->pt == 8 ? CODEC_ALAW : CODEC_NONE;
    if (str_casecmp(f->name, "PCMU") == 0)
        return CODEC_ULAW;
    if (str_casecmp(f->name, "PCMA") == 0)
        return CODEC_ALAW;
    return str_casecmp(f->name, "telephone-event") == 0 ? CODEC_KEYS
                                                        : CODEC_NONE;
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

static void decode(struct phone_media *m, enum codec c, const uint8_t *p,
                   size_t n, uint32_t tick, int64_t now)
{
    int16_t pcm[PAYLOAD_MAX];
    n = n < PAYLOAD_MAX ? n : PAYLOAD_MAX;
    for (size_t i = 0; i < n; i++)
        pcm[i] = c == CODEC_ULAW ? g711_from_ulaw(p[i]) : g711_from_alaw(p[i]);
    int64_t concealed = m->stream.concealed;
    int64_t dropped = m->stream.dropped;
    stream_take(&m->stream, tick, pcm, n, now);
    m->o.counts->concealed_ms +=
        (m->stream.concealed - concealed) * MS_SECOND / RATE;
    m->o.counts->dropped += m->stream.dropped - dropped;
}

static void recv_rtp(const struct sa *src, const struct rtp_header *h,
                     struct mbuf *mb, void *arg)
{
    struct phone_media *m = arg;
    const uint8_t *p = mbuf_buf(mb);
    size_t n = mbuf_get_left(mb);
    int64_t now = clock_mono(&clock_real);
    enum codec c = codec_of(sdp_media_lformat(m->m, h->pt));
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
    decode(m, c, p, n, h->ts, now);
}

/* ---- what is agreed on
 * ------------------------------------------------------------- */

static int add_formats(struct phone_media *m)
{
    int err = sdp_format_add(NULL, m->m, false, "8", "PCMA", RATE, 1, NULL,
                             NULL, NULL, false, NULL);
    if (!err)
        err = sdp_format_add(NULL, m->m, false, "0", "PCMU", RATE, 1, NULL,
                             NULL, NULL, false, NULL);
    if (!err)
        err = sdp_format_add(NULL, m->m, false, "101", "telephone-event", RATE,
                             1, NULL, NULL, NULL, false, "0-15");
    return err ? err
               : sdp_media_set_lattr(m->m, true, "ptime", "%u",
                                     (unsigned)PHONE_FRAME_MS);
}

int phone_media_new(const struct phone_media_options *o,
                    struct phone_media **ret)
{
    struct phone_media *m = MEM_NEW(struct phone_media);
    m->o = *o;
    stream_init(&m->stream, RATE, 1, o->heard, o->arg);
    m->mb = mbuf_alloc(RTP_HEADER_SIZE + PHONE_FRAME + 64);
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
    mem_deref(m->rtp);
    mem_deref(m->sdp);
    mem_deref(m->mb);
    free(m);
}

/* The first that the caller offered and that is sound. */
static void choose(struct phone_media *m)
{
    static const char *const names[] = {NULL, "PCMA", "PCMU"};
    m->codec = CODEC_NONE;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct sdp_format *f = sdp_media_rformat(m->m, names[i]);
        enum codec c = codec_of(f);
        if (c == CODEC_ULAW || c == CODEC_ALAW) {
            m->codec = c;
            m->payload = f->pt;
            return;
        }
    }
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
    choose(m);
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
    rtcp_set_srate(m->rtp, RATE, RATE);
}

bool phone_media_is_held(const struct phone_media *m)
{
    /* as seen from here: "sendonly" of the caller is SDP_RECVONLY */
    return !(sdp_media_rdir(m->m) & SDP_SENDONLY) ||
           sa_is_any(sdp_media_raddr(m->m)); /* as RFC 2543 had it */
}

/* ---- sending
 * ----------------------------------------------------------------------- */

void phone_media_send(struct phone_media *m, const int16_t *samples)
{
    const struct sa *to = m->has_source ? &m->source : sdp_media_raddr(m->m);
    m->mb->pos = m->mb->end = RTP_HEADER_SIZE;
    for (size_t i = 0; i < PHONE_FRAME; i++) {
        int16_t x = samples ? samples[i] : 0;
        (void)mbuf_write_u8(m->mb, m->codec == CODEC_ULAW ? g711_to_ulaw(x)
                                                          : g711_to_alaw(x));
    }
    m->mb->pos = RTP_HEADER_SIZE;
    /* a full socket loses a frame, as a network does */
    if (m->codec != CODEC_NONE && sa_isset(to, SA_ALL) &&
        !phone_media_is_held(m))
        (void)rtp_send(m->rtp, to, false, m->marker, (uint8_t)m->payload,
                       m->ticks, m->mb);
    m->marker = false;
    m->ticks += PHONE_FRAME;
}

void phone_media_skip(struct phone_media *m, int frames)
{
    m->ticks += (uint32_t)frames * PHONE_FRAME;
    m->marker = true;
}

void phone_media_flush(struct phone_media *m)
{
    stream_flush(&m->stream);
}
