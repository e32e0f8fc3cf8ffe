/*
 * model/packed.h - a packed encoder as a file that is used where it lies
 *
 * FOLDER/packed-PRECISION.otk, little-endian:
 *   0   "OTKPACK" and a zero     8   version (u32)
 *   12  precision (u32)          16  parts (u32)      20  PANEL (u32)
 *   24  bytes of the file (u64)
 *   32  BLAKE2b-256 of what it was made of
 *   64  for each part its offset, its bytes and its sum (3 × u64)
 *   …   the sum of all of the above (u64), zeros up to a multiple of 64
 *   …   the parts (model/encoder.h), each on a multiple of 64, zeros between
 *
 * Nothing in it is believed: where parts lie and how long they are follows
 * from config.json, and a file that has it otherwise is refused. Sums find
 * damage; they are no defence against somebody who may write into the folder.
 * The sum of the words' embeddings, most of a file and used row by row, is
 * looked at by packed_check_words() only.
 */
#ifndef OTK_MODEL_PACKED_H
#define OTK_MODEL_PACKED_H

#include <stddef.h>

#include "base/str.h"
#include "tensor/linear.h"

struct encoder;
struct err;
struct model_config;
struct packed;
struct weights;

enum { PACKED_SOURCE_BYTES = 32, PACKED_NAME_BYTES = 32 };

/* What a packed file was made of. */
struct packed_source {
    unsigned char hash[PACKED_SOURCE_BYTES];
};

/*
 * Of config.json, of the name, type and shape of each tensor, and of some of
 * its values: three pieces of each, so that training that goes on is noticed
 * without reading all.
 */
int packed_source(const char *folder, const struct weights *w,
                  struct packed_source *ret, struct err *e);

/* "packed-int8.otk" */
void packed_name(enum precision p, char ret[PACKED_NAME_BYTES]);

/*
 * OTK_ENOENT: the folder has none; OTK_EFORMAT: it is damaged; OTK_ECONFLICT:
 * it was made of another model. packed_close(*ret) after those who use it.
 */
int packed_open(const char *folder, const struct model_config *c,
                enum precision p, const struct packed_source *s,
                struct packed **ret, struct err *e);
void packed_close(struct packed *x); /* NULL is fine */
const struct str *packed_parts(const struct packed *x);
int packed_check_words(const struct packed *x, struct err *e);

/* packed_open() of bytes, aligned to 64; `ret` has room for all parts. */
int packed_read(struct str bytes, const struct model_config *c,
                enum precision p, const struct packed_source *s,
                struct str *ret, struct err *e);

/* Write the file of an encoder, safely; `*ret_bytes` is its size. */
int packed_write(const char *folder, const struct encoder *x, enum precision p,
                 const struct packed_source *s, size_t *ret_bytes,
                 struct err *e);

#endif
