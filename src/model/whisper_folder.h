/*
 * model/whisper_folder.h - Whisper in a folder of Hugging Face
 *
 * What model/whisper_source.c needs of it: config.json, the words of
 * vocab.json or tokenizer.json, and where each tensor is.
 */
#ifndef OTK_MODEL_WHISPER_FOLDER_H
#define OTK_MODEL_WHISPER_FOLDER_H

#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;
struct weight;
struct weights;
struct whisper_sizes;

/* Errors name the field of config.json. */
int whisper_folder_sizes(const char *folder, struct whisper_sizes *ret,
                         struct err *e);

/* Token i's bytes to (*ret)[i]; empty where the files have none. Both of `a`;
 * ids must be below `vocab`. */
int whisper_folder_tokens(const char *folder, struct arena *a, size_t vocab,
                          struct str **ret, size_t *ret_n, struct err *e);

/* The same of the text of vocab.json or tokenizer.json; errors name the
 * field. */
int whisper_vocabulary_read(struct str json, struct arena *a, size_t vocab,
                            struct str **ret, size_t *ret_n, struct err *e);

/* By OpenAI's name; NULL: there is none. */
const struct weight *whisper_folder_tensor(const struct weights *w,
                                           const char *name);

#endif
