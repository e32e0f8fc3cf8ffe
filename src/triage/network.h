/*
 * triage/network.h - the small networks beside a linear model, network.bin
 *
 * The words and pairs of a text stand for vectors; their weighted sum, cut at
 * zero, is weighted once more a class (a deep averaging network, Iyyer et al.
 * 2015). What it finds is weaker than the linear model, but it errs on other
 * texts: mixed into the linear scores, by a weight that calibration finds, it
 * makes them right more often.
 *
 * Little-endian, mapped and used in place:
 *   header | a network_head a network | a body a network, in that order:
 *   scale (n_words f32) | inner (n_words × NETWORK_HIDDEN i8)
 *   | outer (NETWORK_HIDDEN × classes f32) | bias (classes f32)
 * The vector of a word is scale[word] * i8; words are the first n_words
 * features of the dictionary in linear.bin.
 */
#ifndef OTK_TRIAGE_NETWORK_H
#define OTK_TRIAGE_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "triage/features.h"

struct err;
struct network;

enum { NETWORK_HIDDEN = 64, NETWORKS_MAX = 64 };

#define NETWORK_MAGIC "OTKNET1"

struct network_header {
    char magic[8];
    uint32_t n_features; /* of linear.bin, to see that they belong together */
    uint32_t n_words;
    uint32_t n_classes; /* of all tasks */
    uint32_t n_networks;
};

/* Which classes of the row of scores a network is about. */
struct network_head {
    uint32_t at, n_classes;
};

/* *ret is NULL, and that is no error, when the folder has none. */
int network_load(const char *folder, size_t n_features, size_t n_classes,
                 struct network **ret, struct err *e);
void network_free(struct network *x); /* NULL is fine */

/* Adds to the logits of a text, whose words come first in `features`. */
void network_add(const struct network *x, const struct feature *features,
                 size_t n, float *logits);

#endif
