/*
 * triage/network_train.h - writes network.bin from examples
 *
 * Stochastic gradients with steps by Adagrad (Duchi et al. 2011), words and
 * hidden numbers left out by chance (dropout, Srivastava et al. 2014). Each
 * network has a seed of its own and one thread: how many run at a time does
 * not change what they learn.
 */
#ifndef OTK_TRIAGE_NETWORK_TRAIN_H
#define OTK_TRIAGE_NETWORK_TRAIN_H

struct err;
struct model_json;
struct triage_train_options;
struct vectors;

/* Writes nothing when no task has examples enough. */
int network_train(const struct vectors *v, const struct model_json *m,
                  const int *const *truth, const struct triage_train_options *o,
                  const char *folder, struct err *e);

#endif
