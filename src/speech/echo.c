/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/echo.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/scope.h"
#include "text/unicode.h"
#include "text/words.h"

enum {
    SURE_ENTRIES = 5,
    SURE_WORDS = 8,
    WHOLE_ENTRIES = 3, /* of a prompt that is said as a whole */
    DOUBTFUL_ENTRIES = 2,
    SHARE_PERCENT = 80, /* of the words of a piece */
};

enum told { TOLD_NOT, TOLD_PERHAPS, TOLD };

struct spoken_word {
    struct str text; /* folded */
    size_t of;       /* the entry of the prompt, or the piece */
    enum told told;
};

struct word_list {
    struct spoken_word *items;
    size_t n, cap;
};

static void add_word(struct word_list *l, struct str text, size_t of)
{
    l->items = mem_grow(l->items, l->n, &l->cap, sizeof(*l->items));
    l->items[l->n++] = (struct spoken_word){.text = text, .of = of};
}

static bool ends_entry(struct str between)
{
    for (size_t i = 0; i < between.n; i++) {
        if (strchr(",;.!?", between.p[i]))
            return true;
    }
    return false;
}

static void read_prompt(struct str prompt, struct arena *a,
                        struct word_list *ret)
{
    struct str s = text_fold(a, prompt);
    struct word w;
    size_t entry = 0;
    size_t end = 0;
    for (size_t at = 0; word_next(s, &at, &w); end = at) {
        entry += end && ends_entry(str_sub(s, end, w.at - end));
        add_word(ret, w.text, entry);
    }
}

static void read_pieces(const struct echo_piece *pieces, size_t n,
                        struct arena *a, struct word_list *ret)
{
    for (size_t i = 0; i < n; i++) {
        struct str s = text_fold(a, pieces[i].text);
        struct word w;
        for (size_t at = 0; word_next(s, &at, &w);)
            add_word(ret, w.text, i);
    }
}

/* How many words from `at` on are those of the prompt from `from` on. */
static size_t run_of(const struct word_list *said, size_t at,
                     const struct word_list *prompt, size_t from)
{
    size_t n = 0;
    while (at + n < said->n && from + n < prompt->n &&
           str_eq(said->items[at + n].text, prompt->items[from + n].text))
        n++;
    return n;
}

static enum told judge(const struct word_list *prompt, size_t from, size_t n)
{
    if (n == 0)
        return TOLD_NOT;
    size_t entries =
        prompt->items[from + n - 1].of - prompt->items[from].of + 1;
    bool whole = n == prompt->n;
    if (entries >= SURE_ENTRIES || n >= SURE_WORDS ||
        (whole && entries >= WHOLE_ENTRIES))
        return TOLD;
    return whole || entries >= DOUBTFUL_ENTRIES ? TOLD_PERHAPS : TOLD_NOT;
}

/* The longest run at each place; what it covers is not looked at again. */
static void mark(struct word_list *said, const struct word_list *prompt)
{
    for (size_t at = 0; at < said->n;) {
        size_t best = 0;
        size_t from = 0;
        for (size_t i = 0; i < prompt->n; i++) {
            size_t n = run_of(said, at, prompt, i);
            if (n > best) {
                best = n;
                from = i;
            }
        }
        enum told told = judge(prompt, from, best);
        size_t covered = told == TOLD_NOT ? 1 : best;
        for (size_t i = 0; i < covered; i++)
            said->items[at + i].told = told;
        at += covered;
    }
}

static bool is_echo(const struct word_list *said, size_t from, size_t to,
                    bool doubtful)
{
    size_t told = 0;
    for (size_t i = from; i < to; i++)
        told += said->items[i].told >= (doubtful ? TOLD_PERHAPS : TOLD);
    return told && told * 100 >= (to - from) * SHARE_PERCENT;
}

void echo_find(struct str prompt, const struct echo_piece *pieces, size_t n,
               bool *ret)
{
    SCOPED(scope_arena) struct arena *a = arena_new();
    struct word_list listed = {0};
    struct word_list said = {0};
    read_prompt(prompt, a, &listed);
    read_pieces(pieces, n, a, &said);
    mark(&said, &listed);
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        size_t to = from;
        while (to < said.n && said.items[to].of == i)
            to++;
        ret[i] = is_echo(&said, from, to, pieces[i].is_doubtful);
        from = to;
    }
    free(listed.items);
    free(said.items);
}
