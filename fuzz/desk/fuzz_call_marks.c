/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the marks of a recording; what is one can be printed again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "desk/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct call_mark m[CALL_MARKS_MAX];
    struct call_mark again[CALL_MARKS_MAX];
    size_t n;
    size_t same;
    struct arena *a = arena_new();
    call_marks_parse((struct str){(const char *)data, size}, a, m, &n);
    if (n > CALL_MARKS_MAX)
        abort();
    for (size_t i = 0; i < n; i++) {
        call_marks_parse(call_mark_print(&m[i], a), a, again, &same);
        if (same != 1 || !str_eq(again[0].field, m[i].field) ||
            !str_eq(again[0].digits, m[i].digits) ||
            again[0].from_ms != m[i].from_ms)
            abort();
    }
    arena_free(a);
    return 0;
}
