/*
 * model/model.h - a language model as its folder has it, ready to be asked
 *
 * Tokenizer, encoder, and what stands on it: pooling to one vector a text
 * (Reimers and Gurevych 2019), or the labels of a classifier. The folder is one
 * of Hugging Face: config.json, model.safetensors, tokenizer.json or vocab.txt,
 * and the files of sentence-transformers if there are.
 *
 * Immutable and counted by references: any number of threads may ask one, each
 * with a session of its own (model/encoder.h).
 */
#ifndef OTK_MODEL_MODEL_H
#define OTK_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "model/config.h"
#include "tensor/linear.h"

struct err;
struct model;
struct session;
struct tokenizer_scratch;

/* MODEL_TEXTS_MAX texts of up to TOKENIZER_TEXT_MAX bytes in one call. */
enum { MODEL_TEXTS_MAX = 100000 };

/*
 * A packed file of that precision (model/packed.h) is used where it lies; one
 * that does not fit is passed over, and info.note says why. An adapter that
 * lies in the folder (model/adapter.h) is merged. OTK_ENOENT, OTK_EFORMAT,
 * OTK_ELIMIT: the file and field that are wrong, among them a tokenizer that
 * has more tokens than the encoder.
 */
int model_load(const char *folder, enum precision p, struct model **ret,
               struct err *e);
/* The same out of the weights, whatever is packed. */
int model_load_weights(const char *folder, enum precision p, struct model **ret,
                       struct err *e);
/* Write the packed file of the folder's model; *ret_bytes is its size. */
int model_pack(const char *folder, enum precision p, size_t *ret_bytes,
               struct err *e);
/* What loading leaves out of a packed file: the sum of words' embeddings. */
int model_check_packed(const struct model *m, struct err *e);
struct model *model_ref(struct model *m);
void model_unref(struct model *m); /* NULL is fine */

struct model_info {
    const struct model_config *config;
    enum precision precision;
    size_t max_tokens;     /* of a text, special ones included */
    size_t parameters;     /* numbers in the model's files */
    size_t bytes;          /* of packed weights in memory */
    bool has_labels;       /* config->labels name what model_classify() gives */
    bool mean, normalized; /* how a text's vector is made */
    size_t tokens;         /* that the tokenizer knows */
    const char *tokenizer; /* its kind: "WordPiece" */
    bool packed;           /* out of a packed file */
    const char *note; /* why a packed file that is there was not used; NULL */
};
const struct model_info *model_info(const struct model *m);

/* A text's tokens, to be asked about with others. */
struct encoded {
    uint32_t *ids;
    size_t n;
    bool truncated;
};
/* Call it in the thread that has the text; free encoded.ids. */
int model_encode(const struct model *m, struct tokenizer_scratch *s,
                 struct str text, struct encoded *ret, struct err *e);

/* What heads see of a text: config->hidden numbers, not brought to a length. */
int model_pool(const struct model *m, struct session *s,
               const struct encoded *texts, size_t n, float *ret,
               struct err *e);
/*
 * The head of a task that finetune() taught, `outs` classes out of such
 * numbers; the caller frees it. OTK_EFORMAT: there is none of that size.
 */
int model_head(const struct model *m, const char *task, size_t outs,
               struct linear **ret, struct err *e);

/* A vector of config->hidden numbers for each text, to `ret`. */
int model_embed(const struct model *m, struct session *s,
                const struct encoded *texts, size_t n, float *ret,
                struct err *e);
/* config->n_labels raw scores for each text. OTK_EINVAL: it has no labels. */
int model_classify(const struct model *m, struct session *s,
                   const struct encoded *texts, size_t n, float *ret,
                   struct err *e);

/* The same of texts, as they come. OTK_ELIMIT, OTK_EINVAL: too many or too long
 * ones, or one without a character; the error has its number. */
int model_embed_texts(const struct model *m, struct session *s,
                      const struct str *texts, size_t n, float *ret,
                      struct err *e);

#endif
