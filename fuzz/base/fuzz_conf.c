/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as otklik.yaml. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/conf.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
    char *name;
    int64_t port;
};

static const struct conf_setting table[] = {
    {.name = "web.name",
     .type = CONF_TEXT,
     .offset = offsetof(struct values, name),
     .fallback = "x",
     .max = 20,
     .help = "a name"},
    {.name = "web.port",
     .type = CONF_WHOLE,
     .offset = offsetof(struct values, port),
     .fallback = "1",
     .max = 9,
     .help = "a port"},
    {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct values v = {0};
    struct conf c;
    struct err e = {0};
    conf_init(&c, table, &v);
    struct str bytes = {(const char *)data, size};
    if (conf_read_yaml(&c, "a.yaml", bytes, &e) && !e.msg[0])
        abort();
    if (!v.name || v.port < 0 || v.port > 9)
        abort();
    conf_free(&c);
    return 0;
}
