/*
 * text/tokenizer_parts.h - what the files of the tokenizer share
 *
 * A text passes four stations: names of added tokens are cut out (added.c),
 * what lies between is normalized (normalizer.c, charsmap.c), cut into words
 * (pretokenizer.c), and each word becomes tokens (wordpiece.c, bpe.c,
 * unigram.c). On the way it is a row of glyphs, each of which knows the bytes
 * of the text that it came from.
 */
#ifndef OTK_TEXT_TOKENIZER_PARTS_H
#define OTK_TEXT_TOKENIZER_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "text/tokenizer.h"
#include "text/trie.h"

struct err;

enum {
    GLYPHS_MAX = 1 << 22,   /* of a text once normalized: memory and time */
    TOKEN_BYTES_MAX = 1024, /* the longest token of a vocabulary */
    IDS_MAX = 1 << 22,      /* the largest known vocabulary has 2^20 */
    STEPS_MAX = 32,         /* of a normalizer, of a pre-tokenizer */
    BYTE_SPACE = 0x120,     /* the sign of the byte 0x20 in byte-level BPE */
};

/* ---- glyphs.c: texts on their way -------------------------------------- */

struct glyph {
    uint32_t cp;
    uint32_t from, to; /* bytes of the text */
};

/* A growing row; one that would pass GLYPHS_MAX is `full` and stays so. */
struct glyphs {
    struct glyph *p;
    size_t n, cap;
    bool full;
};

bool glyphs_reserve(struct glyphs *g, size_t more);  /* false: full */
void glyphs_read(struct glyphs *g, struct str text); /* replaces what was in */

static inline void glyphs_put(struct glyphs *g, struct glyph x)
{
    if (g->n < g->cap || glyphs_reserve(g, 1))
        g->p[g->n++] = x;
}

/*
 * Rewriting with the reference's notion of where a new character comes from:
 * `change` 0 takes the place of the next old one, -k of the next and k more,
 * 1 is put in after the last old one taken and shares its bytes.
 */
struct rewrite {
    const struct glyph *old;
    size_t n, at; /* of `old`: how many there are, how many are taken */
    struct glyphs *out;
};
void rewrite_put(struct rewrite *w, uint32_t cp, int change);

bool cp_is_white(uint32_t cp);       /* White_Space */
bool cp_is_word(uint32_t cp);        /* \w of UTS 18, annex C */
bool cp_is_control(uint32_t cp);     /* Cc, Cf, Co but tab and line ends */
bool cp_is_number(uint32_t cp);      /* N* */
bool cp_is_mark(uint32_t cp);        /* Mn, Mc, Me */
bool cp_is_nonspacing(uint32_t cp);  /* Mn */
bool cp_is_punctuation(uint32_t cp); /* P*, and all ASCII symbols */

/* ---- normalizer.c, charsmap.c ------------------------------------------ */

struct charsmap;
/* From the bytes of `precompiled_charsmap`, base64 decoded. */
int charsmap_new(struct str bytes, struct charsmap **ret, struct err *e);
void charsmap_free(struct charsmap *m);
void charsmap_run(const struct charsmap *m, const struct glyph *in, size_t n,
                  struct glyphs *out);

enum normal_kind {
    NORMAL_CLEAN,   /* BERT: no control characters, one kind of white space */
    NORMAL_CJK,     /* BERT: spaces around Chinese characters */
    NORMAL_FORM,    /* NFC, NFD, NFKC, NFKD */
    NORMAL_NO_MN,   /* BERT: without nonspacing marks */
    NORMAL_NO_MARK, /* StripAccents: without marks */
    NORMAL_LOWER,
    NORMAL_STRIP,
    NORMAL_REPLACE,
    NORMAL_CHARSMAP,
};

struct cps {
    uint32_t *p;
    size_t n;
};

struct normal_step {
    enum normal_kind kind;
    bool compose, compat; /* NORMAL_FORM */
    bool left, right;     /* NORMAL_STRIP */
    struct cps pattern;   /* NORMAL_REPLACE: these, or when `at_least` > 0 */
    size_t at_least;      /* so many or more of the first of them, */
    bool white;           /* or of any white space */
    struct cps content;
    struct charsmap *map;
};

/* A mark or letter while it is put into canonical order. */
struct normal_mark {
    uint32_t cp;
    uint32_t order; /* where it stood: sorting must be stable */
    int change;
    uint8_t class;
};

/* Run all steps; the result is in `s` or `in` itself, until the next call. */
const struct glyph *normalize(const struct tokenizer *t,
                              struct tokenizer_scratch *s,
                              const struct glyph *in, size_t n, size_t *ret_n);

/* ---- pretokenizer.c ---------------------------------------------------- */

enum cut_kind {
    CUT_WHITE, /* WhitespaceSplit */
    CUT_WORDS, /* Whitespace: \w+|[^\w\s]+ */
    CUT_BERT,  /* white space and punctuation */
    CUT_BYTES, /* ByteLevel */
    CUT_META,  /* Metaspace */
};

enum cut_prepend { PREPEND_NEVER, PREPEND_FIRST, PREPEND_ALWAYS };

struct cut_step {
    enum cut_kind kind;
    enum cut_prepend prepend; /* CUT_BYTES, CUT_META: a space in front */
    bool split;               /* CUT_BYTES, CUT_META: cut, or only rewrite */
    uint32_t replacement;     /* CUT_META: of spaces */
};

struct span {
    size_t at, n; /* glyphs */
};

struct spans {
    struct span *p;
    size_t n, cap;
};

/* Cut `in` into the words of s->words, spans of the returned glyphs. */
const struct glyph *pretokenize(const struct tokenizer *t,
                                struct tokenizer_scratch *s,
                                const struct glyph *in, size_t n);

/* ---- added.c ----------------------------------------------------------- */

struct added_token {
    uint32_t id;
    bool single_word, lstrip, rstrip;
};

struct added_set {
    struct trie contents; /* to the index of the token */
    bool first[256];      /* does one begin with a character so & 255? */
    bool any;
};

struct added {
    struct added_token *items;
    size_t n, cap;
    struct added_set raw;    /* looked for in the text as it came */
    struct added_set normal; /* looked for in the normalized text */
};

struct added_piece {
    size_t at, n;                    /* glyphs */
    const struct added_token *token; /* NULL: text between tokens */
};

struct added_pieces {
    struct added_piece *p;
    size_t n, cap;
};

/* `content` was checked; OTK_ECONFLICT: it is there already. */
int added_put(struct added *a, bool normal, struct str content,
              struct added_token token);
void added_cut(const struct added *a, const struct added_set *set,
               const struct glyph *in, size_t n, struct added_pieces *ret);

/* ---- the models -------------------------------------------------------- */

struct wordpiece {
    size_t max_chars; /* a longer word is unknown */
    uint32_t inside;  /* the node where tokens inside a word begin */
};

struct merge {
    uint32_t left, right; /* left == TRIE_NONE: the slot is free */
    uint32_t id, rank;
};

struct bpe {
    struct merge *slots;
    unsigned shift; /* 64 - log2 of the slots */
    size_t n;
    bool fuse_unk;
};

struct unigram {
    double *scores; /* by id */
    double unk_score;
};

struct path_node { /* unigram: the best way to one end of a word's front */
    double score;
    uint32_t start;
    uint32_t id; /* TRIE_NONE: not reached */
};

struct symbol { /* bpe: a list over the glyphs of one word */
    uint32_t id;
    uint32_t n; /* glyphs; 0: merged into the one before */
    uint32_t at;
    uint32_t prev, next; /* TRIE_NONE: an end */
};

struct candidate { /* bpe: a heap of possible merges */
    uint32_t rank, at, id;
};

/* Make tokens of one word, n > 0. */
void wordpiece_encode(const struct tokenizer *t, struct tokenizer_scratch *s,
                      const struct glyph *g, size_t n);
void bpe_encode(const struct tokenizer *t, struct tokenizer_scratch *s,
                const struct glyph *g, size_t n);
void unigram_encode(const struct tokenizer *t, struct tokenizer_scratch *s,
                    const struct glyph *g, size_t n);

void bpe_init(struct bpe *b, size_t merges);
/* OTK_ECONFLICT: the pair has a merge already. */
int bpe_put(struct bpe *b, struct merge m);

/* ---- the whole --------------------------------------------------------- */

typedef void model_encode(const struct tokenizer *t,
                          struct tokenizer_scratch *s, const struct glyph *g,
                          size_t n);

struct tokenizer {
    struct normal_step *normals;
    struct cut_step *cuts;
    size_t n_normals, n_cuts;
    struct added added;

    model_encode *encode;
    struct trie vocabulary; /* token to id */
    uint32_t unk;           /* TRIE_NONE: none */
    struct wordpiece wordpiece;
    struct bpe bpe;
    struct unigram unigram;

    uint32_t *front, *back; /* special tokens around a text */
    size_t n_front, n_back;
    bool trim;       /* places without the white space of the tokens */
    bool trim_first; /* but not the space put in before the first */

    size_t limit;     /* tokens; 0: none */
    bool limit_front; /* what is over goes from the front */

    uint32_t special[TOKENIZER_MASK + 1]; /* TRIE_NONE: absent */
    uint8_t *seen;                        /* while loading: a bit for each id */
    size_t n_ids;                         /* that are taken */
    size_t size;                          /* the largest id and one */
};

struct piece_token {
    uint32_t id;
    uint32_t from, to;
    uint32_t lead, trail; /* white characters at its ends */
};

struct tokenizer_scratch {
    struct glyphs text;
    struct glyphs normal[2], cut[2]; /* steps write them by turns */
    struct glyphs prefixed;          /* CUT_BYTES: with a space in front */
    struct added_pieces raw, inner;
    struct spans words, cutting;
    struct normal_mark *marks;
    struct path_node *path;
    struct symbol *symbols;
    struct candidate *heap;
    struct piece_token *tokens;
    uint32_t *ids, *from, *to;
    size_t n_marks, n_heap, n_tokens;
    size_t marks_cap, path_cap, symbols_cap, heap_cap, tokens_cap, out_cap;
};

/* A token of `n` glyphs from `g` on. */
void token_put(const struct tokenizer *t, struct tokenizer_scratch *s,
               uint32_t id, const struct glyph *g, size_t n);

/* ---- vocabulary.c: what all ways of loading share ---------------------- */

struct tokenizer *tokenizer_new(void);

/* Add a token of the model; `field` names the place in errors. */
int vocabulary_put(struct tokenizer *t, const char *field, struct str token,
                   int64_t id, struct err *e);
/* Add one that is matched in texts; the normalizer must be there by now. */
int vocabulary_add(struct tokenizer *t, struct str content, bool normal,
                   struct added_token token, struct err *e);
/* Are all ids up to the largest taken? Then find the special tokens. */
int vocabulary_finish(struct tokenizer *t, const char *field, struct err *e);
/* Point t->unk to it. OTK_EFORMAT: the vocabulary lacks it. */
int vocabulary_unk(struct tokenizer *t, const char *field, struct str token,
                   struct err *e);
/* The id of a token, be it of the model or added; TRIE_NONE: no such token. */
uint32_t vocabulary_id(const struct tokenizer *t, struct str content);
int vocabulary_json(struct tokenizer *t, const char *field, json_t *obj,
                    struct err *e);

/* Add one merge rule, "left right". `place` names it in errors. */
int merge_put(struct tokenizer *t, const char *place, struct str left,
              struct str right, uint32_t rank, struct err *e);

/* WordPiece on the loaded vocabulary, with this mark of tokens inside words. */
int wordpiece_init(struct tokenizer *t, struct str inside, size_t max_chars,
                   struct err *e);

void bert_normalizer(struct tokenizer *t, bool clean, bool cjk, bool accents,
                     bool lower);
void steps_put_normal(struct tokenizer *t, struct normal_step step);
void steps_put_cut(struct tokenizer *t, struct cut_step step);

/* ---- tokenizer_json.c and its parts, tokenizer_files.c ----------------- */

/* One sort of normalizer, pre-tokenizer or post-processor. */
struct json_part {
    const char *type;
    int (*read)(struct tokenizer *t, json_t *obj, struct err *e);
    const char *const *fields; /* beside "type"; NULL: none */
};

/*
 * Read `obj` by its "type"; a Sequence by reading each of its `list`, at most
 * STEPS_MAX. Types and fields that are not in `parts`, which ends with a
 * type NULL, are errors. null is nothing.
 */
int parts_read(struct tokenizer *t, json_t *obj, const struct json_part *parts,
               const char *list, struct err *e);

int normalizer_read(struct tokenizer *t, json_t *obj, struct err *e);
int pretokenizer_read(struct tokenizer *t, json_t *obj, struct err *e);
int postprocessor_read(struct tokenizer *t, json_t *obj, struct err *e);
int model_read(struct tokenizer *t, json_t *obj, struct err *e);
/* A copy of one more special token around texts. */
void specials_put(uint32_t **ids, size_t *n, uint32_t id);
int tokenizer_read_text(struct tokenizer *t, struct str json, struct err *e);
int tokenizer_read_json(struct tokenizer *t, const char *folder, struct err *e);
int tokenizer_read_wordpiece(struct tokenizer *t, const char *folder,
                             struct err *e);
int tokenizer_read_bpe(struct tokenizer *t, const char *folder, struct err *e);

#endif
