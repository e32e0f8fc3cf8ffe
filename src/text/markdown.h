/*
 * text/markdown.h - Markdown as words that a voice can say
 *
 * What is only for the eye goes: marks of headings, lists, emphasis and code,
 * pictures, tags, the addresses of links. Each line is a sentence. Nothing of
 * CommonMark is checked: whatever cannot be told apart is read out.
 */
#ifndef OTK_TEXT_MARKDOWN_H
#define OTK_TEXT_MARKDOWN_H

#include <stddef.h>

#include "base/str.h"

struct arena;

/* At most `max` bytes, in `a`; what is longer ends with a sentence, so far as
 * one ends within them. `text` is UTF-8. */
struct str markdown_speech(struct str text, size_t max, struct arena *a);

#endif
