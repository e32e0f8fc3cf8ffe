/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/vocabulary.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/vocabulary_words.h"
#include "knowledge/articles.h"
#include "text/language.h"
#include "text/markdown.h"
#include "text/stem.h"
#include "text/unicode.h"

enum {
    IN_TITLE = 3, /* how much more a title counts than a text */
    LANGUAGES = 3,
    CHOSEN_MAX = 200,
    ENTRY_EXTRA = 2,                           /* ", " */
    SHARE_BYTES = VOCABULARY_PROMPT_BYTES / 4, /* of staff, and of topics */
};

struct term {
    struct str text;
    int weights[LANGUAGES]; /* by language_slot() */
    int total;
};

struct vocabulary {
    atomic_int refs;
    struct arena *arena;
    struct term *terms; /* heaviest first */
    size_t n;
};

/* 0: of any or another language. */
static int language_slot(struct str code)
{
    return str_is(code, "ru") ? 1 : str_is(code, "en") ? 2 : 0;
}

/* ---- counting
 * ----------------------------------------------------------------------- */

/* A word as it is written; those of one word are a list. */
struct form {
    struct str text;
    int weights[LANGUAGES], total;
    size_t next; /* 1 + index; 0: none */
};

struct entry {
    size_t first;    /* form, 1 + index; 0: none that may be a name */
    bool in_small;   /* an article has it in small letters */
    bool is_foreign; /* a name even so: Latin in a Russian text, or digits */
};

struct counting {
    struct arena *arena; /* of forms */
    struct stemmer *stemmer;
    struct map *by_word;
    struct entry *entries;
    size_t n_entries, cap_entries;
    struct form *forms;
    size_t n_forms, cap_forms;
    /* of the article that is looked at: */
    struct arena *texts;
    struct map *seen; /* its words */
    int slot;         /* its language */
    bool is_russian;
};

/* Russian words have cases, and a stem; Teams are no team. */
static struct str key_of(const struct counting *c, struct str word)
{
    uint32_t cp;
    struct str lower = text_lower(c->texts, word);
    bool bends = utf8_decode(word, &cp) && cp_is_cyrillic(cp);
    return bends ? stem(c->stemmer, lower) : lower;
}

static struct entry *entry_of(struct counting *c, struct str key)
{
    bool is_new;
    union map_value *at = map_put(c->by_word, key, &is_new);
    if (is_new) {
        c->entries = mem_grow(c->entries, c->n_entries, &c->cap_entries,
                              sizeof(*c->entries));
        c->entries[c->n_entries] = (struct entry){0};
        at->num = (int64_t)c->n_entries++;
    }
    return &c->entries[at->num];
}

static struct form *form_of(struct counting *c, struct entry *x,
                            struct str text)
{
    for (size_t i = x->first; i; i = c->forms[i - 1].next) {
        if (str_eq(c->forms[i - 1].text, text))
            return &c->forms[i - 1];
    }
    c->forms = mem_grow(c->forms, c->n_forms, &c->cap_forms, sizeof(*c->forms));
    c->forms[c->n_forms] =
        (struct form){.text = arena_str(c->arena, text), .next = x->first};
    x->first = ++c->n_forms;
    return &c->forms[c->n_forms - 1];
}

static void count_word(struct counting *c, const struct vocabulary_word *w,
                       int weight)
{
    bool is_new;
    struct str key = key_of(c, w->text);
    struct entry *x = entry_of(c, key);
    x->in_small |= w->kind == CASE_SMALL;
    if (w->kind != CASE_NAME && !w->is_foreign)
        return;
    x->is_foreign |= w->is_foreign;
    (void)map_put(c->seen, key, &is_new);
    if (!is_new)
        return;
    struct form *f = form_of(c, x, w->text);
    f->weights[c->slot] += weight;
    f->total += weight;
}

static void count_text(struct counting *c, struct str text, int weight)
{
    struct vocabulary_word w;
    struct vocabulary_words words = {.text = text, .is_russian = c->is_russian};
    while (vocabulary_word_next(&words, &w))
        count_word(c, &w, weight);
}

static void count_article(struct counting *c, const struct knowledge_article *x)
{
    enum language found = language_detect(x->answer).language;
    c->texts = arena_new();
    c->seen = map_new();
    c->slot = language_slot(x->language);
    c->is_russian =
        x->language.n ? str_is(x->language, "ru") : found == LANGUAGE_RU;
    count_text(c, x->title, 1 + IN_TITLE);
    count_text(c, x->questions, 1);
    count_text(c, markdown_speech(x->answer, ARTICLE_ANSWER_MAX, c->texts), 1);
    map_free(c->seen);
    arena_free(c->texts);
}

/* ---- the terms
 * ---------------------------------------------------------------------- */

static int by_weight(const void *a, const void *b)
{
    const struct term *x = a;
    const struct term *y = b;
    return x->total != y->total ? y->total - x->total
                                : str_cmp(x->text, y->text);
}

/* The form that is written most stands for all of them. */
static struct term term_of(const struct counting *c, const struct entry *x)
{
    struct term t = {0};
    int most = 0;
    for (size_t i = x->first; i; i = c->forms[i - 1].next) {
        const struct form *f = &c->forms[i - 1];
        for (int l = 0; l < LANGUAGES; l++)
            t.weights[l] += f->weights[l];
        t.total += f->total;
        bool better =
            f->total > most || (f->total == most && f->text.n < t.text.n);
        if (better) {
            most = f->total;
            t.text = f->text;
        }
    }
    return t;
}

static void take_terms(struct vocabulary *v, const struct counting *c)
{
    struct term *all = mem_new(c->n_entries + 1, sizeof(*all));
    size_t n = 0;
    for (size_t i = 0; i < c->n_entries; i++) {
        const struct entry *x = &c->entries[i];
        if (x->first && (x->is_foreign || !x->in_small))
            all[n++] = term_of(c, x);
    }
    qsort(all, n, sizeof(*all), by_weight);
    v->n = n < VOCABULARY_TERMS_MAX ? n : VOCABULARY_TERMS_MAX;
    v->terms = ARENA_ARRAY(v->arena, struct term, v->n + 1);
    for (size_t i = 0; i < v->n; i++) {
        v->terms[i] = all[i];
        v->terms[i].text = arena_str(v->arena, all[i].text);
    }
    free(all);
}

struct vocabulary *vocabulary_new(const struct knowledge_article *articles,
                                  size_t n)
{
    struct vocabulary *v = MEM_NEW(struct vocabulary);
    struct counting c = {
        .arena = arena_new(), .by_word = map_new(), .stemmer = stemmer_new()};
    atomic_init(&v->refs, 1);
    v->arena = arena_new();
    for (size_t i = 0; i < n; i++)
        count_article(&c, &articles[i]);
    take_terms(v, &c);
    map_free(c.by_word);
    stemmer_free(c.stemmer);
    free(c.entries);
    free(c.forms);
    arena_free(c.arena);
    return v;
}

struct vocabulary *vocabulary_ref(struct vocabulary *v)
{
    if (v)
        atomic_fetch_add(&v->refs, 1);
    return v;
}

void vocabulary_unref(struct vocabulary *v)
{
    if (!v || atomic_fetch_sub(&v->refs, 1) > 1)
        return;
    arena_free(v->arena);
    free(v);
}

/* ---- from the store
 * ----------------------------------------------------------------- */

static int load(struct db_tx *tx, void *arg, struct err *e)
{
    struct vocabulary **ret = arg;
    SCOPED(scope_arena) struct arena *a = arena_new();
    struct knowledge_article *articles;
    size_t n;
    int64_t generation;
    int r = articles_published(tx, a, &articles, &n, &generation, e);
    if (!r)
        *ret = vocabulary_new(articles, n);
    return r;
}

int vocabulary_load(struct desk *d, struct vocabulary **ret, struct err *e)
{
    return db_read(desk_db(d), 0, load, ret, e);
}

/* ---- the prompt
 * --------------------------------------------------------------------- */

/* What will be said, the most important first. */
struct choice {
    struct arena *arena;
    struct str texts[CHOSEN_MAX], lower[CHOSEN_MAX];
    size_t n, bytes; /* with what stands between them */
};

static bool is_chosen(const struct choice *c, struct str lower)
{
    for (size_t i = 0; i < c->n; i++) {
        if (str_eq(c->lower[i], lower))
            return true;
    }
    return false;
}

/* One more where it fits into `most` bytes of all. */
static void choose(struct choice *c, struct str text, size_t most)
{
    text = str_trim(text);
    struct str lower = text_lower(c->arena, text);
    if (text.n == 0 || text.n > VOCABULARY_WORD_MAX || c->n == CHOSEN_MAX ||
        c->bytes + text.n + ENTRY_EXTRA > most || is_chosen(c, lower))
        return;
    c->texts[c->n] = text;
    c->lower[c->n++] = lower;
    c->bytes += text.n + ENTRY_EXTRA;
}

static void choose_own(struct choice *c, struct str own)
{
    struct str word;
    while (str_next(&own, ',', &word))
        choose(c, word, VOCABULARY_PROMPT_BYTES);
}

static int weight_in(const struct term *t, const char *language)
{
    int slot = language_slot(str_from(language));
    return slot ? t->weights[slot] + t->weights[0] : t->total;
}

/* In one language the order is another one than over all. */
static void choose_terms(struct choice *c, const struct vocabulary *v,
                         const char *language, size_t most)
{
    struct term *list = ARENA_ARRAY(c->arena, struct term, v->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        struct term t = v->terms[i];
        t.total = weight_in(&t, language);
        if (t.total)
            list[n++] = t;
    }
    if (n)
        qsort(list, n, sizeof(*list), by_weight);
    for (size_t i = 0; i < n; i++)
        choose(c, list[i].text, most);
}

static void choose_staff(struct choice *c, const struct catalog *catalog,
                         size_t most)
{
    for (size_t i = 0; i < catalog->n_staff; i++) {
        if (catalog->staff[i].is_active)
            choose(c, catalog->staff[i].name, most);
    }
}

static void choose_topics(struct choice *c, const struct catalog *catalog,
                          const char *language, size_t most)
{
    for (size_t i = 0; i < catalog->n_topics; i++) {
        const struct catalog_topic *t = &catalog->topics[i];
        if (t->is_active)
            choose(c, catalog_name(t->name, t->names, language), most);
    }
}

static struct str print(const struct choice *c)
{
    struct buf b = BUF_INIT(VOCABULARY_PROMPT_BYTES + 1);
    for (size_t i = c->n; i > 0; i--)
        buf_printf(&b, STR_FMT "%s", STR_ARG(c->texts[i - 1]),
                   i > 1 ? ", " : ".");
    struct str text = arena_str(c->arena, buf_str(&b));
    buf_free(&b);
    return text;
}

static size_t less(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Staff and topics have a share of their own, as much as they need of it; the
 * words of articles have the rest. */
struct str vocabulary_prompt(const struct vocabulary *v,
                             const struct catalog *c, struct str own,
                             const char *language, struct arena *a)
{
    const size_t most = VOCABULARY_PROMPT_BYTES;
    struct choice *x = ARENA_NEW(a, struct choice);
    struct choice *tried = ARENA_NEW(a, struct choice);
    x->arena = a;
    choose_own(x, own);
    *tried = *x;
    choose_staff(tried, c, less(tried->bytes + SHARE_BYTES, most));
    size_t staff = tried->bytes - x->bytes;
    choose_topics(tried, c, language, less(tried->bytes + SHARE_BYTES, most));
    size_t names = tried->bytes - x->bytes;
    if (v)
        choose_terms(x, v, language, most - names);
    choose_staff(x, c, less(x->bytes + staff, most));
    choose_topics(x, c, language, most);
    return print(x);
}

struct str vocabulary_prompt_of(struct desk *d, const char *language,
                                struct arena *a)
{
    const struct settings s = desk_settings(d);
    struct vocabulary *v = desk_vocabulary(d);
    struct catalog *c = desk_catalog(d);
    struct str prompt =
        vocabulary_prompt(v, c, str_from(s.speech.vocabulary), language, a);
    vocabulary_unref(v);
    catalog_unref(c);
    return prompt;
}
