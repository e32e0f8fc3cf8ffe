/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void phone_order_init(struct phone_order *o,
                      void (*put)(void *arg, const struct order_packet *p,
                                  int lost),
                      void *arg)
{
    *o = (struct phone_order){.put = put, .arg = arg};
}

void phone_order_free(struct phone_order *o)
{
    for (size_t i = 0; i < o->n_waiting; i++)
        free(o->waiting[i]);
    o->n_waiting = 0;
}

/* How much later than the one that is due; below 0: earlier. */
static int ahead(const struct phone_order *o, uint16_t seq)
{
    return (int16_t)(uint16_t)(seq - o->next);
}

static void put(struct phone_order *o, const struct order_packet *p)
{
    int lost = ahead(o, p->seq);
    o->next = (uint16_t)(p->seq + 1);
    o->put(o->arg, p, lost);
}

static void put_first(struct phone_order *o)
{
    struct order_packet *p = o->waiting[0];
    o->n_waiting--;
    memmove(o->waiting, o->waiting + 1, o->n_waiting * sizeof(p));
    put(o, p);
    free(p);
}

void phone_order_flush(struct phone_order *o)
{
    while (o->n_waiting)
        put_first(o);
}

void phone_order_take(struct phone_order *o, uint16_t seq, uint32_t tick,
                      const uint8_t *bytes, size_t n)
{
    if (n > ORDER_BYTES) {
        o->dropped++;
        return;
    }
    if (!o->begun || abs(ahead(o, seq)) > ORDER_JUMP) {
        phone_order_flush(o);
        o->begun = true;
        o->next = seq;
    }
    if (o->n_waiting == 0 && ahead(o, seq) == 0) { /* as nearly all come */
        struct order_packet now = {.seq = seq, .tick = tick, .n = n};
        if (n)
            memcpy(now.bytes, bytes, n);
        put(o, &now);
        return;
    }
    size_t i = o->n_waiting;
    while (i > 0 && ahead(o, o->waiting[i - 1]->seq) > ahead(o, seq))
        i--;
    if (ahead(o, seq) < 0 || (i > 0 && o->waiting[i - 1]->seq == seq)) {
        o->dropped++;
        return;
    }
    struct order_packet *p = MEM_NEW(struct order_packet);
    p->seq = seq;
    p->tick = tick;
    p->n = n;
    if (n)
        memcpy(p->bytes, bytes, n);
    if (o->n_waiting == ORDER_WAITS) { /* the first has waited long enough */
        if (i == 0) {
            put(o, p);
            free(p);
            p = NULL;
        } else {
            put_first(o);
            i--;
        }
    }
    if (p) {
        memmove(o->waiting + i + 1, o->waiting + i,
                (o->n_waiting - i) * sizeof(p));
        o->waiting[i] = p;
        o->n_waiting++;
    }
    while (o->n_waiting && ahead(o, o->waiting[0]->seq) == 0)
        put_first(o);
}
