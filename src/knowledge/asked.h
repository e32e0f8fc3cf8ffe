/*
 * knowledge/asked.h - a question as search needs it
 *
 * Its distinct features. A word that no article has, but whose spelling in the
 * other alphabet one has (впн, вай-фай), is asked for in both.
 */
#ifndef OTK_KNOWLEDGE_ASKED_H
#define OTK_KNOWLEDGE_ASKED_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "knowledge/index.h"

struct asked_feature {
    uint64_t hash;
    enum space space;
    float weight; /* beside its idf */
};

struct asked; /* memory of one thread */
struct asked *asked_new(void);
void asked_free(struct asked *a); /* NULL is fine */

/* Cuts a question; long ones are cut short, their first features say what they
 * are about. *ret_words: how many distinct words it has. The result is valid
 * until the next call. */
size_t asked_cut(struct asked *a, const struct knowledge_index *x,
                 struct str text, const struct asked_feature **ret,
                 size_t *ret_words);

#endif
