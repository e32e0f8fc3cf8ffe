/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_caller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/utf8.h"

/* ---- who
 * ------------------------------------------------------------------------------
 */

/* Text out of a header: UTF-8 that prints, cut; else nothing. */
static void take_text(struct str s, char *ret, size_t size)
{
    size_t n = 0;
    s = utf8_cut(str_trim(s), size - 1);
    if (utf8_check(s) != s.n)
        s.n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= ' ' && s.p[i] != '"' && s.p[i] != 0x7f)
            ret[n++] = s.p[i];
    }
    ret[n] = '\0';
}

/* The user part, with its escapes undone. */
static void take_user(const struct uri *u, char *ret, size_t size)
{
    char plain[PHONE_NUMBER_BYTES * 2];
    int n =
        re_snprintf(plain, sizeof(plain), "%H", uri_user_unescape, &u->user);
    take_text((struct str){plain, n > 0 ? (size_t)n : 0}, ret, size);
}

/* The system behind which the caller is may know him better than he says; it is
 * believed when it is trusted (RFC 3325, 9). */
static void take_caller(struct phone_caller *c, const struct sip_msg *msg)
{
    struct sip_addr known;
    const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_P_ASSERTED_IDENTITY);
    if (h && sip_addr_decode(&known, &h->val) == 0) {
        take_user(&known.uri, c->number, sizeof(c->number));
        take_text(str_of(&known.dname), c->name, sizeof(c->name));
    } else {
        take_user(&msg->from.uri, c->number, sizeof(c->number));
        take_text(str_of(&msg->from.dname), c->name, sizeof(c->name));
    }
    if (strcasecmp(c->number, "anonymous") == 0)
        c->number[0] = c->name[0] = '\0';
    if (strcmp(c->number, c->name) == 0)
        c->name[0] = '\0';
}

const struct phone_line *phone_caller_read(const struct sip_msg *msg,
                                           const struct phone_script *s,
                                           struct phone_caller *ret)
{
    take_caller(ret, msg);
    take_user(&msg->uri, ret->called, sizeof(ret->called));
    const struct phone_line *line = phone_script_line(s, str_from(ret->called));
    if (line != s->lines)
        return line;
    char other[PHONE_NUMBER_BYTES];
    take_user(&msg->to.uri, other, sizeof(other));
    line = phone_script_line(s, str_from(other));
    if (line != s->lines)
        (void)snprintf(ret->called, sizeof(ret->called), "%s", other);
    return line;
}

/* ---- where
 * ----------------------------------------------------------------------------
 */

static int face(const struct sa *peer, struct sa *ret)
{
    struct sockaddr_storage own;
    socklen_t n = sizeof(own);
    SCOPED(scope_close)
    int fd = socket(peer->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, &peer->u.sa, peer->len) ||
        getsockname(fd, (struct sockaddr *)&own, &n))
        return errno;
    int err = sa_set_sa(ret, (struct sockaddr *)&own);
    sa_set_port(ret, 0);
    return err;
}

int phone_caller_face(const struct sip_msg *msg, const char *public_address,
                      struct sa *ret)
{
    int err = public_address[0] ? sa_set_str(ret, public_address, 0) : 0;
    if (!err && (!public_address[0] || sa_af(ret) != sa_af(&msg->src)))
        err = face(&msg->src, ret);
    return err;
}

/* Is the caller where its Contact says? A telephone behind NAT names an address
 * of its own network, and one that called by TCP or TLS does not listen. Then
 * what we send later goes back the way the call came, unless there are proxies
 * on it (Record-Route), who know better. */
static bool is_elsewhere(const struct sip_msg *msg, const struct sip_hdr *h)
{
    struct sip_addr a;
    struct sa said;
    if (sip_msg_hdr(msg, SIP_HDR_RECORD_ROUTE) || sip_addr_decode(&a, &h->val))
        return false;
    if (msg->tp != SIP_TRANSP_UDP)
        return true;
    return sa_set(&said, &a.uri.host, 0) == 0 &&
           !sa_cmp(&said, &msg->src, SA_ADDR);
}

void phone_caller_correct(const struct sip_msg *msg,
                          char line[PHONE_CONTACT_BYTES])
{
    for (struct le *le = list_head(&msg->hdrl); le; le = le->next) {
        struct sip_hdr *h = le->data;
        if (h->id != SIP_HDR_CONTACT)
            continue;
        int n =
            is_elsewhere(msg, h)
                ? re_snprintf(line, PHONE_CONTACT_BYTES, "<sip:caller@%J%s>",
                              &msg->src, sip_transp_param(msg->tp))
                : 0;
        if (n > 0)
            pl_set_str(&h->val, line);
        return;
    }
}
