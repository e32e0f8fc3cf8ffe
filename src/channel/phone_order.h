/*
 * channel/phone_order.h - packets of RTP, put in order before they are decoded
 *
 * A codec with a memory (Opus) must see its packets one after the other. One
 * that is missing is waited for until ORDER_WAITS later ones are there, or the
 * end; what comes twice or too late is dropped; a sender that begins to count
 * anew (a jump of more than ORDER_JUMP) is followed. Nothing here waits for
 * time: what is recorded is in no hurry.
 *
 * Pure. One thread.
 */
#ifndef OTK_CHANNEL_PHONE_ORDER_H
#define OTK_CHANNEL_PHONE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORDER_WAITS = 8, ORDER_BYTES = 1500, ORDER_JUMP = 100 };

struct order_packet {
    uint16_t seq;
    uint32_t tick;
    size_t n;
    uint8_t bytes[ORDER_BYTES];
};

struct phone_order {
    /* `lost`: packets before this one that never came. */
    void (*put)(void *arg, const struct order_packet *p, int lost);
    void *arg;
    bool begun;
    uint16_t next; /* number of the packet that is due */
    int64_t dropped;
    size_t n_waiting;
    struct order_packet *waiting[ORDER_WAITS]; /* by number; NULL: room */
};

void phone_order_init(struct phone_order *o,
                      void (*put)(void *arg, const struct order_packet *p,
                                  int lost),
                      void *arg);
void phone_order_free(struct phone_order *o);

/* Longer packets than ORDER_BYTES are dropped. */
void phone_order_take(struct phone_order *o, uint16_t seq, uint32_t tick,
                      const uint8_t *bytes, size_t n);
/* What waits is put: the end. */
void phone_order_flush(struct phone_order *o);

#endif
