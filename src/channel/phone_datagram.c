/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_datagram.h"

#include "base/buf.h"
#include "channel/phone_agent.h"
#include "channel/phone_message.h"
#include "channel/phone_re.h"

enum { LAYER = 0, DATAGRAM_BYTES = 1 << 16 };

/* An ACK: whoever sends it, it is not answered. */
static const char probe[] = "ACK sip:probe@localhost SIP/2.0\r\n"
                            "Via: SIP/2.0/UDP localhost;branch=z9hG4bKprobe\r\n"
                            "From: <sip:probe@localhost>;tag=probe\r\n"
                            "To: <sip:probe@localhost>;tag=probe\r\n"
                            "Call-ID: probe\r\n"
                            "CSeq: 1 ACK\r\n"
                            "Content-Length: 0\r\n\r\n";

void phone_datagram_probe(const struct sa *at)
{
    struct mbuf *mb = mbuf_alloc(sizeof(probe));
    if (mb &&
        mbuf_write_mem(mb, (const uint8_t *)probe, sizeof(probe) - 1) == 0) {
        mb->pos = 0;
        (void)udp_send_anon(at, mb); /* else the first caller's will do */
    }
    mem_deref(mb);
}

/* libre reads the same buffer next. */
static bool before_libre(struct sa *src, struct mbuf *mb, void *arg)
{
    struct phone_agent *a = arg;
    struct str all = {(const char *)mbuf_buf(mb), mbuf_get_left(mb)};
    struct buf mended = BUF_INIT(DATAGRAM_BYTES);
    size_t at = mb->pos;
    (void)src;
    a->is_foreign = false;
    if (phone_message_mend(all, &mended, &a->is_foreign) &&
        buf_check(&mended) == 0) {
        mb->end = at;
        (void)mbuf_write_mem(mb, (const uint8_t *)mended.ptr, mended.len);
        mb->pos = at;
    }
    buf_free(&mended);
    return false;
}

bool phone_datagram_join(struct phone_agent *a, const struct sip_msg *msg)
{
    if (msg->tp != SIP_TRANSP_UDP)
        return false;
    if (!udp_helper_find(msg->sock, LAYER)) /* it ends with the socket */
        (void)udp_register_helper(NULL, msg->sock, LAYER, NULL, before_libre,
                                  a);
    return pl_strcmp(&msg->callid, "probe") == 0 &&
           pl_strcmp(&msg->met, "ACK") == 0;
}

bool phone_datagram_is_foreign(const struct phone_agent *a,
                               const struct sip_msg *msg)
{
    return a->is_foreign && msg->tp == SIP_TRANSP_UDP;
}
