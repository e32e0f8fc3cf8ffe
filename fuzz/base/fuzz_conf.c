/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as otklik.yaml, read and edited. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
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

/* Either it is refused, or the new text says the new value. */
static void edit(struct str bytes, const char *name, const char *value)
{
    struct values v = {0};
    struct conf c;
    struct err e = {0};
    struct buf b = BUF_INIT(1 << 20);
    conf_init(&c, table, &v);
    if (conf_edit_yaml(&c, "a.yaml", bytes, str_from(name), str_from(value), &b,
                       &e)) {
        if (!e.msg[0])
            abort();
    } else {
        struct values again = {0};
        struct conf d;
        conf_init(&d, table, &again);
        if (conf_read_yaml(&d, "a.yaml", buf_str(&b), NULL) ||
            !conf_same(&c, &d, 0) || !conf_same(&c, &d, 1))
            abort();
        conf_free(&d);
    }
    conf_free(&c);
    buf_free(&b);
}

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
    edit(bytes, "web.name", "a: \"#");
    edit(bytes, "web.port", "7");
    return 0;
}
