/*
 * channel/phone_guard.h - who may call, and how often
 *
 * Asked before anything is allocated for a call. An address that calls more
 * often than it may is banned: nothing it sends is answered for a while, which
 * is also the cheapest there is. Addresses that are trusted (the customer's own
 * telephone system) are never held back.
 *
 * Pure: the time is told. One thread.
 */
#ifndef OTK_CHANNEL_PHONE_GUARD_H
#define OTK_CHANNEL_PHONE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct phone_guard;
struct sockaddr;

enum { PHONE_NETS_MAX = 64, PHONE_ADDRESS_BYTES = 16 };

/* An IPv4 address is ::ffff:a.b.c.d here, so that both are one. */
struct phone_address {
    uint8_t bytes[PHONE_ADDRESS_BYTES];
};
bool phone_address_of(const struct sockaddr *sa, struct phone_address *ret);

struct phone_guard_options {
    struct str allow, trust; /* "192.0.2.1, 10.0.0.0/8, fd00::/8" */
    int64_t per_minute;
    int64_t ban_ms;
};

/* OTK_EFORMAT names what is no address. */
int phone_guard_new(const struct phone_guard_options *o,
                    struct phone_guard **ret, struct err *e);
void phone_guard_free(struct phone_guard *g); /* NULL is fine */

/* Anything that is sent: false, it is not to be answered. */
bool phone_guard_may_speak(struct phone_guard *g, const struct phone_address *a,
                           int64_t now_ms);
/* A new call, or what makes no sense: counted. False: not to be answered. */
bool phone_guard_may_call(struct phone_guard *g, const struct phone_address *a,
                          int64_t now_ms);

int64_t phone_guard_banned(const struct phone_guard *g); /* so far */

#endif
