/*
 * article.h - an article that answers a question
 */
#ifndef OTK_TESTS_UNIT_DESK_ARTICLE_H
#define OTK_TESTS_UNIT_DESK_ARTICLE_H

#include "knowledge/articles.h"

#define ANSWERED "Как настроить автоответ в почте?"

static inline struct knowledge_article an_article(void)
{
    return (struct knowledge_article){
        .key = STR("jam"),
        .language = STR("ru"),
        .title = STR("Как поставить автоответ на время отпуска"),
        .questions = STR(ANSWERED),
        .answer = STR("Откройте *параметры* почты и включите автоответ.")};
}

static inline int put_article(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    enum article_change c;
    struct knowledge_article a = an_article();
    return article_put(tx, &a, 0, 1000, &c, NULL, e);
}

#endif
