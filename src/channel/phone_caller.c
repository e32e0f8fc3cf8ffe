/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_caller.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

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
