/* SPDX-License-Identifier: Apache-2.0 */
#include "model/whisper_tokens.h"

#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/utf8.h"
#include "model/whisper.h"
#include "text/unicode.h"

enum {
    MULTILINGUAL = 51865, /* tokens, from here on */
    ENGLISH_TEXT = 50256, /* tokens of text; one more in the others */
    LANGUAGES = 99,       /* of a multilingual model of that size */
    LAST_TIME = 1500,     /* 30 s */
    PIECES_MAX = 512,     /* bytes of a word that is encoded as one */
};

/* In the order of their tokens (whisper's tokenizer.py). */
static const struct {
    const char *code, *name;
} languages[] = {
    {"en", "english"},     {"zh", "chinese"},    {"de", "german"},
    {"es", "spanish"},     {"ru", "russian"},    {"ko", "korean"},
    {"fr", "french"},      {"ja", "japanese"},   {"pt", "portuguese"},
    {"tr", "turkish"},     {"pl", "polish"},     {"ca", "catalan"},
    {"nl", "dutch"},       {"ar", "arabic"},     {"sv", "swedish"},
    {"it", "italian"},     {"id", "indonesian"}, {"hi", "hindi"},
    {"fi", "finnish"},     {"vi", "vietnamese"}, {"he", "hebrew"},
    {"uk", "ukrainian"},   {"el", "greek"},      {"ms", "malay"},
    {"cs", "czech"},       {"ro", "romanian"},   {"da", "danish"},
    {"hu", "hungarian"},   {"ta", "tamil"},      {"no", "norwegian"},
    {"th", "thai"},        {"ur", "urdu"},       {"hr", "croatian"},
    {"bg", "bulgarian"},   {"lt", "lithuanian"}, {"la", "latin"},
    {"mi", "maori"},       {"ml", "malayalam"},  {"cy", "welsh"},
    {"sk", "slovak"},      {"te", "telugu"},     {"fa", "persian"},
    {"lv", "latvian"},     {"bn", "bengali"},    {"sr", "serbian"},
    {"az", "azerbaijani"}, {"sl", "slovenian"},  {"kn", "kannada"},
    {"et", "estonian"},    {"mk", "macedonian"}, {"br", "breton"},
    {"eu", "basque"},      {"is", "icelandic"},  {"hy", "armenian"},
    {"ne", "nepali"},      {"mn", "mongolian"},  {"bs", "bosnian"},
    {"kk", "kazakh"},      {"sq", "albanian"},   {"sw", "swahili"},
    {"gl", "galician"},    {"mr", "marathi"},    {"pa", "punjabi"},
    {"si", "sinhala"},     {"km", "khmer"},      {"sn", "shona"},
    {"yo", "yoruba"},      {"so", "somali"},     {"af", "afrikaans"},
    {"oc", "occitan"},     {"ka", "georgian"},   {"be", "belarusian"},
    {"tg", "tajik"},       {"sd", "sindhi"},     {"gu", "gujarati"},
    {"am", "amharic"},     {"yi", "yiddish"},    {"lo", "lao"},
    {"uz", "uzbek"},       {"fo", "faroese"},    {"ht", "haitian creole"},
    {"ps", "pashto"},      {"tk", "turkmen"},    {"nn", "nynorsk"},
    {"mt", "maltese"},     {"sa", "sanskrit"},   {"lb", "luxembourgish"},
    {"my", "myanmar"},     {"bo", "tibetan"},    {"tl", "tagalog"},
    {"mg", "malagasy"},    {"as", "assamese"},   {"tt", "tatar"},
    {"haw", "hawaiian"},   {"ln", "lingala"},    {"ha", "hausa"},
    {"ba", "bashkir"},     {"jw", "javanese"},   {"su", "sundanese"},
    {"yue", "cantonese"},
};
enum { LANGUAGES_KNOWN = sizeof(languages) / sizeof(*languages) };

const char *whisper_language(size_t i)
{
    return i < LANGUAGES_KNOWN ? languages[i].code : NULL;
}

int whisper_language_find(struct str name)
{
    for (int i = 0; i < LANGUAGES_KNOWN; i++) {
        if (str_is(name, languages[i].code) || str_is(name, languages[i].name))
            return i;
    }
    return -1;
}

/* ---- what there is
 * ------------------------------------------------------------------ */

int whisper_vocabulary_init(struct whisper_vocabulary *v,
                            const struct str *tokens, size_t n, size_t vocab,
                            struct err *e)
{
    bool many = vocab >= MULTILINGUAL;
    size_t text = ENGLISH_TEXT + (many ? 1 : 0);
    /* languages take what the other tokens leave */
    size_t rest = text + 2 + 6 + LAST_TIME + 1;
    if (vocab < rest || vocab - rest > LANGUAGES_KNOWN)
        return err_set(e, OTK_EFORMAT,
                       "n_vocab is %zu; Whisper has %d (English), %d or %d "
                       "tokens",
                       vocab, MULTILINGUAL - 1, MULTILINGUAL, MULTILINGUAL + 1);
    size_t n_languages = vocab - rest;
    uint32_t at = (uint32_t)text;
    *v = (struct whisper_vocabulary){
        .tokens = tokens,
        .n_text = n < text ? n : text,
        .all = vocab,
        .n_languages = many ? n_languages : 0,
    };
    v->end = at++;
    v->start = at++;
    v->languages = at;
    at += (uint32_t)n_languages;
    v->translate = at++;
    v->transcribe = at++;
    v->only_lm = at++;
    v->before = at++;
    v->no_speech = at++;
    v->no_times = at++;
    v->times = at;
    v->by_bytes = map_new();
    for (size_t i = 0; i < v->n_text; i++) {
        bool new;
        union map_value *slot = map_put(v->by_bytes, tokens[i], &new);
        if (new)
            slot->num = (int64_t)i;
    }
    return OTK_OK;
}

void whisper_vocabulary_deinit(struct whisper_vocabulary *v)
{
    map_free(v->by_bytes);
    v->by_bytes = NULL;
}

struct str whisper_vocabulary_bytes(const struct whisper_vocabulary *v,
                                    uint32_t token)
{
    return token < v->n_text ? v->tokens[token] : (struct str){0};
}

/* ---- text to tokens
 * ----------------------------------------------------------------- */

enum kind { KIND_LETTER, KIND_DIGIT, KIND_SPACE, KIND_OTHER };

static size_t next(struct str s, size_t at, enum kind *ret)
{
    uint32_t cp = 0;
    size_t n = at < s.n ? utf8_decode(str_sub(s, at, s.n), &cp) : 0;
    *ret = cp_is_letter(cp)                          ? KIND_LETTER
           : cp_is_digit(cp)                         ? KIND_DIGIT
           : cp == ' ' || (cp >= '\t' && cp <= '\r') ? KIND_SPACE
                                                     : KIND_OTHER;
    return n ? n : at < s.n;
}

/*
 * The end of the word at `at`: letters, digits or signs of one kind, with a
 * blank before them, or blanks. GPT-2's pattern, without its English 's and 't,
 * which give the same text by other tokens.
 */
static size_t word_end(struct str s, size_t at)
{
    enum kind kind;
    enum kind after;
    size_t end = at + next(s, at, &kind);
    if (kind == KIND_SPACE && s.p[at] == ' ' && end < s.n) {
        size_t n = next(s, end, &after);
        if (after != KIND_SPACE) {
            kind = after;
            end += n;
        }
    }
    for (;;) {
        size_t n = next(s, end, &after);
        if (!n || after != kind)
            return end;
        /* the last blank belongs to the word behind it */
        if (kind == KIND_SPACE && end + n < s.n) {
            enum kind third;
            (void)next(s, end + n, &third);
            if (third != KIND_SPACE)
                return end;
        }
        end += n;
    }
}

static int64_t find(const struct whisper_vocabulary *v, struct str bytes)
{
    const union map_value *slot = map_find(v->by_bytes, bytes);
    return slot ? slot->num : -1;
}

/* Pieces of a word are joined, those of the lowest number first, until no two
 * neighbours are a token. */
static size_t encode_word(const struct whisper_vocabulary *v, struct str word,
                          uint32_t *ret, size_t most)
{
    size_t ends[PIECES_MAX + 1] = {0}; /* of pieces; [0] is where they begin */
    size_t n = word.n;
    for (size_t i = 0; i <= n; i++)
        ends[i] = i;
    for (;;) {
        size_t best = 0;
        int64_t rank = -1;
        for (size_t i = 0; i + 2 <= n; i++) {
            int64_t own =
                find(v, str_sub(word, ends[i], ends[i + 2] - ends[i]));
            if (own >= 0 && (rank < 0 || own < rank)) {
                rank = own;
                best = i;
            }
        }
        if (rank < 0)
            break;
        memmove(&ends[best + 1], &ends[best + 2],
                (n - best - 1) * sizeof(*ends));
        n--;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n && kept < most; i++) {
        int64_t id = find(v, str_sub(word, ends[i], ends[i + 1] - ends[i]));
        if (id >= 0)
            ret[kept++] = (uint32_t)id;
    }
    return kept;
}

size_t whisper_vocabulary_encode(const struct whisper_vocabulary *v,
                                 struct str text, uint32_t *ret, size_t most)
{
    size_t n = 0;
    for (size_t at = 0; at < text.n && n < most;) {
        size_t end = word_end(text, at);
        end = end - at > PIECES_MAX ? at + PIECES_MAX : end;
        n += encode_word(v, str_sub(text, at, end - at), ret + n, most - n);
        at = end;
    }
    return n;
}
