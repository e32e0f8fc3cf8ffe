/*
 * triage/memo.h - the scores of texts that were asked about lately
 *
 * A table of fixed size for one model, which does not change: the same text
 * has the same scores again without being computed. Of a text only a keyed
 * digest is kept (BLAKE2b; the key is the table's own and by chance), so that
 * no one's words outlive their request, and nobody can make two texts meet.
 * Any number of threads.
 */
#ifndef OTK_TRIAGE_MEMO_H
#define OTK_TRIAGE_MEMO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct memo;

/* For rows of `width` scores; at most some `bytes`, at least a few texts. */
struct memo *memo_new(size_t width, size_t bytes);
void memo_free(struct memo *m); /* NULL is fine */

size_t memo_size(const struct memo *m); /* texts that there is room for */

bool memo_has(struct memo *m, struct str text);
/* false: not known, and `ret` is left alone. */
bool memo_find(struct memo *m, struct str text, float *ret);
/* In place of what was not asked for longest of a few. */
void memo_put(struct memo *m, struct str text, const float *scores);

#endif
