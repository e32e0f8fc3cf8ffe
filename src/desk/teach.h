/* desk/teach.h - a new model out of everything the desk has learned */
#ifndef OTK_DESK_TEACH_H
#define OTK_DESK_TEACH_H

struct desk;
struct err;
struct triage_train_options;

/*
 * Trains topic and priority from the corpus (desk/corpus.h) into `folder`;
 * NULL: the desk's own, which running desks take up by themselves. Question
 * forms of published articles with a topic are learnt too, but confidence is
 * measured on the corpus alone. OTK_ENOENT: the corpus is empty.
 */
int teach(struct desk *d, const struct triage_train_options *o,
          const char *folder, struct err *e);

#endif
