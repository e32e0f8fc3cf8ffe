/*
 * knowledge/unanswered.h - the board of questions without an answer
 *
 * One row for texts that say the same (text_fingerprint); how often it was
 * asked says what to write next.
 */
#ifndef OTK_KNOWLEDGE_UNANSWERED_H
#define OTK_KNOWLEDGE_UNANSWERED_H

#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct unanswered {
    int64_t id;
    struct str text, language, topic;
    int64_t times, first_at, last_at;
};

int unanswered_add(struct db_tx *tx, struct str text, const char *language,
                   struct str topic, int64_t now_ms, struct err *e);

/* Forget what says the same as `text`; fine when nothing does. */
int unanswered_drop(struct db_tx *tx, struct str text, struct err *e);

/* Open ones, most asked first. */
int unanswered_list(struct db_tx *tx, size_t limit, struct arena *a,
                    struct unanswered **ret, size_t *ret_n, struct err *e);

/* Answered by an article, or dismissed (article 0). OTK_ENOENT. */
int unanswered_close(struct db_tx *tx, int64_t id, int64_t article_id,
                     struct err *e);

#endif
