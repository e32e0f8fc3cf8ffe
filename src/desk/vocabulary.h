/*
 * desk/vocabulary.h - the words that callers of this desk are likely to say
 *
 * A recogniser that is told them beforehand spells people and products as the
 * desk does. They are the owner's own (speech.vocabulary), the names of staff
 * and topics, and those words of published articles that look like names:
 *  - of Latin letters in a Russian text (Outlook), of letters and digits (1С),
 *  - with more capitals than a sentence gives (КриптоПро, iPhone, VPN), or with
 *    one in the middle of it, where no article has them in small letters.
 * An article counts once for a word, its title three times more.
 *
 * The words of articles are an immutable snapshot, counted by references, that
 * a desk makes anew with its index (desk_vocabulary()): a prompt reads nothing
 * of the store.
 *
 * Threads: any.
 */
#ifndef OTK_DESK_VOCABULARY_H
#define OTK_DESK_VOCABULARY_H

#include <stddef.h>

#include "base/str.h"

struct arena;
struct catalog;
struct desk;
struct err;
struct knowledge_article;
struct vocabulary;

enum {
    VOCABULARY_TERMS_MAX = 500,   /* that are kept of all articles */
    VOCABULARY_WORD_MAX = 64,     /* bytes of one, or of a name */
    VOCABULARY_PROMPT_BYTES = 600 /* about 224 tokens, which Whisper keeps */
};

struct vocabulary *vocabulary_new(const struct knowledge_article *articles,
                                  size_t n);
struct vocabulary *vocabulary_ref(struct vocabulary *v); /* NULL is fine */
void vocabulary_unref(struct vocabulary *v);             /* NULL is fine */

/* "Printing, Ann, VPN, КриптоПро.": at most VOCABULARY_PROMPT_BYTES, the
 * likeliest words last, where models look first. `own`: the owner's, between
 * commas. `language`: "ru", "en", or "" where it is not known and articles of
 * all languages count. Empty: there are none. */
struct str vocabulary_prompt(const struct vocabulary *v,
                             const struct catalog *c, struct str own,
                             const char *language, struct arena *a);

/* The same out of the desk's snapshots and settings. */
struct str vocabulary_prompt_of(struct desk *d, const char *language,
                                struct arena *a);

/* Read from the store, for who opened the desk without its articles
 * (records_only). */
int vocabulary_load(struct desk *d, struct vocabulary **ret, struct err *e);

#endif
