/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/network.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mapped.h"
#include "base/mem.h"

enum { PATH_BYTES = 4096 };

/* One network in the mapped file. */
struct body {
    size_t at, n_classes;
    const float *scale, *outer, *bias;
    const int8_t *inner;
};

struct network {
    struct mapped file;
    size_t n_words, n;
    struct body bodies[NETWORKS_MAX];
};

void network_free(struct network *x)
{
    if (!x)
        return;
    mapped_close(&x->file);
    free(x);
}

static size_t body_bytes(size_t n_words, size_t n_classes)
{
    return n_words * (sizeof(float) + NETWORK_HIDDEN) +
           (NETWORK_HIDDEN + 1) * n_classes * sizeof(float);
}

/* Every size comes from the file: check them all against its length. */
static int check(const struct network *x, const char *path, size_t n_features,
                 size_t n_classes, struct err *e)
{
    const struct network_header *h = x->file.at;
    if (x->file.len < sizeof(*h) || memcmp(h->magic, NETWORK_MAGIC, 8) != 0)
        return err_set(e, OTK_EFORMAT, "%s is not a network", path);
    size_t want =
        sizeof(*h) + h->n_networks * (size_t)sizeof(struct network_head);
    if (h->n_features != n_features || h->n_classes != n_classes ||
        h->n_words > n_features || h->n_networks > NETWORKS_MAX ||
        x->file.len < want)
        return err_set(e, OTK_EFORMAT, "%s does not fit its linear.bin", path);
    const struct network_head *heads = (const void *)(h + 1);
    for (size_t i = 0; i < h->n_networks; i++) {
        if (heads[i].n_classes > n_classes ||
            heads[i].at > n_classes - heads[i].n_classes)
            return err_set(e, OTK_EFORMAT, "%s: a class is out of range", path);
        want += body_bytes(h->n_words, heads[i].n_classes);
    }
    if (x->file.len != want)
        return err_set(e, OTK_EFORMAT, "%s has %zu bytes, its header says %zu",
                       path, x->file.len, want);
    return OTK_OK;
}

/* The arrays of the mapped file; its sizes are checked. */
static void point_into(struct network *x)
{
    const struct network_header *h = x->file.at;
    const struct network_head *heads = (const void *)(h + 1);
    const char *p = (const char *)(heads + h->n_networks);
    x->n_words = h->n_words;
    x->n = h->n_networks;
    for (size_t i = 0; i < x->n; i++) {
        struct body *b = &x->bodies[i];
        b->at = heads[i].at;
        b->n_classes = heads[i].n_classes;
        b->scale = (const float *)(const void *)p;
        b->inner = (const int8_t *)(b->scale + x->n_words);
        b->outer = (const float *)(const void *)(b->inner +
                                                 x->n_words * NETWORK_HIDDEN);
        b->bias = b->outer + NETWORK_HIDDEN * b->n_classes;
        p += body_bytes(x->n_words, b->n_classes);
    }
}

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return false;
    }
    return true;
}

static int check_numbers(const struct network *x, const char *path,
                         struct err *e)
{
    for (size_t i = 0; i < x->n; i++) {
        const struct body *b = &x->bodies[i];
        if (!all_finite(b->scale, x->n_words) ||
            !all_finite(b->outer, (NETWORK_HIDDEN + 1) * b->n_classes))
            return err_set(e, OTK_EFORMAT, "%s: a weight is not a number",
                           path);
    }
    return OTK_OK;
}

int network_load(const char *folder, size_t n_features, size_t n_classes,
                 struct network **ret, struct err *e)
{
    *ret = NULL;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/network.bin", folder);
    if (!file_exists(path))
        return OTK_OK;
    struct network *x = MEM_NEW(struct network);
    int r = mapped_open(path, &x->file, e);
    if (r) {
        free(x);
        return r;
    }
    r = check(x, path, n_features, n_classes, e);
    if (!r) {
        point_into(x);
        r = check_numbers(x, path, e);
    }
    if (r) {
        network_free(x);
        return r;
    }
    *ret = x;
    return OTK_OK;
}

static void add_one(const struct body *b, const struct feature *words, size_t n,
                    float *logits)
{
    float hidden[NETWORK_HIDDEN] = {0};
    for (size_t i = 0; i < n; i++) {
        float v = words[i].value * b->scale[words[i].id];
        const int8_t *w = b->inner + (size_t)words[i].id * NETWORK_HIDDEN;
        for (size_t k = 0; k < NETWORK_HIDDEN; k++)
            hidden[k] += v * (float)w[k];
    }
    for (size_t c = 0; c < b->n_classes; c++)
        logits[c] += b->bias[c];
    for (size_t k = 0; k < NETWORK_HIDDEN; k++) {
        if (hidden[k] <= 0)
            continue;
        const float *w = b->outer + k * b->n_classes;
        for (size_t c = 0; c < b->n_classes; c++)
            logits[c] += hidden[k] * w[c];
    }
}

void network_add(const struct network *x, const struct feature *features,
                 size_t n, float *logits)
{
    size_t words = 0;
    while (words < n && features[words].id < x->n_words)
        words++;
    for (size_t i = 0; i < x->n; i++)
        add_one(&x->bodies[i], features, words, logits + x->bodies[i].at);
}
