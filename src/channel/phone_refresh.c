/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_refresh.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "channel/phone_media.h"
#include "channel/phone_re.h"

static int64_t now_ms(void)
{
    return clock_mono(&clock_real);
}

void phone_refresh_init(struct phone_refresh *r, struct sip *sip,
                        const char *user, int64_t min_s)
{
    *r = (struct phone_refresh){.sip = sip, .user = user, .min_s = min_s};
}

void phone_refresh_close(struct phone_refresh *r)
{
    r->request = mem_deref(r->request);
    r->dialog = mem_deref(r->dialog);
}

/* ---- theirs
 * ------------------------------------------------------------------------ */

static void read_header(const struct sip_msg *msg, enum sip_hdrid id,
                        int64_t *ret_s, enum timer_refresher *ret)
{
    const struct sip_hdr *h = sip_msg_hdr(msg, id);
    *ret_s = 0;
    *ret = REFRESHER_OPEN;
    if (h)
        (void)phone_timer_parse(str_of(&h->val), ret_s, ret);
}

bool phone_refresh_take(struct phone_refresh *r, const struct sip_msg *msg)
{
    enum timer_refresher none;
    struct timer_asked a = {
        .supported = sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "timer")};
    read_header(msg, SIP_HDR_SESSION_EXPIRES, &a.interval_s, &a.refresher);
    read_header(msg, SIP_HDR_MIN_SE, &a.min_s, &none);
    if (!phone_timer_agree(&r->timer, &a, r->min_s, now_ms())) {
        (void)sip_treplyf(
            NULL, NULL, r->sip, msg, false, 422, "Session Interval Too Small",
            "Min-SE: %lld\r\nContent-Length: 0\r\n\r\n", (long long)r->min_s);
        return false;
    }
    if (sip_msg_hdr(msg, SIP_HDR_ALLOW))
        r->knows_update = sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "UPDATE");
    return true;
}

void phone_refresh_print(const struct phone_refresh *r,
                         char ret[TIMER_HEADERS_BYTES])
{
    phone_timer_print(&r->timer, ret);
}

void phone_refresh_smuggle(struct phone_refresh *r, const struct sip_msg *msg)
{
    char headers[TIMER_HEADERS_BYTES];
    phone_timer_print(&r->timer, headers);
    size_t n = strlen(headers);
    if (n < 2)
        return;
    headers[n - 2] = '\0'; /* libre ends the line */
    for (struct le *le = list_head(&msg->hdrl); le; le = le->next) {
        struct sip_hdr *h = le->data;
        if (h->id != SIP_HDR_FROM)
            continue;
        if (re_snprintf(r->from, sizeof(r->from), "%r\r\n%s", &h->val,
                        headers) > 0)
            pl_set_str(&h->val, r->from);
        return;
    }
}

/* ---- ours
 * -------------------------------------------------------------------------- */

static int put_contact(enum sip_transp tp, const struct sa *src,
                       const struct sa *dst, struct mbuf *mb, void *arg)
{
    const struct phone_refresh *r = arg;
    struct sip_contact contact;
    (void)dst;
    sip_contact_set(&contact, r->user, src, tp);
    return mbuf_printf(mb, "%H", sip_contact_print, &contact);
}

static void answered(int err, const struct sip_msg *msg, void *arg)
{
    struct phone_refresh *r = arg;
    enum timer_refresher none;
    int64_t min_s = 0;
    int status = err || !msg ? 408 : msg->scode;
    if (status < 200)
        return;
    if (msg)
        read_header(msg, SIP_HDR_MIN_SE, &min_s, &none);
    if (status < 300 && !r->by_update)
        (void)sip_drequestf(NULL, r->sip, false, "ACK", r->dialog,
                            msg->cseq.num, NULL, NULL, NULL, NULL,
                            "Content-Length: 0\r\n\r\n");
    if (status < 300)
        (void)sip_dialog_update(r->dialog, msg);
    r->is_lost = !phone_timer_answered(&r->timer, status, min_s, now_ms());
}

static int send_refresh(struct phone_refresh *r, struct sip_dialog *dialog,
                        struct phone_media *media)
{
    struct mbuf *sdp = NULL;
    int err = 0;
    r->by_update = r->knows_update;
    if (!r->by_update)
        err = phone_media_print(media, true, &sdp);
    if (err)
        return err;
    mem_deref(r->dialog);
    r->dialog = mem_ref(dialog);
    err = sip_drequestf(
        &r->request, r->sip, true, r->by_update ? "UPDATE" : "INVITE", dialog,
        0, NULL, put_contact, answered, r,
        "Supported: timer\r\nSession-Expires: %lld;refresher=uac\r\n"
        "%sContent-Length: %zu\r\n\r\n%b",
        (long long)r->timer.interval_s,
        sdp ? "Content-Type: application/sdp\r\n" : "",
        sdp ? mbuf_get_left(sdp) : 0, sdp ? mbuf_buf(sdp) : NULL,
        sdp ? mbuf_get_left(sdp) : 0);
    mem_deref(sdp);
    return err;
}

bool phone_refresh_look(struct phone_refresh *r, struct sip_dialog *dialog,
                        struct phone_media *media)
{
    enum timer_order order = phone_timer_look(&r->timer, now_ms());
    if (order == TIMER_REFRESH) {
        phone_timer_sent(&r->timer);
        if (send_refresh(r, dialog, media)) /* not now: later */
            (void)phone_timer_answered(&r->timer, 500, 0, now_ms());
    }
    return order != TIMER_END && !r->is_lost;
}
