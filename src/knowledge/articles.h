/*
 * knowledge/articles.h - articles in the database
 *
 * Every change keeps the version before it. Functions take an open
 * transaction; texts of results live in the arena. A change of articles bumps
 * the setting "knowledge.generation", by which running desks see that their
 * index is old.
 */
#ifndef OTK_KNOWLEDGE_ARTICLES_H
#define OTK_KNOWLEDGE_ARTICLES_H

#include <stdbool.h>
#include <stdint.h>

#include "knowledge/knowledge.h"

struct arena;
struct db_tx;
struct err;

enum article_change { ARTICLE_NEW, ARTICLE_CHANGED, ARTICLE_SAME };

enum {
    ARTICLE_KEY_MAX = 100,
    ARTICLE_TITLE_MAX = 500,
    ARTICLE_QUESTIONS_MAX = 20000,
    ARTICLE_ANSWER_MAX = 100000,
};

/* Checks every field; OTK_EFORMAT or OTK_ELIMIT with the field's name. */
int article_check(const struct knowledge_article *a, struct err *e);

/* What article_put() would do. */
int article_compare(struct db_tx *tx, const struct knowledge_article *a,
                    enum article_change *ret, struct err *e);

/* Add, or change by key; *ret_id. `by`: person id or 0. */
int article_put(struct db_tx *tx, const struct knowledge_article *a, int64_t by,
                int64_t now_ms, enum article_change *ret, int64_t *ret_id,
                struct err *e);

/* state: "published" "draft" "archived". */
int article_set_state(struct db_tx *tx, int64_t id, const char *state,
                      int64_t now_ms, struct err *e);

int article_get(struct db_tx *tx, int64_t id, struct arena *a,
                struct knowledge_article *ret, struct str *ret_state,
                struct err *e);

/* By id, from `after` on; `all`: drafts and archived ones too. */
int article_list(struct db_tx *tx, int64_t after, size_t limit, bool all,
                 struct arena *a, struct knowledge_article **ret, size_t *ret_n,
                 struct err *e);

/* Everything published, for an index, and the generation it shows. */
int articles_published(struct db_tx *tx, struct arena *a,
                       struct knowledge_article **ret, size_t *ret_n,
                       int64_t *ret_generation, struct err *e);
int articles_generation(struct db_tx *tx, int64_t *ret, struct err *e);

#endif
