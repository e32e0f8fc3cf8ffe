/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in any order, of Opus or not: two bytes of number, one of length.
 * What comes out is in order, and no longer than 120 ms each. */
#include <stdint.h>
#include <stdlib.h>

#include "channel/phone_opus.h"
#include "channel/phone_order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct ear {
    struct phone_opus *opus; /* NULL: this build has none */
    bool any;
    uint16_t last;
};

static void on_packet(void *arg, const struct order_packet *p, int lost)
{
    struct ear *x = arg;
    int16_t pcm[OPUS_SAMPLES_MAX];
    int step = (int16_t)(uint16_t)(p->seq - x->last);
    if (lost < 0 || lost > ORDER_JUMP ||
        (x->any && step != lost + 1 && lost != 0))
        abort();
    x->any = true;
    x->last = p->seq;
    if (!x->opus)
        return;
    if (lost && phone_opus_conceal(x->opus, p->bytes, p->n, 320, pcm) >
                    OPUS_SAMPLES_MAX)
        abort();
    if (phone_opus_decode(x->opus, p->bytes, p->n, pcm) > OPUS_SAMPLES_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEAD = 3 };
    struct ear ear = {0};
    struct phone_order order;
    if (phone_opus_is_built() && phone_opus_new(&ear.opus))
        abort();
    phone_order_init(&order, on_packet, &ear);
    while (size >= HEAD) {
        uint16_t seq = (uint16_t)(data[0] << 8 | data[1]);
        size_t n = data[2] < size - HEAD ? data[2] : size - HEAD;
        phone_order_take(&order, seq, seq, data + HEAD, n);
        data += HEAD + n;
        size -= HEAD + n;
    }
    phone_order_flush(&order);
    if (order.n_waiting)
        abort();
    phone_order_free(&order);
    phone_opus_free(ear.opus);
    return 0;
}
