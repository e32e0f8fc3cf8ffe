/*
 * desk/corpus.h - the labelled texts that models are trained on
 *
 * One row for texts that say the same (text_fingerprint). They come from the
 * starter set, from imports, and from corrections: when a person gives a
 * ticket another topic or priority than the model did, the text with the right
 * labels is a lesson. A correction outranks an import, an import the starter.
 */
#ifndef OTK_DESK_CORPUS_H
#define OTK_DESK_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct db_tx;
struct err;

enum corpus_source { CORPUS_STARTER, CORPUS_IMPORT, CORPUS_CORRECTION };
enum corpus_put { CORPUS_NEW, CORPUS_CHANGED, CORPUS_SAME };

struct lesson {
    struct str text, topic, priority; /* keys; empty: not known */
    struct str answer; /* what the person was answered; empty: not known */
    enum corpus_source source;
    int64_t ticket_id; /* 0: none */
};

/* Labels and an answer that are empty leave what is known. */
int corpus_put(struct db_tx *tx, const struct lesson *l, int64_t now_ms,
               enum corpus_put *ret, struct err *e);

/* All of them, oldest first. A ticket's first reply answers its example. */
int corpus_read(struct db_tx *tx, struct arena *a, struct lesson **ret,
                size_t *ret_n, struct err *e);
/* How many from each source, in the order of enum corpus_source. */
int corpus_count(struct db_tx *tx, int64_t ret[3], struct err *e);

/*
 * A person said what a ticket's label in `task` ("topic", "priority") really
 * is: kept beside what was predicted, and as a lesson with all labels that
 * the ticket has now. Call it after the change of the ticket.
 */
int correction_put(struct db_tx *tx, int64_t ticket_id, const char *task,
                   struct str label, struct actor by, int64_t now_ms,
                   struct err *e);

#endif
