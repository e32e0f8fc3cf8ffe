/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what was heard of a call; what is some is printed and read
 * again, and has the same words. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "desk/call_heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct call_heard x;
    struct call_heard again;
    struct arena *a = arena_new();
    if (call_heard_parse((struct str){(const char *)data, size}, a, &x)) {
        struct str printed = call_heard_print(&x, a);
        if (printed.n &&
            (!call_heard_parse(printed, a, &again) || again.to_ms != x.to_ms ||
             !str_eq(again.said.text, x.said.text)))
            abort();
    }
    arena_free(a);
    return 0;
}
