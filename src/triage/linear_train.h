/* triage/linear_train.h - writes linear.bin and network.bin from examples */
#ifndef OTK_TRIAGE_LINEAR_TRAIN_H
#define OTK_TRIAGE_LINEAR_TRAIN_H

struct err;
struct model_json;
struct triage_dataset;
struct triage_train_options;

/* truth[task][row]: class inside the task, -1: not known. */
int linear_train(const struct triage_dataset *d, const struct model_json *m,
                 const int *const *truth, const struct triage_train_options *o,
                 const char *folder, struct err *e);

#endif
