/* SPDX-License-Identifier: Apache-2.0 */
#include "text/markdown.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"

static struct str rest(struct str s, size_t n)
{
    return str_sub(s, n, s.n);
}

/* Without what a line begins with: "# ", "> ", "- ", "* ". "1. " is said. */
static struct str without_mark(struct str line)
{
    line = str_trim(line);
    size_t n = 0;
    while (n < line.n && strchr("#>-*+ \t", line.p[n]))
        n++;
    /* "**bold" is no list */
    return n && (n == line.n || strchr(" \t", line.p[n - 1])) ? rest(line, n)
           : line.n && strchr("#>", line.p[0])                ? rest(line, n)
                                                              : line;
}

/* "[text](address)": the text; `*ret`: how long all of it is. Or 0. */
static struct str link_text(struct str s, size_t *ret)
{
    struct str text = str_sub(s, 1, str_find(s, ']') - 1);
    size_t at = text.n + 2;
    *ret = 0;
    if (at >= s.n || s.p[at] != '(')
        return (struct str){0};
    size_t end = str_find(rest(s, at), ')');
    if (at + end >= s.n)
        return (struct str){0};
    *ret = at + end + 1;
    return text;
}

/* How much of `s` is a tag or the bare address of a page. */
static size_t unsaid(struct str s)
{
    if (s.p[0] == '<') {
        size_t end = str_find(s, '>');
        return end < s.n ? end + 1 : 0;
    }
    if (!str_starts(s, "http://") && !str_starts(s, "https://"))
        return 0;
    size_t n = 0;
    while (n < s.n && !strchr(" \t\r)", s.p[n]))
        n++;
    return n;
}

static void put_words(struct buf *b, struct str line)
{
    while (line.n) {
        size_t n = 0;
        bool picture = line.n > 1 && line.p[0] == '!' && line.p[1] == '[';
        struct str text = {0};
        if (picture)
            line = rest(line, 1);
        if (line.p[0] == '[')
            text = link_text(line, &n);
        if (n && !picture)
            buf_put(b, text.p, text.n);
        n = n ? n : unsaid(line);
        if (!n && !strchr("*_`|", line.p[0]))
            buf_putc(b, line.p[0]);
        line = rest(line, n ? n : 1);
    }
}

static void trim_end(struct buf *b)
{
    while (b->len && strchr(" \t\r\n", b->ptr[b->len - 1]))
        b->ptr[--b->len] = '\0';
}

/* A line that does not end as a sentence ends is made one. */
static void end_line(struct buf *b)
{
    trim_end(b);
    if (b->len && !strchr(".!?:;,", b->ptr[b->len - 1]))
        buf_putc(b, '.');
    if (b->len)
        buf_putc(b, ' ');
}

/* The whole sentences of it; all when not even one is whole. */
static struct str cut(struct str s, size_t max)
{
    if (s.n <= max)
        return s;
    s = utf8_cut(s, max);
    for (size_t n = s.n; n > 1; n--) {
        if (s.p[n - 1] == ' ' && strchr(".!?", s.p[n - 2]))
            return str_trim(str_sub(s, 0, n));
    }
    return s;
}

struct str markdown_speech(struct str text, size_t max, struct arena *a)
{
    struct str line;
    struct buf b = BUF_INIT(2 * text.n + 2); /* a stop and a space a line */
    while (str_next(&text, '\n', &line)) {
        put_words(&b, without_mark(line));
        end_line(&b);
    }
    trim_end(&b);
    struct str kept = arena_str(a, cut(buf_str(&b), max));
    buf_free(&b);
    return kept;
}
