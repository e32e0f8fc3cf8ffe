/* SPDX-License-Identifier: Apache-2.0 */
/* The linear engine: scores of a text by a mapped weight file. */
#include "triage/linear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mapped.h"
#include "base/mem.h"
#include "triage/engine.h"
#include "triage/model_json.h"
#include "triage/network.h"

enum { PATH_BYTES = 4096, FEATURES_LIMIT = 1 << 26 };

struct linear {
    struct dictionary dictionary;
    const float *scale, *bias;
    const int8_t *weights;
    size_t n_classes;
    struct mapped file;
    struct network *network; /* NULL: the set was too small for one */
};

static void linear_free(void *impl)
{
    struct linear *l = impl;
    mapped_close(&l->file);
    network_free(l->network);
    free(l);
}

/* Every size comes from the file: check them all against its length. */
static int check(const struct linear *l, const char *path, size_t n_classes,
                 struct err *e)
{
    const struct linear_header *h = l->file.at;
    if (l->file.len < sizeof(*h) || memcmp(h->magic, LINEAR_MAGIC, 8) != 0)
        return err_set(e, OTK_EFORMAT, "%s is not a linear model", path);
    if (h->n_classes != n_classes || h->n_features > FEATURES_LIMIT ||
        h->slots <= h->n_features || (h->slots & (h->slots - 1)))
        return err_set(e, OTK_EFORMAT,
                       "%s does not fit its model.json: %u classes, %zu wanted",
                       path, h->n_classes, n_classes);
    size_t want = sizeof(*h) + (size_t)h->slots * 8 +
                  (size_t)h->n_features * (8 + h->n_classes);
    want = (want + 3) / 4 * 4 + (size_t)h->n_classes * 4;
    if (l->file.len != want)
        return err_set(e, OTK_EFORMAT, "%s has %zu bytes, its header says %zu",
                       path, l->file.len, want);
    return OTK_OK;
}

static int check_numbers(const struct linear *l, const char *path,
                         struct err *e)
{
    size_t used = 0;
    for (size_t i = 0; i < l->dictionary.slots; i++) {
        if (l->dictionary.table[2 * i + 1] > l->dictionary.n)
            return err_set(e, OTK_EFORMAT, "%s: a feature is out of range",
                           path);
        used += l->dictionary.table[2 * i + 1] != 0;
    }
    /* a search for an unknown feature ends at a free slot */
    if (used == l->dictionary.slots)
        return err_set(e, OTK_EFORMAT, "%s: its table has no free slot", path);
    for (size_t i = 0; i < l->dictionary.n; i++) {
        if (!isfinite(l->dictionary.idf[i]) || !isfinite(l->scale[i]))
            return err_set(e, OTK_EFORMAT, "%s: a weight is not a number",
                           path);
    }
    for (size_t i = 0; i < l->n_classes; i++) {
        if (!isfinite(l->bias[i]))
            return err_set(e, OTK_EFORMAT, "%s: a weight is not a number",
                           path);
    }
    return OTK_OK;
}

/* The arrays of the mapped file; its sizes are checked. */
static void point_into(struct linear *l, size_t n_classes)
{
    const struct linear_header *h = l->file.at;
    l->n_classes = n_classes;
    l->dictionary.n = h->n_features;
    l->dictionary.slots = h->slots;
    l->dictionary.table = (const uint32_t *)(h + 1);
    l->dictionary.idf = (const float *)(const void *)(l->dictionary.table +
                                                      2 * (size_t)h->slots);
    l->scale = l->dictionary.idf + h->n_features;
    l->weights = (const int8_t *)(l->scale + h->n_features);
    size_t end = (size_t)h->n_features * n_classes;
    size_t pad = (4 - (sizeof(*h) + end) % 4) % 4;
    l->bias = (const float *)(const void *)(l->weights + end + pad);
}

static int linear_load(const char *folder, const struct model_json *m,
                       const struct examples *past, void **ret, struct err *e)
{
    (void)past;
    size_t n_classes = m->n_classes;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/linear.bin", folder);
    struct linear *l = MEM_NEW(struct linear);
    int r = mapped_open(path, &l->file, e);
    if (r) {
        free(l);
        return r;
    }
    r = check(l, path, n_classes, e);
    if (!r) {
        point_into(l, n_classes);
        r = check_numbers(l, path, e);
    }
    if (!r)
        r = network_load(folder, l->dictionary.n, n_classes, &l->network, e);
    if (r) {
        linear_free(l);
        return r;
    }
    *ret = l;
    return OTK_OK;
}

static void linear_score(const void *impl, struct triage_scratch *s,
                         struct str text, float *ret_known)
{
    const struct linear *l = impl;
    size_t k = l->n_classes;
    memcpy(s->scores, l->bias, k * sizeof(float));
    size_t n = features_of(&l->dictionary, s->weigher, s->cutter, text,
                           s->features, ret_known);
    for (size_t i = 0; i < n; i++) {
        uint32_t id = s->features[i].id;
        float v = s->features[i].value * l->scale[id];
        const int8_t *w = l->weights + (size_t)id * k;
        for (size_t c = 0; c < k; c++)
            s->scores[c] += v * (float)w[c];
    }
    if (l->network)
        network_add(l->network, s->features, n, s->logits);
}

/* Of the linear part alone: a network has no weight of a single word. */
static void linear_weigh(const void *impl, struct triage_scratch *s,
                         struct str text, size_t c, float *weights)
{
    const struct linear *l = impl;
    const struct raw_feature *raw;
    size_t n = cutter_cut(s->cutter, text, &raw);
    size_t folded = cutter_folded(s->cutter).n;
    for (size_t i = 0; i < n; i++) {
        uint32_t id = dictionary_find(&l->dictionary, raw[i].hash);
        if (id == UINT32_MAX || raw[i].len == 0)
            continue;
        float w = l->scale[id] * (float)l->weights[id * l->n_classes + c] *
                  l->dictionary.idf[id] / (float)raw[i].len;
        for (size_t b = raw[i].at; b < raw[i].at + raw[i].len && b < folded;
             b++)
            weights[b] += w;
    }
}

static bool linear_at_once(const void *impl, struct str text)
{
    (void)impl;
    (void)text;
    return true;
}

const struct engine_ops engine_linear = {
    .name = "linear",
    .load = linear_load,
    .free = linear_free,
    .score = linear_score,
    .at_once = linear_at_once,
    .weigh = linear_weigh,
};
