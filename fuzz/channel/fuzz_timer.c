/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a Session-Expires. */
#include <stdint.h>
#include <stdlib.h>

#include "channel/phone_timer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum timer_refresher who = REFRESHER_OPEN;
    struct timer_asked a = {.supported = true};
    struct phone_timer t = {0};
    struct str s = {(const char *)data, size};
    if (!phone_timer_parse(s, &a.interval_s, &who))
        return 0;
    a.refresher = who;
    char headers[TIMER_HEADERS_BYTES];
    if (!phone_timer_agree(&t, &a, 1, 1))
        abort();
    phone_timer_print(&t, headers);
    if (t.interval_s <= 0 || t.interval_s > a.interval_s || !headers[0])
        abort();
    return 0;
}
