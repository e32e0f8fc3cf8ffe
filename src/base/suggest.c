/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <string.h>

enum { NAME_MAX_BYTES = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein (1966), one row at a time. */
static size_t distance(struct str a, struct str b)
{
    size_t row[NAME_MAX_BYTES + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 0; i < a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.n; j++) {
            size_t replaced = diagonal + (a.p[i] != b.p[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(replaced, least(diagonal, row[j]) + 1);
        }
    }
    return row[b.n];
}

void suggest_offer(struct suggest *s, const char *name)
{
    struct str known = str_from(name);
    if (known.n > NAME_MAX_BYTES || s->word.n > NAME_MAX_BYTES)
        return;
    size_t d = distance(s->word, known);
    if (!s->best || d < s->distance) {
        s->best = name;
        s->distance = d;
    }
}

const char *suggest_best(const struct suggest *s)
{
    return s->best && s->distance <= 1 + s->word.n / 4 ? s->best : NULL;
}
