/*
 * text/tokenizer.h - a text as the numbers that a language model reads
 *
 * Reads the vocabularies of the BERT family: WordPiece, byte-level BPE and
 * SentencePiece unigram, and gives the ids and places that the library
 * `tokenizers` of Hugging Face gives for the same files, its special tokens
 * included. (Wu et al. 2016 for WordPiece, Sennrich et al. 2016 and Radford et
 * al. 2019 for BPE, Kudo 2018 for unigram; the file formats as that library
 * writes them.) What a file asks for and this does not do is an error that
 * names the field; `decoder` and `padding` are not read: nothing is decoded
 * here, and who makes a batch pads it with TOKENIZER_PAD.
 *
 * Two differences are known: some 500 characters of rare scripts, which Unicode
 * 9 or later added or moved, have today's classes and forms here and those of
 * older tables there; and bytes that are not UTF-8 are U+FFFD here and
 * impossible there.
 *
 * Ownership: a tokenizer and a scratch are the caller's.
 * Threads: a tokenizer does not change and may be shared; a scratch is used by
 * one thread at a time.
 */
#ifndef OTK_TEXT_TOKENIZER_H
#define OTK_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct tokenizer;
struct tokenizer_scratch;

/* The longest text, in bytes: articles and mails are far below it. */
#define TOKENIZER_TEXT_MAX ((size_t)1 << 20)

/*
 * Read `folder`: tokenizer.json; where it is absent, vocab.txt (WordPiece) or
 * vocab.json with merges.txt (byte-level BPE), these two with
 * tokenizer_config.json. OTK_ENOENT: none of them is there; OTK_EFORMAT and
 * OTK_ELIMIT name the file and the field or line. The caller frees *ret.
 */
int tokenizer_load(const char *folder, struct tokenizer **ret, struct err *e);

/* The same from the bytes of a tokenizer.json. */
int tokenizer_parse(struct str json, struct tokenizer **ret, struct err *e);

void tokenizer_free(struct tokenizer *t); /* NULL is fine */

size_t tokenizer_size(const struct tokenizer *t); /* every id is below it */

/* "WordPiece", "BPE", "Unigram" */
const char *tokenizer_kind(const struct tokenizer *t);

/* The most tokens of one text that the files ask for; 0: they do not say. */
size_t tokenizer_limit(const struct tokenizer *t);

enum tokenizer_special {
    TOKENIZER_CLS, /* also <s> */
    TOKENIZER_SEP, /* also </s> */
    TOKENIZER_PAD,
    TOKENIZER_UNK,
    TOKENIZER_MASK,
};

/* The id of a special token; OTK_ENOENT: this vocabulary has none. */
int tokenizer_special(const struct tokenizer *t, enum tokenizer_special which,
                      uint32_t *ret);

/* Working memory of one thread, kept between calls. */
struct tokenizer_scratch *tokenizer_scratch_new(void);
void tokenizer_scratch_free(struct tokenizer_scratch *s); /* NULL is fine */

/*
 * Token i was made of the bytes from[i] up to to[i] of the text; both lie
 * between characters. A special token that the text does not hold has 0, 0.
 * Tokens may overlap: several of one character each have all of it.
 */
struct tokens {
    const uint32_t *ids;
    const uint32_t *from, *to;
    size_t n;
    bool truncated; /* the text has more than these */
};

/*
 * Encode `text` with special tokens around it, cut to the smaller of
 * `max_tokens` (0: no limit, else at least as many as there are special tokens)
 * and tokenizer_limit(), special tokens included. Names of special tokens in
 * the text become those tokens, as in the reference. The views in *ret live
 * until the next call with `s`. OTK_ELIMIT: the text is longer than
 * TOKENIZER_TEXT_MAX or grew beyond reason; OTK_EINVAL: `max_tokens`.
 */
int tokenizer_encode(const struct tokenizer *t, struct tokenizer_scratch *s,
                     struct str text, size_t max_tokens, struct tokens *ret,
                     struct err *e);

#endif
