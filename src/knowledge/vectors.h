/*
 * knowledge/vectors.h - a language model that remembers what it said
 *
 * Text to vector (model/model.h), with a store of the vectors of articles
 * (knowledge/vector_store.h): a rebuilt index asks the model only about texts
 * that are new. Vectors have length one, whatever the model's files say.
 *
 * Counted by references; threads may share one.
 */
#ifndef OTK_KNOWLEDGE_VECTORS_H
#define OTK_KNOWLEDGE_VECTORS_H

#include <stddef.h>

#include "base/str.h"
#include "tensor/linear.h"

struct err;
struct session;
struct vectors;

/*
 * Load the model in `folder`; `cache` is the store's file, NULL: in memory
 * only. OTK_EINVAL: it is a classifier. A store that cannot be read is a
 * warning in the log, not an error.
 */
int vectors_open(const char *folder, enum precision p, const char *cache,
                 struct vectors **ret, struct err *e);
struct vectors *vectors_ref(struct vectors *v); /* NULL is fine */
void vectors_unref(struct vectors *v);          /* NULL is fine */
size_t vectors_size(const struct vectors *v);   /* numbers of one */

/* A vector of each text to `ret`; remembered. Long texts are cut short. */
int vectors_of(struct vectors *v, const struct str *texts, size_t n, float *ret,
               struct err *e);

/* Of a question, with the caller's session; not remembered. */
int vectors_ask(const struct vectors *v, struct session *s, struct str text,
                float *ret, struct err *e);

/* Around all vectors_of() of an index: what is not asked for between may be
 * forgotten. One index at a time. */
void vectors_begin(struct vectors *v);
void vectors_end(struct vectors *v);

#endif
