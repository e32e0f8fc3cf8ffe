/*
 * model/encoder.h - tokens in, a vector a token out
 *
 * BERT and its family (Devlin et al. 2018; DistilBERT, RoBERTa, XLM-R,
 * MiniLM), computed by src/tensor. A batch is one sequence of tokens, text
 * behind text, without padding: what a batch costs is what its tokens cost.
 */
#ifndef OTK_MODEL_ENCODER_H
#define OTK_MODEL_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/linear.h"

struct err;
struct model_config;
struct names;

struct encoder; /* immutable: any number of sessions may use it */

/*
 * Packs the weights that `n` names. The words' embeddings stay where they lie:
 * the weights must outlive the encoder. OTK_EFORMAT: a tensor is missing, of
 * another shape, or not finite.
 */
int encoder_new(const struct names *n, enum precision p, struct encoder **ret,
                struct err *e);

/*
 * An encoder in parts, as a packed file keeps them, whose number and sizes
 * follow from the config: words' embeddings (bf16 unless `p` is f32),
 * positions, norms, then the matrices of each layer.
 */
size_t encoder_n_parts(const struct model_config *c);
size_t encoder_part_bytes(const struct model_config *c, enum precision p,
                          size_t i);
/* `room` has the first part's size, which is made there; others lie in `x`. */
int encoder_part(const struct encoder *x, size_t i, void *room, struct str *ret,
                 struct err *e);
/*
 * An encoder over such parts where they lie, aligned to 64 bytes; they and `c`
 * must outlive it. OTK_EFORMAT: a size or a value that cannot be. Words' rows
 * are looked at when they are used.
 */
int encoder_map(const struct model_config *c, enum precision p,
                const struct str *parts, struct encoder **ret, struct err *e);

void encoder_free(struct encoder *x); /* NULL is fine */
const struct model_config *encoder_config(const struct encoder *x);
size_t encoder_bytes(const struct encoder *x); /* of what was packed */

/* A team of threads with their working memory: one forward at a time. */
struct session;
struct session *session_new(int threads);
void session_free(struct session *s); /* NULL is fine */

/* A product by itself, such as a head's, with the session's threads. */
void session_linear(struct session *s, const struct linear_job *j);

struct batch {
    const uint32_t *ids;   /* of all texts, one behind the other */
    const size_t *offsets; /* of each text; [n_texts]: the number of ids */
    size_t n_texts;
};

/* What is wanted of each text. */
enum encoder_want {
    WANT_TOKENS, /* a row for each token */
    WANT_FIRST,  /* a row for each text: its first token, which is cheaper */
};

/*
 * Rows of `hidden` numbers to `ret`. Ids are below the vocabulary, no text is
 * empty or longer than max_tokens: OTK_EINVAL says which is. OTK_EFORMAT: an
 * embedding is not finite.
 */
int encoder_run(const struct encoder *x, struct session *s,
                const struct batch *b, enum encoder_want want, float *ret,
                struct err *e);

#endif
