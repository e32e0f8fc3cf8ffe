/*
 * model/safetensors.h - the bytes of a safetensors file, read with distrust
 *
 * Eight bytes of length, a header in JSON, then the values of all tensors end
 * to end (huggingface.co/docs/safetensors). Nothing of the header is believed:
 * its length, every type, shape and pair of offsets is checked against the
 * others and the size of the file, so that what is returned can be read
 * without a further look.
 *
 * Limits: a header of 100 MB, 100,000 tensors, shapes and names as weight.h
 * has them. Fields of a tensor that are not known are passed over.
 */
#ifndef OTK_MODEL_SAFETENSORS_H
#define OTK_MODEL_SAFETENSORS_H

#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;
struct weight;

enum {
    SAFETENSORS_MAX = 100000,                  /* tensors */
    SAFETENSORS_HEADER_MAX = 100 * 1000 * 1000 /* bytes */
};
#define SAFETENSORS_METADATA "__metadata__" /* a key that is no tensor */

struct weight_list {
    struct weight *at; /* free() it */
    size_t len, cap;
};

/*
 * Append the tensors of a file to `list`, in the order of their data, which
 * stay in `bytes`; names go to `names`. `file` is borrowed: errors and weights
 * name it. OTK_EFORMAT, OTK_ELIMIT; `list` then holds what it held before.
 */
int safetensors_read(struct str bytes, const char *file, struct arena *names,
                     struct weight_list *list, struct err *e);

/* 0 when `name` can name a tensor; else OTK_EFORMAT. */
int safetensors_check_name(struct str name, struct err *e);

#endif
