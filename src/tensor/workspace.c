/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/workspace.h"

#include <stdlib.h>

#include "base/mem.h"

enum { LINE = 64, BLOCKS_MAX = 48, FIRST_BYTES = 1 << 18 };

/* Each block is at least twice as large as the one before. */
struct workspace {
    char *blocks[BLOCKS_MAX];
    size_t sizes[BLOCKS_MAX];
    size_t n_blocks, at; /* at: the block in use */
    size_t used;   /* of all blocks up to `at`, those before count whole */
    size_t before; /* sizes of the blocks before `at` */
};

struct workspace *workspace_new(void)
{
    return MEM_NEW(struct workspace);
}

void workspace_free(struct workspace *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_blocks; i++)
        free(w->blocks[i]);
    free(w);
}

static void add_block(struct workspace *w, size_t bytes)
{
    size_t size = w->n_blocks ? 2 * w->sizes[w->n_blocks - 1] : FIRST_BYTES;
    while (size < bytes)
        size *= 2;
    if (w->n_blocks == BLOCKS_MAX || size > MEM_MAX)
        bug("a workspace of %zu bytes", size);
    w->blocks[w->n_blocks] = aligned_alloc(LINE, size);
    if (!w->blocks[w->n_blocks])
        bug("no memory for a workspace of %zu bytes", size);
    w->sizes[w->n_blocks++] = size;
}

void *workspace_take(struct workspace *w, size_t bytes)
{
    bytes = (bytes + LINE - 1) / LINE * LINE;
    if (w->n_blocks == 0)
        add_block(w, bytes);
    while (w->used - w->before + bytes > w->sizes[w->at]) {
        w->before += w->sizes[w->at];
        w->used = w->before;
        if (++w->at == w->n_blocks)
            add_block(w, bytes);
    }
    char *p = w->blocks[w->at] + (w->used - w->before);
    w->used += bytes;
    return p;
}

size_t workspace_mark(const struct workspace *w)
{
    return w->used;
}

void workspace_reset(struct workspace *w, size_t mark)
{
    if (mark > w->used)
        bug("a mark of %zu over %zu", mark, w->used);
    while (w->at > 0 && mark < w->before)
        w->before -= w->sizes[--w->at];
    w->used = mark;
}
