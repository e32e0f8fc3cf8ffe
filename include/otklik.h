/*
 * otklik.h - libotklik: triage and knowledge search from C, without a desk
 *
 * Functions return 0 or a negative code; otk_error() says why, for the thread
 * that failed. Texts are UTF-8. Handles of models and articles are immutable
 * and may be used by many threads; a worker belongs to one thread at a time,
 * and what a call returns lives until the next call with the same worker.
 */
#ifndef OTKLIK_H
#define OTKLIK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OTK_API __attribute__((visibility("default")))

struct otk_worker;
struct otk_model;
struct otk_articles;

OTK_API const char *otk_version(void);
OTK_API const char *otk_error(void); /* of the last failed call; never NULL */

OTK_API struct otk_worker *otk_worker_new(void);
OTK_API void otk_worker_free(struct otk_worker *w); /* NULL is fine */

/* ---- triage ---------------------------------------------------------------
 */

/* A model folder, as `otklik train` writes it. NULL: see otk_error(). */
OTK_API struct otk_model *otk_model_load(const char *folder);
OTK_API void otk_model_free(struct otk_model *m); /* NULL is fine */
OTK_API size_t otk_model_tasks(const struct otk_model *m);

struct otk_decision {
    const char *task;  /* "topic" */
    const char *label; /* NULL: none of these */
    double confidence; /* calibrated, 0-1 */
    const char *mode;  /* "auto" "suggest" "ask" */
};

/* One decision a task; `ret` has otk_model_tasks() room. */
OTK_API int otk_triage(const struct otk_model *m, struct otk_worker *w,
                       const char *text, struct otk_decision *ret);

struct otk_word {
    const char *text;
    double weight; /* above 0: for the label */
};

/* The words that weighed for `label` of `task`; *ret_n of them. */
OTK_API int otk_explain(const struct otk_model *m, struct otk_worker *w,
                        const char *text, const char *task, const char *label,
                        const struct otk_word **ret, size_t *ret_n);

/* ---- knowledge ------------------------------------------------------------
 */

/* Articles from CSV, JSONL or XLSX, as `otklik kb import` takes them. */
OTK_API struct otk_articles *otk_articles_load(const char *path);
OTK_API void otk_articles_free(struct otk_articles *a); /* NULL is fine */
OTK_API size_t otk_articles_count(const struct otk_articles *a);

struct otk_hit {
    const char *key, *title, *answer;
    double confidence; /* calibrated chance that it answers, 0-1 */
};

/* Best first; how many were found, at most `max`, or a negative code. */
OTK_API int otk_search(const struct otk_articles *a, struct otk_worker *w,
                       const char *text, struct otk_hit *ret, size_t max);

#ifdef __cplusplus
}
#endif

#endif
