/* SPDX-License-Identifier: Apache-2.0 */
#include "text/stem.h"

#include <libstemmer.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/unicode.h"
#include "text/words.h"

/*
 * Words repeat; Snowball is a few microseconds a word. A small direct-mapped
 * cache keeps the last stem that each slot has seen.
 */
enum { CACHE_SLOTS = 4096, CACHED_WORD = 40, WORD_MAX = 200 };

struct cached {
    uint8_t word_len, stem_len;
    char word[CACHED_WORD], stem[CACHED_WORD];
};

struct stemmer {
    struct sb_stemmer *ru, *en;
    struct cached cache[CACHE_SLOTS];
};

struct stemmer *stemmer_new(void)
{
    struct stemmer *s = MEM_NEW(struct stemmer);
    s->ru = sb_stemmer_new("russian", NULL);
    s->en = sb_stemmer_new("english", NULL);
    if (!s->ru || !s->en)
        bug("libstemmer lacks Russian or English");
    return s;
}

void stemmer_free(struct stemmer *s)
{
    if (!s)
        return;
    sb_stemmer_delete(s->ru);
    sb_stemmer_delete(s->en);
    free(s);
}

/* NULL: leave the word alone. */
static struct sb_stemmer *algorithm_for(struct stemmer *s, struct str w)
{
    bool cyrillic = false;
    bool latin = false;
    for (size_t i = 0; i < w.n; i++) {
        unsigned char c = (unsigned char)w.p[i];
        if (c == 0xd0 || c == 0xd1)
            cyrillic = true;
        else if (c >= 0xc0 || (c >= '0' && c <= '9') || c == '@' || c == '.' ||
                 c == '_')
            return NULL;
        else if (c < 0x80)
            latin |= c >= 'a' && c <= 'z';
    }
    if (cyrillic == latin)
        return NULL;
    return cyrillic ? s->ru : s->en;
}

struct str stem(struct stemmer *s, struct str word)
{
    if (word.n > WORD_MAX)
        return word;
    struct sb_stemmer *algorithm = algorithm_for(s, word);
    if (!algorithm)
        return word;
    struct cached *c = NULL;
    if (word.n <= CACHED_WORD) {
        c = &s->cache[str_hash(word) % CACHE_SLOTS];
        if (c->word_len == word.n && memcmp(c->word, word.p, word.n) == 0)
            return (struct str){.p = c->stem, .n = c->stem_len};
    }
    const sb_symbol *p =
        sb_stemmer_stem(algorithm, (const sb_symbol *)word.p, (int)word.n);
    struct str result = {.p = (const char *)p,
                         .n = (size_t)sb_stemmer_length(algorithm)};
    if (!p)
        return word;
    if (c && result.n <= CACHED_WORD) {
        c->word_len = (uint8_t)word.n;
        c->stem_len = (uint8_t)result.n;
        memcpy(c->word, word.p, word.n);
        memcpy(c->stem, result.p, result.n);
    }
    return result;
}

/* clang-format off */
static const char *const stopwords[] = { /* sorted by bytes */
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any",
    "are", "as", "at", "be", "because", "been", "but", "by", "can", "could",
    "did", "do", "does", "for", "from", "had", "has", "have", "he", "hello",
    "her", "hi", "him", "his", "how", "i", "i'm", "if", "in", "into", "is",
    "it", "it's", "its", "just", "me", "my", "of", "on", "or", "our", "please",
    "she", "should", "so", "some", "than", "thanks", "that", "the", "their",
    "them", "then", "there", "these", "they", "this", "those", "to", "up",
    "us", "was", "we", "were", "what", "when", "where", "which", "who", "why",
    "will", "with", "would", "you", "your",
    "а", "бы", "был", "была", "были", "было", "быть", "в", "вам", "вас", "во",
    "вот", "все", "вы", "где", "да", "для", "до", "его", "ее", "если", "есть",
    "еще", "ж", "же", "за", "здравствуйте", "и", "из", "или", "им", "их", "к",
    "как", "ко", "когда", "кто", "ли", "либо", "мне", "мой", "мы", "на",
    "нам", "нас", "наш", "не", "него", "нет", "ни", "но", "ну", "о", "об",
    "он", "она", "они", "оно", "от", "по", "под", "пожалуйста", "при", "с",
    "со", "так", "также", "там", "то", "тоже", "только", "тут", "ты", "у",
    "уже", "чем", "что", "чтобы", "эта", "эти", "это", "этот", "я",
};
/* clang-format on */

static int compare_word(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key,
                   str_from(*(const char *const *)item));
}

bool stem_is_stopword(struct str folded_word)
{
    return bsearch(&folded_word, stopwords,
                   sizeof(stopwords) / sizeof(stopwords[0]),
                   sizeof(stopwords[0]), compare_word) != NULL;
}

struct str stems_of(struct arena *a, struct stemmer *s, struct str text)
{
    struct str folded = text_fold(a, text);
    /* a Snowball stem is never longer than its word */
    char *out = arena_alloc(a, 2 * folded.n + 1, 1);
    size_t n = 0;
    size_t at = 0;
    struct word w;
    while (word_next(folded, &at, &w)) {
        struct str t = stem(s, w.text);
        if (n)
            out[n++] = ' ';
        memcpy(out + n, t.p, t.n);
        n += t.n;
    }
    return (struct str){.p = out, .n = n};
}
