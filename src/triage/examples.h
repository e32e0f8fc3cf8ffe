/*
 * triage/examples.h - the past tickets that a model folder keeps
 *
 * examples.jsonl holds one ticket a line: {"text": …, "topic": …, …}, a field
 * for each task. In memory they stand in an inverted index over the features
 * of texts, which answers two questions: which tickets are most like a text
 * (for explanations), and how well sets of features overlap (for the jaccard
 * engine).
 */
#ifndef OTK_TRIAGE_EXAMPLES_H
#define OTK_TRIAGE_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "triage/features.h"

struct arena;
struct err;
struct examples;
struct triage_dataset;
struct triage_near;

int examples_write(const char *folder, const struct triage_dataset *d,
                   size_t max, struct err *e);

/* What their sets are made of: stems and pairs of them, which a person can
 * compare, or n-grams, which forgive spelling. */
enum example_sets { SETS_OF_WORDS, SETS_OF_CHARS };

/* *ret is NULL, and that is no error, when the folder has none. */
int examples_load(const char *folder, enum example_sets sets,
                  struct examples **ret, struct err *e);
void examples_free(struct examples *x); /* NULL is fine */

size_t examples_len(const struct examples *x);
/* Empty when the example has no label for that task. */
struct str examples_label(const struct examples *x, size_t i, const char *task);

/*
 * For each example the Jaccard similarity of its set of features with that of
 * `text` (Jaccard 1912); `ret` has examples_len() room. *ret_known: the share
 * of the text's features that some example has.
 */
void examples_jaccard(const struct examples *x, struct cutter *c,
                      struct str text, float *ret, float *ret_known);

/*
 * How many examples have the feature; *ret_in: how many of those have class
 * `c` in `classes`, which holds n_tasks rows of examples_len() classes.
 */
size_t examples_with(const struct examples *x, uint64_t hash,
                     const int *classes, size_t n_tasks, int c, size_t *ret_in);

/* The examples most like `text` by TF-IDF cosine; best first, texts in `a`. */
size_t examples_nearest(const struct examples *x, struct cutter *c,
                        struct str text, const char *task, size_t max,
                        struct arena *a, const struct triage_near **ret);

#endif
