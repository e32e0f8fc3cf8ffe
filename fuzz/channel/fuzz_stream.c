/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of packets: timestamp (4 bytes), length (1), time that goes by (1), key
 * (4). Never more sound than time, never a pointer outside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "channel/phone_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t total;

static void put(void *arg, const int16_t *samples, size_t n)
{
    static volatile int16_t seen;
    (void)arg;
    total += (int64_t)n;
    for (size_t i = 0; i < n; i++)
        seen = samples[i];
    (void)seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ROW = 10, RATE = 8000 };
    static struct stream s;
    static const int16_t samples[STREAM_PACKET_MAX];
    struct stream_keys keys = {0};
    int64_t now = 1000;
    total = 0;
    stream_init(&s, RATE, size % 2 ? 1 : 3, put, NULL);
    for (; size >= ROW; data += ROW, size -= ROW) {
        uint32_t tick;
        memcpy(&tick, data, sizeof(tick));
        now += data[5];
        stream_take(&s, tick, samples, (size_t)data[4] * 8, now);
        (void)stream_key(&keys, data + 6, 4, tick);
    }
    stream_flush(&s);
    if (total * 1000 / RATE > now - 1000 + STREAM_AHEAD_MS + 1)
        abort();
    return 0;
}
