/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a hub's listing: what is taken stays inside of its folder. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/hub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct str text = {(const char *)data, size};
    struct hub_listing l;
    struct hub_name name;
    struct err e = {0};
    int r = hub_listing_read(a, text, &l, &e);
    if (r && !e.msg[0])
        abort(); /* an error without a text */
    int64_t sum = 0;
    for (size_t i = 0; !r && i < l.n; i++) {
        const char *path = l.files[i].path;
        size_t digits = strlen(l.files[i].sha256);
        if (path[0] == '/' || strstr(path, "..") || l.files[i].bytes < 0 ||
            (digits && digits != 64))
            abort();
        sum += l.files[i].bytes;
    }
    if (!r && (l.n == 0 || l.n > HUB_FILES_MAX || sum != l.bytes))
        abort();
    if (!hub_name_read(a, text, NULL, &name, NULL) &&
        (name.folder[0] == '.' || strchr(name.folder, '/') ||
         strlen(name.name) > HUB_NAME_MAX))
        abort();
    arena_free(a);
    return 0;
}
