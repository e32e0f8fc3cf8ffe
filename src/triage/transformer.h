/*
 * triage/transformer.h - a language model taught the tasks of a desk
 *
 * The folder `encoder` of a model folder: a model of Hugging Face with a head a
 * task (model/finetune.h).
 */
#ifndef OTK_TRIAGE_TRANSFORMER_H
#define OTK_TRIAGE_TRANSFORMER_H

struct err;
struct model_json;
struct triage_dataset;
struct triage_train_options;

/* truth[task][row]: class inside the task, -1: not known; `checkpoint`: the
 * file of where it stands. */
int transformer_train(const struct triage_dataset *d,
                      const struct model_json *m, const int *const *truth,
                      const struct triage_train_options *o, const char *folder,
                      const char *checkpoint, struct err *e);

/* Delete the files of `folder`/encoder. */
void transformer_remove(const char *folder);

#endif
