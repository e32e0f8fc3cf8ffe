/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_sdes.h"

#include <sodium.h>
#include <stdio.h>

static const char *const names[] = {
    [SDES_SHA1_80] = "AES_CM_128_HMAC_SHA1_80",
    [SDES_SHA1_32] = "AES_CM_128_HMAC_SHA1_32",
};

static bool read_key(struct str s, uint8_t ret[SDES_KEY_BYTES])
{
    static const char method[] = "inline:";
    size_t n = 0;
    if (!str_starts(s, method))
        return false;
    s = str_sub(s, sizeof(method) - 1, s.n);
    s = str_sub(s, 0, str_find(s, '|')); /* its life time; an index of one */
    return sodium_base642bin(ret, SDES_KEY_BYTES, s.p, s.n, NULL, &n, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           n == SDES_KEY_BYTES;
}

bool sdes_parse(struct str value, struct sdes *ret)
{
    struct str tag, suite, key, more;
    struct sdes x = {0};
    value = str_trim(value);
    if (!str_next(&value, ' ', &tag) || !str_next(&value, ' ', &suite) ||
        !str_next(&value, ' ', &key) || str_next(&value, ' ', &more))
        return false;
    if (str_to_int(tag, &x.tag) || x.tag < 1 || x.tag > SDES_TAG_MAX)
        return false;
    if (str_is(suite, names[SDES_SHA1_80]))
        x.suite = SDES_SHA1_80;
    else if (str_is(suite, names[SDES_SHA1_32]))
        x.suite = SDES_SHA1_32;
    else
        return false;
    if (!read_key(key, x.key))
        return false;
    *ret = x;
    return true;
}

void sdes_print(const struct sdes *x, char ret[SDES_LINE_BYTES])
{
    char key[64];
    (void)sodium_bin2base64(key, sizeof(key), x->key, sizeof(x->key),
                            sodium_base64_VARIANT_ORIGINAL);
    (void)snprintf(ret, SDES_LINE_BYTES, "%lld %s inline:%s", (long long)x->tag,
                   names[x->suite], key);
}
