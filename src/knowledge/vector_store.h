/*
 * knowledge/vector_store.h - vectors of texts that were asked for before
 *
 * A table from the BLAKE2b of a text to its vector in 8 bits, in memory and in
 * a file that is only appended to. The file belongs to one model: it says whose
 * it is, and one of another model, another size or another byte order is begun
 * anew. Every record has a checksum; from the first bad one on the file is cut
 * off. It is a cache: losing it costs time, never an answer.
 *
 * Threads: one at a time. Several processes may use one file.
 */
#ifndef OTK_KNOWLEDGE_VECTOR_STORE_H
#define OTK_KNOWLEDGE_VECTOR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct vector_store;

enum {
    VECTOR_KEY = 16,
    VECTOR_SIZE_MAX = 8192,     /* numbers of a vector */
    VECTOR_STORE_MAX = 4000000, /* vectors in one store */
};

/* `size` numbers a vector. `path` NULL: in memory only. OTK_EIO: the file is
 * there and cannot be read. */
int vector_store_open(const char *path, const uint8_t identity[VECTOR_KEY],
                      size_t size, struct vector_store **ret, struct err *e);
void vector_store_free(struct vector_store *s); /* NULL is fine */
size_t vector_store_len(const struct vector_store *s);

/* False: it is not known. */
bool vector_store_get(struct vector_store *s, const uint8_t key[VECTOR_KEY],
                      float *ret);
/* OTK_ELIMIT: the store is full. */
int vector_store_put(struct vector_store *s, const uint8_t key[VECTOR_KEY],
                     const float *x, struct err *e);

/* Append what was put since the last time. OTK_EIO: it stays in memory. */
int vector_store_save(struct vector_store *s, struct err *e);

/* Between begin and end everything that is wanted is asked for or put; when
 * twice as much and more was not, it is forgotten, here and in the file. */
void vector_store_begin(struct vector_store *s);
int vector_store_end(struct vector_store *s, struct err *e);

/* What a file's bytes hold into an empty store; returns how many of them are
 * good, 0 when they are another model's. */
size_t vector_store_parse(struct vector_store *s, struct str bytes);

#endif
