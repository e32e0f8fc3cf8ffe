/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The most likely way to cut a word into tokens (Kudo 2018), by Viterbi's
 * algorithm from the left. Of equally likely ways the first found stays, and
 * neighbouring unknown characters become one token: both as the reference.
 */
#include "base/mem.h"
#include "text/tokenizer_parts.h"

static void reach(struct path_node *to, double score, uint32_t start,
                  uint32_t id)
{
    if (to->id == TRIE_NONE || score > to->score)
        *to = (struct path_node){.score = score, .start = start, .id = id};
}

static void search(const struct tokenizer *t, struct path_node *path,
                   const struct glyph *g, size_t n)
{
    const struct trie *v = &t->vocabulary;
    path[0] = (struct path_node){.id = 0};
    for (size_t i = 1; i <= n; i++)
        path[i] = (struct path_node){.id = TRIE_NONE};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t node = TRIE_ROOT;
        bool single = false;
        for (size_t k = i; k < n; k++) {
            node = trie_step(v, node, g[k].cp);
            if (node == TRIE_NONE)
                break;
            uint32_t id = v->values[node];
            if (id == TRIE_NONE)
                continue;
            single = single || k == i;
            reach(&path[k + 1], t->unigram.scores[id] + path[i].score, i, id);
        }
        if (!single)
            reach(&path[i + 1], t->unigram.unk_score + path[i].score, i,
                  t->unk);
    }
}

/* Turn the links round, so that the path can be read from the left: what
 * begins at `start` ends at path[start].start. */
static void turn(struct path_node *path, size_t n)
{
    size_t end = n;
    uint32_t id = path[end].id;
    size_t start = path[end].start;
    while (end > 0) {
        uint32_t next_id = path[start].id;
        uint32_t next = path[start].start;
        path[start].id = id;
        path[start].start = (uint32_t)end;
        end = start;
        start = next;
        id = next_id;
    }
}

void unigram_encode(const struct tokenizer *t, struct tokenizer_scratch *s,
                    const struct glyph *g, size_t n)
{
    while (s->path_cap <= n)
        s->path =
            mem_grow(s->path, s->path_cap, &s->path_cap, sizeof(*s->path));
    search(t, s->path, g, n);
    turn(s->path, n);
    for (size_t i = 0; i < n;) {
        uint32_t id = s->path[i].id;
        size_t end = s->path[i].start;
        while (id == t->unk && end < n && s->path[end].id == id)
            end = s->path[end].start;
        token_put(t, s, id, g + i, end - i);
        i = end;
    }
}
