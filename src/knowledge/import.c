/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/import.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "data/table.h"
#include "text/language.h"
#include "text/unicode.h"

struct columns {
    int key, title, questions, theme, answer, topic, language, audience;
};

/* The first of the (folded) names that heads a column. */
static int any_of(const struct table *t, struct arena *a,
                  const char *const *names)
{
    for (; *names; names++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            if (str_is(text_fold(a, t->columns[c]), *names))
                return (int)c;
        }
    }
    return -1;
}

static int find_columns(const struct table *t, struct arena *a,
                        struct columns *c, struct err *e)
{
    /* the words that people really head their columns with */
    static const char *const title[] = {"title",        "question", "name",
                                        "theme",        "вопрос",   "заголовок",
                                        "вопрос из бз", NULL};
    static const char *const questions[] = {"questions", "question", "вопросы",
                                            "вопрос из бз", NULL};
    static const char *const answer[] = {"answer", "text",        "body",
                                         "ответ",  "ответ из бз", NULL};
    static const char *const theme[] = {"theme", "тема", NULL};
    static const char *const topic[] = {"topic", "рубрика", NULL};
    static const char *const language[] = {"language", "язык", NULL};
    static const char *const audience[] = {"audience", "для кого", NULL};
    static const char *const key[] = {"key", "id", "kb_id", "external_id",
                                      NULL};
    *c = (struct columns){
        .key = any_of(t, a, key),
        .title = any_of(t, a, title),
        .questions = any_of(t, a, questions),
        .theme = any_of(t, a, theme),
        .answer = any_of(t, a, answer),
        .topic = any_of(t, a, topic),
        .language = any_of(t, a, language),
        .audience = any_of(t, a, audience),
    };
    if (c->title < 0)
        c->title = c->questions >= 0 ? c->questions : c->theme;
    if (c->title < 0 || c->answer < 0)
        return err_set(e, OTK_EFORMAT,
                       "no column %s; say which one it is with --map "
                       "%s=Column",
                       c->title < 0 ? "'question'" : "'answer'",
                       c->title < 0 ? "question" : "answer");
    return OTK_OK;
}

/* The same question under another heading is another article. */
static struct str key_of(struct str title, struct str theme, struct arena *a)
{
    struct str both = str_from(
        arena_printf(a, STR_FMT "\n" STR_FMT, STR_ARG(title), STR_ARG(theme)));
    uint64_t h = str_hash(text_fingerprint(a, both));
    return str_from(arena_printf(a, "q-%016llx", (unsigned long long)h));
}

static struct str language_of(struct str given, struct str text)
{
    if (given.n)
        return given;
    enum language l = language_detect(text).language;
    return l == LANGUAGE_RU || l == LANGUAGE_EN ? str_from(language_code(l))
                                                : STR("");
}

static int read_row(const struct table *t, size_t i, const struct columns *c,
                    struct arena *a, struct knowledge_article *ret,
                    struct err *e)
{
    struct str audience = str_trim(table_cell(t, i, c->audience));
    *ret = (struct knowledge_article){
        .key = str_trim(table_cell(t, i, c->key)),
        .title = str_trim(table_cell(t, i, c->title)),
        .questions = str_trim(table_cell(t, i, c->questions)),
        .answer = str_trim(table_cell(t, i, c->answer)),
        .topic = str_trim(table_cell(t, i, c->topic)),
        .language = str_trim(table_cell(t, i, c->language)),
        .audience =
            str_is(audience, "staff") ? AUDIENCE_STAFF : AUDIENCE_PUBLIC,
    };
    if (audience.n && !str_is(audience, "staff") && !str_is(audience, "public"))
        return err_field(e, OTK_EFORMAT, "audience",
                         "'" STR_FMT "' is neither public nor staff",
                         STR_ARG(audience));
    struct str theme = str_trim(table_cell(t, i, c->theme));
    if (theme.n) /* a heading over several questions: one more way to ask */
        ret->questions = str_from(arena_printf(
            a, STR_FMT "\n" STR_FMT, STR_ARG(ret->questions), STR_ARG(theme)));
    if (ret->key.n == 0 && ret->title.n)
        ret->key = key_of(ret->title, theme, a);
    ret->language = language_of(ret->language, ret->title);
    return article_check(ret, e);
}

static void add_bad(struct import *m, size_t number, const char *reason)
{
    m->bad[m->n_bad++] = (struct import_bad){number, reason};
}

int import_read(const struct table *t, struct arena *a, struct import *ret,
                struct err *e)
{
    struct columns c;
    int r = find_columns(t, a, &c, e);
    if (r)
        return r;
    size_t listed = t->n_bad < TABLE_BAD_MAX ? t->n_bad : TABLE_BAD_MAX;
    *ret = (struct import){
        .rows = ARENA_ARRAY(a, struct import_row, t->n_rows + 1),
        .bad = ARENA_ARRAY(a, struct import_bad, t->n_rows + listed + 1),
    };
    struct map *keys = map_new();
    for (size_t i = 0; i < listed; i++)
        add_bad(ret, t->bad[i].number, t->bad[i].reason);
    for (size_t i = 0; i < t->n_rows; i++) {
        struct err why = {0};
        struct import_row *row = &ret->rows[ret->n_rows];
        bool is_new = true;
        row->number = t->numbers[i];
        if (read_row(t, i, &c, a, &row->article, &why)) {
            add_bad(ret, t->numbers[i],
                    arena_printf(a, "%s: %s", why.field, why.msg));
            continue;
        }
        union map_value *v = map_put(keys, row->article.key, &is_new);
        if (!is_new) {
            add_bad(ret, t->numbers[i],
                    arena_printf(a, "key '" STR_FMT "' stands in row %lld too",
                                 STR_ARG(row->article.key), (long long)v->num));
            continue;
        }
        v->num = (int64_t)t->numbers[i];
        ret->n_rows++;
    }
    map_free(keys);
    return OTK_OK;
}
