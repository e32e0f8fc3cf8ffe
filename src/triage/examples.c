/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/examples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "triage/train.h"
#include "triage/triage.h"

enum {
    PATH_BYTES = 4096,
    FILE_BYTES = 64 << 20,
    LINE_BYTES = 1 << 20,
    TEXT_KEPT = 1000, /* bytes of a text that are written */
};

struct posting {
    uint32_t example;
    uint32_t next; /* + 1; 0: the last */
};

struct examples {
    struct arena *arena;
    enum example_sets sets;
    struct str *texts;
    json_t **rows; /* the parsed lines, for labels */
    size_t n, cap;
    size_t rows_cap;
    /* inverted index: an open table of feature hashes */
    uint64_t *hashes;
    uint32_t *first; /* posting + 1; 0: free slot */
    uint32_t *counts;
    size_t slots, n_features;
    struct posting *postings;
    size_t n_postings, postings_cap;
    uint32_t *sizes; /* distinct features of each example */
    float *lengths;  /* of its idf vector */
};

/* ---- writing
 * -------------------------------------------------------------------------- */

static void put_line(const struct triage_dataset *d, size_t i, struct buf *b)
{
    buf_puts(b, "{\"text\":");
    json_put_text(b, str_sub(d->texts[i], 0, TEXT_KEPT));
    for (size_t t = 0; t < d->n_tasks; t++) {
        if (d->tasks[t].labels[i].n == 0)
            continue;
        buf_putc(b, ',');
        json_put_text(b, str_from(d->tasks[t].task));
        buf_putc(b, ':');
        json_put_text(b, d->tasks[t].labels[i]);
    }
    buf_puts(b, "}\n");
}

int examples_write(const char *folder, const struct triage_dataset *d,
                   size_t max, struct err *e)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    size_t step = d->n > max ? (d->n + max - 1) / max : 1;
    for (size_t i = 0; i < d->n; i += step)
        put_line(d, i, &b);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/examples.jsonl", folder);
    int r = buf_check(&b) ? err_set(e, OTK_ELIMIT, "too many long examples")
                          : file_write(path, buf_str(&b), 0644, e);
    buf_free(&b);
    return r;
}

/* ---- the index
 * ---------------------------------------------------------------------------
 */

static size_t slot_of(const struct examples *x, uint64_t hash)
{
    size_t i = hash & (x->slots - 1);
    while (x->first[i] && x->hashes[i] != hash)
        i = (i + 1) & (x->slots - 1);
    return i;
}

static void grow(struct examples *x)
{
    struct examples old = *x;
    x->slots = old.slots ? 2 * old.slots : 4096;
    x->hashes = mem_new(x->slots, sizeof(*x->hashes));
    x->first = mem_new(x->slots, sizeof(*x->first));
    x->counts = mem_new(x->slots, sizeof(*x->counts));
    for (size_t i = 0; i < old.slots; i++) {
        if (!old.first[i])
            continue;
        size_t at = slot_of(x, old.hashes[i]);
        x->hashes[at] = old.hashes[i];
        x->first[at] = old.first[i];
        x->counts[at] = old.counts[i];
    }
    free(old.hashes);
    free(old.first);
    free(old.counts);
}

static bool is_in(const struct examples *x, const struct raw_feature *f)
{
    return (f->kind == FEATURE_CHARS) == (x->sets == SETS_OF_CHARS);
}

static void index_one(struct examples *x, struct cutter *c, uint32_t example)
{
    const struct raw_feature *raw;
    size_t n = cutter_cut(c, x->texts[example], &raw);
    for (size_t i = 0; i < n; i++) {
        if (!is_in(x, &raw[i]))
            continue;
        if (2 * (x->n_features + 1) > x->slots)
            grow(x);
        size_t at = slot_of(x, raw[i].hash);
        uint32_t first = x->first[at];
        if (first && x->postings[first - 1].example == example)
            continue;
        x->n_features += first == 0;
        x->hashes[at] = raw[i].hash;
        x->postings = mem_grow(x->postings, x->n_postings, &x->postings_cap,
                               sizeof(*x->postings));
        x->postings[x->n_postings++] = (struct posting){example, first};
        x->first[at] = (uint32_t)x->n_postings;
        x->counts[at]++;
        x->sizes[example]++;
    }
}

static float idf_of(const struct examples *x, size_t slot)
{
    return logf((1.0F + (float)x->n) / (1.0F + (float)x->counts[slot])) + 1;
}

static void build_index(struct examples *x)
{
    x->sizes = mem_new(x->n + 1, sizeof(*x->sizes));
    x->lengths = mem_new(x->n + 1, sizeof(*x->lengths));
    grow(x);
    struct cutter *c = cutter_new();
    for (size_t i = 0; i < x->n; i++)
        index_one(x, c, (uint32_t)i);
    cutter_free(c);
    for (size_t s = 0; s < x->slots; s++) {
        for (uint32_t p = x->first[s]; p; p = x->postings[p - 1].next) {
            float w = idf_of(x, s);
            x->lengths[x->postings[p - 1].example] += w * w;
        }
    }
    for (size_t i = 0; i < x->n; i++)
        x->lengths[i] = sqrtf(x->lengths[i]);
}

/* ---- loading
 * ------------------------------------------------------------------------------
 */

static int read_line(struct examples *x, struct str line, size_t number,
                     const char *path, struct err *e)
{
    json_t *row = NULL;
    struct str text;
    struct json_want want = {"text", true, 1, LINE_BYTES};
    int r = json_read(line, LINE_BYTES, &row, e);
    if (!r)
        r = json_text(row, &want, &text, e);
    if (r) {
        json_decref(row);
        return err_place(e, r, "%s:%zu", path, number);
    }
    x->texts = mem_grow(x->texts, x->n, &x->cap, sizeof(*x->texts));
    x->rows = mem_grow(x->rows, x->n, &x->rows_cap, sizeof(json_t *));
    x->texts[x->n] = text;
    x->rows[x->n++] = row;
    return OTK_OK;
}

int examples_load(const char *folder, enum example_sets sets,
                  struct examples **ret, struct err *e)
{
    *ret = NULL;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/examples.jsonl", folder);
    if (!file_exists(path))
        return OTK_OK;
    struct buf bytes = BUF_INIT(FILE_BYTES);
    int r = file_read(path, &bytes, e);
    struct examples *x = MEM_NEW(struct examples);
    x->arena = arena_new();
    x->sets = sets;
    struct str rest = buf_str(&bytes);
    struct str line;
    for (size_t i = 1; !r && str_next(&rest, '\n', &line); i++) {
        if (line.n)
            r = read_line(x, line, i, path, e);
    }
    buf_free(&bytes);
    if (r) {
        examples_free(x);
        return r;
    }
    build_index(x);
    *ret = x;
    return OTK_OK;
}

void examples_free(struct examples *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->n; i++)
        json_decref(x->rows[i]);
    free(x->texts);
    free(x->rows);
    free(x->hashes);
    free(x->first);
    free(x->counts);
    free(x->postings);
    free(x->sizes);
    free(x->lengths);
    arena_free(x->arena);
    free(x);
}

size_t examples_len(const struct examples *x)
{
    return x->n;
}

struct str examples_label(const struct examples *x, size_t i, const char *task)
{
    return str_from(json_string_value(json_object_get(x->rows[i], task)));
}

/* ---- asking
 * ---------------------------------------------------------------------------------
 */

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The distinct features of a text; free() it. */
static uint64_t *set_of(const struct examples *x, struct cutter *c,
                        struct str text, size_t *ret_n)
{
    const struct raw_feature *raw;
    size_t n_raw = cutter_cut(c, text, &raw);
    uint64_t *set = mem_new(n_raw + 1, sizeof(*set));
    size_t n = 0;
    for (size_t i = 0; i < n_raw; i++) {
        if (is_in(x, &raw[i]))
            set[n++] = raw[i].hash;
    }
    qsort(set, n, sizeof(*set), by_hash);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || set[i] != set[i - 1])
            set[distinct++] = set[i];
    }
    *ret_n = distinct;
    return set;
}

void examples_jaccard(const struct examples *x, struct cutter *c,
                      struct str text, float *ret, float *ret_known)
{
    size_t n;
    size_t known = 0;
    uint64_t *set = set_of(x, c, text, &n);
    memset(ret, 0, x->n * sizeof(*ret));
    for (size_t i = 0; i < n; i++) {
        size_t at = slot_of(x, set[i]);
        known += x->first[at] != 0;
        for (uint32_t p = x->first[at]; p; p = x->postings[p - 1].next)
            ret[x->postings[p - 1].example] += 1;
    }
    for (size_t i = 0; i < x->n; i++)
        ret[i] /= (float)(n + x->sizes[i]) - ret[i] + 1e-9F;
    *ret_known = n ? (float)known / (float)n : 0;
    free(set);
}

size_t examples_with(const struct examples *x, uint64_t hash,
                     const int *classes, size_t n_tasks, int c, size_t *ret_in)
{
    size_t at = slot_of(x, hash);
    *ret_in = 0;
    for (uint32_t p = x->first[at]; p; p = x->postings[p - 1].next) {
        for (size_t t = 0; t < n_tasks; t++)
            *ret_in += classes[t * x->n + x->postings[p - 1].example] == c;
    }
    return x->first[at] ? x->counts[at] : 0;
}

/* Keep the best `max` in order, by insertion: max is a handful. */
static void keep_best(uint32_t *best, float *scores, size_t *n, size_t max,
                      uint32_t example, float score)
{
    size_t at = *n;
    while (at > 0 && scores[at - 1] < score)
        at--;
    if (at == max)
        return;
    *n += *n < max;
    for (size_t i = *n - 1; i > at; i--) {
        best[i] = best[i - 1];
        scores[i] = scores[i - 1];
    }
    best[at] = example;
    scores[at] = score;
}

size_t examples_nearest(const struct examples *x, struct cutter *c,
                        struct str text, const char *task, size_t max,
                        struct arena *a, const struct triage_near **ret)
{
    size_t n;
    uint64_t *set = set_of(x, c, text, &n);
    float *scores = mem_new(x->n + 1, sizeof(*scores));
    float length = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = slot_of(x, set[i]);
        float w = idf_of(x, at); /* an unknown word counts fully */
        length += w * w;
        for (uint32_t p = x->first[at]; p; p = x->postings[p - 1].next)
            scores[x->postings[p - 1].example] += w * w;
    }
    free(set);
    uint32_t *best = ARENA_ARRAY(a, uint32_t, max + 1);
    float *best_scores = ARENA_ARRAY(a, float, max + 1);
    size_t found = 0;
    for (size_t i = 0; i < x->n && max; i++) {
        if (scores[i] > 0)
            keep_best(best, best_scores, &found, max, (uint32_t)i,
                      scores[i] / (sqrtf(length) * x->lengths[i]));
    }
    free(scores);
    struct triage_near *near = ARENA_ARRAY(a, struct triage_near, max + 1);
    for (size_t i = 0; i < found; i++)
        near[i] = (struct triage_near){
            .text = arena_copy(a, x->texts[best[i]]),
            .label = arena_copy(a, examples_label(x, best[i], task)),
            .similarity = best_scores[i]};
    *ret = near;
    return found;
}
