/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

enum { SETS = 512, WAYS = 8, BITS = 128, BITS_V4 = 32, TEXT_BYTES = 64 };

struct net {
    struct phone_address at;
    int bits;
};

struct nets {
    struct net list[PHONE_NETS_MAX];
    size_t n;
};

struct seen {
    struct phone_address at;
    int64_t last, minute_since, banned_until; /* 0: none */
    int64_t calls;                            /* in this minute */
};

struct phone_guard {
    struct nets allow, trust;
    int64_t per_minute, ban_ms, banned;
    struct seen sets[SETS][WAYS];
};

/* ---- addresses
 * --------------------------------------------------------------------- */

static void map_v4(const void *v4, struct phone_address *ret)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    memcpy(ret->bytes, prefix, sizeof(prefix));
    memcpy(ret->bytes + sizeof(prefix), v4, 4);
}

bool phone_address_of(const struct sockaddr *sa, struct phone_address *ret)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (sa->sa_family == AF_INET) {
        memcpy(&in, sa, sizeof(in));
        map_v4(&in.sin_addr, ret);
        return true;
    }
    if (sa->sa_family != AF_INET6)
        return false;
    memcpy(&in6, sa, sizeof(in6));
    memcpy(ret->bytes, &in6.sin6_addr, sizeof(ret->bytes));
    return true;
}

static bool read_net(struct str s, struct net *ret)
{
    char text[TEXT_BYTES];
    uint8_t v4[4];
    int64_t bits = -1;
    struct str host = str_sub(s, 0, str_find(s, '/'));
    bool has_bits = host.n < s.n;
    if (host.n >= sizeof(text) ||
        (has_bits && str_to_int(str_sub(s, host.n + 1, s.n), &bits)))
        return false;
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(host));
    if (inet_pton(AF_INET, text, v4) == 1) {
        map_v4(v4, &ret->at);
        bits = has_bits ? bits : BITS_V4;
        ret->bits = (int)bits + BITS - BITS_V4;
        return bits >= 0 && bits <= BITS_V4;
    }
    ret->bits = (int)(has_bits ? bits : BITS);
    return inet_pton(AF_INET6, text, ret->at.bytes) == 1 && ret->bits >= 0 &&
           ret->bits <= BITS;
}

static int read_nets(const char *what, struct str list, struct nets *ret,
                     struct err *e)
{
    struct str item;
    while (str_next(&list, ',', &item)) {
        item = str_trim(item);
        if (item.n == 0)
            continue;
        if (ret->n == PHONE_NETS_MAX)
            return err_set(e, OTK_ELIMIT, "%s has more than %d addresses", what,
                           PHONE_NETS_MAX);
        if (!read_net(item, &ret->list[ret->n]))
            return err_set(e, OTK_EFORMAT,
                           "%s: '%.*s' is no address of the form 192.0.2.1 or "
                           "10.0.0.0/8",
                           what, (int)(item.n < 40 ? item.n : 40), item.p);
        ret->n++;
    }
    return OTK_OK;
}

static bool is_in(const struct nets *x, const struct phone_address *a)
{
    for (size_t i = 0; i < x->n; i++) {
        int whole = x->list[i].bits / 8;
        int rest = x->list[i].bits % 8;
        uint8_t mask = (uint8_t)(0xff00 >> rest);
        const uint8_t *b = x->list[i].at.bytes;
        if (memcmp(b, a->bytes, (size_t)whole) == 0 &&
            (!rest || ((b[whole] ^ a->bytes[whole]) & mask) == 0))
            return true;
    }
    return false;
}

/* ---- counting
 * ---------------------------------------------------------------------- */

/* Its place; the one that was silent for longest makes room. */
static struct seen *place_of(struct phone_guard *g,
                             const struct phone_address *a)
{
    struct str key = {(const char *)a->bytes, sizeof(a->bytes)};
    struct seen *set = g->sets[str_hash(key) % SETS];
    struct seen *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].last && memcmp(&set[i].at, a, sizeof(*a)) == 0)
            return &set[i];
        if (set[i].last < oldest->last)
            oldest = &set[i];
    }
    *oldest = (struct seen){.at = *a};
    return oldest;
}

int phone_guard_new(const struct phone_guard_options *o,
                    struct phone_guard **ret, struct err *e)
{
    struct phone_guard *g = MEM_NEW(struct phone_guard);
    g->per_minute = o->per_minute;
    g->ban_ms = o->ban_ms;
    int r = read_nets("phone.allow", o->allow, &g->allow, e);
    if (!r)
        r = read_nets("phone.trust", o->trust, &g->trust, e);
    if (r) {
        free(g);
        return r;
    }
    *ret = g;
    return OTK_OK;
}

void phone_guard_free(struct phone_guard *g)
{
    free(g);
}

bool phone_guard_may_speak(struct phone_guard *g, const struct phone_address *a,
                           int64_t now_ms)
{
    if (is_in(&g->trust, a))
        return true;
    if (g->allow.n && !is_in(&g->allow, a))
        return false;
    return place_of(g, a)->banned_until <= now_ms;
}

bool phone_guard_may_call(struct phone_guard *g, const struct phone_address *a,
                          int64_t now_ms)
{
    if (is_in(&g->trust, a))
        return true;
    if (!phone_guard_may_speak(g, a, now_ms))
        return false;
    struct seen *s = place_of(g, a);
    s->last = now_ms;
    if (now_ms - s->minute_since >= MS_MINUTE) {
        s->minute_since = now_ms;
        s->calls = 0;
    }
    if (++s->calls <= g->per_minute)
        return true;
    s->banned_until = now_ms + g->ban_ms;
    g->banned++;
    return false;
}

int64_t phone_guard_banned(const struct phone_guard *g)
{
    return g->banned;
}
