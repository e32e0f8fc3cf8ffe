/* channel/phone_counts.h - what the telephone counts; any thread adds */
#ifndef OTK_CHANNEL_PHONE_COUNTS_H
#define OTK_CHANNEL_PHONE_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

struct buf;

struct phone_counts {
    _Atomic int64_t calls, active, busy, refused, banned;
    _Atomic int64_t filed, unfiled, answered, silent, resumed;
    _Atomic int64_t transferred, untransferred;
    _Atomic int64_t packets, concealed_ms, dropped, strangers, keys;
    _Atomic int64_t registered, unregistered, accounts;
};

void phone_counts_put(const struct phone_counts *c, struct buf *b);

#endif
