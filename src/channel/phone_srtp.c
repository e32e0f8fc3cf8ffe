/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_srtp.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "channel/phone_re.h"
#include "channel/phone_sdes.h"

enum { LAYER = 10 /* of helpers: below nothing of ours */ };

struct phone_srtp {
    struct sdes theirs, ours;
    struct srtp *in, *out;
    struct udp_helper *sound, *control;
};

/* RFC 5761, 4: the types of RTCP stand where a payload type would. */
static bool is_control(const struct mbuf *mb)
{
    enum { FIRST = 192, LAST = 223 };
    if (mbuf_get_left(mb) < 2)
        return false;
    uint8_t type = mbuf_buf(mb)[1];
    return type >= FIRST && type <= LAST;
}

/* True: the packet goes no further. */
static bool on_send(int *err, struct sa *dst, struct mbuf *mb, void *arg)
{
    struct phone_srtp *s = arg;
    (void)dst;
    *err =
        is_control(mb) ? srtcp_encrypt(s->out, mb) : srtp_encrypt(s->out, mb);
    return *err != 0;
}

static bool on_receive(struct sa *src, struct mbuf *mb, void *arg)
{
    struct phone_srtp *s = arg;
    (void)src;
    return (is_control(mb) ? srtcp_decrypt(s->in, mb)
                           : srtp_decrypt(s->in, mb)) != 0;
}

static bool first_known(const char *name, const char *value, void *arg)
{
    (void)name;
    return value && sdes_parse(str_from(value), arg);
}

static int make(const struct sdes *x, struct srtp **ret)
{
    enum srtp_suite suite = x->suite == SDES_SHA1_80
                                ? SRTP_AES_CM_128_HMAC_SHA1_80
                                : SRTP_AES_CM_128_HMAC_SHA1_32;
    return srtp_alloc(ret, suite, x->key, sizeof(x->key), 0);
}

static int begin(struct phone_srtp *s, struct rtp_sock *rtp)
{
    int err = make(&s->theirs, &s->in);
    if (!err)
        err = make(&s->ours, &s->out);
    if (!err)
        err = udp_register_helper(&s->sound, rtp_sock(rtp), LAYER, on_send,
                                  on_receive, s);
    if (!err && rtcp_sock(rtp))
        err = udp_register_helper(&s->control, rtcp_sock(rtp), LAYER, on_send,
                                  on_receive, s);
    return err;
}

static int answer(const struct phone_srtp *s, struct sdp_media *m)
{
    char line[SDES_LINE_BYTES];
    sdes_print(&s->ours, line);
    return sdp_media_set_lattr(m, true, "crypto", "%s", line);
}

int phone_srtp_take(struct phone_srtp **s, struct sdp_media *m,
                    struct rtp_sock *rtp)
{
    struct sdes theirs;
    if (!sdp_media_rattr_apply(m, "crypto", first_known, &theirs))
        return ENOTSUP;
    if (*s && memcmp((*s)->theirs.key, theirs.key, sizeof(theirs.key)) == 0 &&
        (*s)->theirs.suite == theirs.suite) {
        (*s)->ours.tag = theirs.tag;
        return answer(*s, m);
    }
    struct phone_srtp *x = MEM_NEW(struct phone_srtp);
    x->theirs = x->ours = theirs;
    randombytes_buf(x->ours.key, sizeof(x->ours.key));
    phone_srtp_free(*s);
    *s = x;
    int err = begin(x, rtp);
    return err ? err : answer(x, m);
}

void phone_srtp_free(struct phone_srtp *s)
{
    if (!s)
        return;
    mem_deref(s->sound);
    mem_deref(s->control);
    mem_deref(s->in);
    mem_deref(s->out);
    sodium_memzero(s, sizeof(*s));
    free(s);
}
