/*
 * model/whisper_source.h - a Whisper model's files, whoever wrote them
 *
 * A file of whisper.cpp (model/ggml.h) or a folder of Hugging Face
 * (config.json, model.safetensors, vocab.json or tokenizer.json). Tensors are
 * asked for by OpenAI's names, "decoder.blocks.0.cross_attn.key.weight", which
 * the files of whisper.cpp have; those of Hugging Face are found by a table.
 */
#ifndef OTK_MODEL_WHISPER_SOURCE_H
#define OTK_MODEL_WHISPER_SOURCE_H

#include <stddef.h>

#include "base/str.h"
#include "model/weight.h"

struct arena;
struct err;
struct whisper_source;

/* Limits of what is read; the largest model has 1280 wide, 32 layers. */
enum {
    WHISPER_VOCAB_MAX = 200000,
    WHISPER_AUDIO_MAX = 6000, /* rows of the encoder, 20 ms each */
    WHISPER_TEXT_MAX = 4096,
    WHISPER_STATE_MAX = 8192,
    WHISPER_LAYERS_MAX = 128,
};

/* One of the two networks. */
struct whisper_part {
    size_t ctx; /* rows at most */
    size_t state, heads, layers;
    size_t inner; /* width of the feed-forward part */
};

struct whisper_sizes {
    size_t vocab, mels;
    struct whisper_part audio, text; /* of one `state` */
};

/*
 * `path` is a file or a folder. Texts come from `a`, which must outlive *ret.
 * OTK_ENOENT; OTK_EFORMAT, OTK_ELIMIT: the file and field that are wrong.
 */
int whisper_source_open(const char *path, struct arena *a,
                        struct whisper_source **ret, struct err *e);
void whisper_source_close(struct whisper_source *s); /* NULL is fine */

const struct whisper_sizes *whisper_sizes(const struct whisper_source *s);
size_t whisper_source_values(const struct whisper_source *s); /* numbers */

/* mels × MEL_BINS numbers to `ret`. */
int whisper_filters(const struct whisper_source *s, float *ret, struct err *e);

/* Bytes of the tokens below the special ones; of the arena. */
const struct str *whisper_tokens(const struct whisper_source *s, size_t *ret_n);

/*
 * The tensor of that name and shape (dimensions of 1 do not count). OTK_EFORMAT
 * names it, what it is and what it should be.
 */
int whisper_tensor(const struct whisper_source *s, const char *name,
                   const size_t *dims, int n_dims, const struct weight **ret,
                   struct err *e);

/* OTK_EFORMAT: sizes that make no network, or none that is read here. */
int whisper_sizes_check(const struct whisper_sizes *s, struct err *e);

#endif
