/*
 * channel/phone_sdes.h - keys of SRTP in SDP (RFC 4568)
 *
 *   a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:BASE64|2^31|1:1
 *
 * Pure.
 */
#ifndef OTK_CHANNEL_PHONE_SDES_H
#define OTK_CHANNEL_PHONE_SDES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    SDES_KEY_BYTES = 30, /* of AES-128 and its salt */
    SDES_LINE_BYTES = 160,
    SDES_TAG_MAX = 999999999,
};

enum sdes_suite { SDES_SHA1_80, SDES_SHA1_32 };

struct sdes {
    int64_t tag;
    enum sdes_suite suite;
    uint8_t key[SDES_KEY_BYTES];
};

/* The value of the attribute. False: not of a kind that we speak, or session
 * parameters that change what the key means. */
bool sdes_parse(struct str value, struct sdes *ret);
void sdes_print(const struct sdes *x, char ret[SDES_LINE_BYTES]);

#endif
