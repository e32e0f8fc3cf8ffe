/*
 * base/fill.h - texts with places: "Hello {{ name }}"
 *
 * A place whose name is not known stays as it is written, so that its writer
 * sees it.
 */
#ifndef OTK_BASE_FILL_H
#define OTK_BASE_FILL_H

#include <stddef.h>

#include "base/str.h"

struct arena;

struct fill_value {
    const char *name;
    struct str text;
};

/* `text` with the values in their places, in `a`; at most FILL_MAX bytes, what
 * is longer is cut. */
enum { FILL_MAX = 1 << 20 };
struct str fill(struct arena *a, struct str text, const struct fill_value *v,
                size_t n);

#endif
