/* base/suggest.h - "did you mean …?" for names that people mistype */
#ifndef OTK_BASE_SUGGEST_H
#define OTK_BASE_SUGGEST_H

#include "base/str.h"

struct suggest {
    struct str word; /* what was typed */
    const char *best;
    size_t distance;
};

/* Offer one known name; call it for each, then read `best`. */
void suggest_offer(struct suggest *s, const char *name);

/* The nearest name when it is near enough to be meant, else NULL. */
const char *suggest_best(const struct suggest *s);

#endif
