/*
 * tensor/workspace.h - memory that a computation needs for a while
 *
 * A stack of aligned blocks that keeps what it has got, so that the second
 * forward of a size allocates nothing. One thread; members of a team may use
 * blocks that were taken for them.
 */
#ifndef OTK_TENSOR_WORKSPACE_H
#define OTK_TENSOR_WORKSPACE_H

#include <stddef.h>

struct workspace;

struct workspace *workspace_new(void);
void workspace_free(struct workspace *w); /* NULL is fine */

/* Aligned to 64 bytes, not cleared. The process ends when memory does: sizes
 * follow from limits that were checked. */
void *workspace_take(struct workspace *w, size_t bytes);
#define WORKSPACE_ARRAY(w, type, n)                                            \
    ((type *)workspace_take((w), (n) * sizeof(type)))

/* Give back all that was taken since the mark. */
size_t workspace_mark(const struct workspace *w);
void workspace_reset(struct workspace *w, size_t mark);

#endif
