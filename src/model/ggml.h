/*
 * model/ggml.h - the bytes of a Whisper file of GGML, read with distrust
 *
 * The format of whisper.cpp (models/convert-pt-to-ggml.py there), which is not
 * GGUF: magic, eleven sizes, mel filters, the vocabulary as raw bytes, then
 * tensors one behind the other until the end, without a table and without
 * alignment. Nothing is believed: a count is compared with the bytes that are
 * left before anything is allocated for it.
 *
 * Names and filters stay in `bytes`.
 */
#ifndef OTK_MODEL_GGML_H
#define OTK_MODEL_GGML_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "model/safetensors.h"

struct arena;
struct err;

enum {
    GGML_TENSORS_MAX = 10000,
    GGML_TOKENS_MAX = 200000,
    GGML_TOKEN_BYTES = 1024,
};

/* In the order of the file, each a signed number of 32 bits there. */
struct ggml_sizes {
    int32_t vocab;
    int32_t audio_ctx, audio_state, audio_heads, audio_layers;
    int32_t text_ctx, text_state, text_heads, text_layers;
    int32_t mels;
    int32_t type; /* of most tensors, and 1000 × the version of blocks */
};

struct ggml_file {
    struct ggml_sizes sizes;
    size_t n_mels, n_bins;
    const void *filters;     /* n_mels × n_bins f32, not aligned */
    struct str *tokens;      /* bytes of token i; of the arena */
    size_t n_tokens;         /* not more than sizes.vocab */
    struct weight_list list; /* free() list.at */
};

/*
 * `file` is borrowed: weights and errors name it. OTK_EFORMAT, OTK_ELIMIT name
 * the field; ret->list.at is then NULL. Sizes are as the file has them: whether
 * they make a network is for model/whisper.h to say.
 */
int ggml_read(struct str bytes, const char *file, struct arena *a,
              struct ggml_file *ret, struct err *e);

#endif
