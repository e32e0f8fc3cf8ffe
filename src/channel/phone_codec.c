/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_codec.h"

#include <strings.h>

#include "base/err.h"
#include "channel/phone_g722.h"
#include "channel/phone_opus.h"

static const struct phone_codec_kind kinds[] = {
    [CODEC_NONE] = {"", "", 8000, 1, 8000},
    [CODEC_OPUS] = {"opus", "96", 48000, 2, 16000},
    [CODEC_G722] = {"G722", "9", 8000, 1, 16000},
    [CODEC_ALAW] = {"PCMA", "8", 8000, 1, 8000},
    [CODEC_ULAW] = {"PCMU", "0", 8000, 1, 8000},
    [CODEC_KEYS] = {"telephone-event", "101", 8000, 1, 8000},
};

const struct phone_codec_kind *phone_codec_kind(enum phone_codec c)
{
    return &kinds[c];
}

static bool is_built(enum phone_codec c)
{
    return c == CODEC_OPUS   ? phone_opus_is_built()
           : c == CODEC_G722 ? phone_g722_is_built()
                             : true;
}

enum phone_codec phone_codec_find(const char *name, int payload)
{
    enum { PCMU = 0, PCMA = 8, G722 = 9 }; /* RFC 3551, 6 */
    if (!name)
        return payload == PCMU   ? CODEC_ULAW
               : payload == PCMA ? CODEC_ALAW
               : payload == G722 ? CODEC_G722
                                 : CODEC_NONE;
    for (int i = CODEC_NONE + 1; i <= CODEC_KEYS; i++) {
        if (strcasecmp(name, kinds[i].name) == 0)
            return (enum phone_codec)i;
    }
    return CODEC_NONE;
}

static bool has(const struct phone_codecs *x, enum phone_codec c)
{
    for (size_t i = 0; i < x->n; i++) {
        if (x->list[i] == c)
            return true;
    }
    return false;
}

static enum phone_codec codec_named(struct str s)
{
    for (int i = CODEC_NONE + 1; i < CODECS; i++) {
        const char *name = kinds[i].name;
        if (s.n == strlen(name) && strncasecmp(s.p, name, s.n) == 0)
            return (enum phone_codec)i;
    }
    return CODEC_NONE;
}

int phone_codecs_read(struct str list, struct phone_codecs *ret, struct err *e)
{
    struct str item;
    *ret = (struct phone_codecs){0};
    while (str_next(&list, ',', &item)) {
        item = str_trim(item);
        if (item.n == 0)
            continue;
        enum phone_codec c = codec_named(item);
        if (c == CODEC_NONE)
            return err_set(
                e, OTK_EFORMAT,
                "phone.codecs: '%.*s' is none of opus, G722, PCMA, PCMU",
                (int)(item.n < 40 ? item.n : 40), item.p);
        if (!has(ret, c) && is_built(c))
            ret->list[ret->n++] = c;
    }
    if (ret->n == 0)
        return err_set(e, OTK_EFORMAT,
                       "phone.codecs: no codec is left; opus wants libopus-dev "
                       "and G722 libspandsp-dev when the program is built");
    return OTK_OK;
}
