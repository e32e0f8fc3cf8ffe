/* SPDX-License-Identifier: Apache-2.0 */
#include "model/checkpoint.h"

#include <math.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mapped.h"

enum { FILE_MODE = 0644, SUM_BYTES = 32, ARRAYS = 4 };

static const char magic[8] = "OTKLRN02";
static const char again[] = "remove it to begin anew";

/* As it lies in the file: fields of eight bytes, so that none is padded. */
struct head {
    char magic[8];
    uint64_t n; /* parameters */
    uint64_t n_traits;
    double traits[CHECKPOINT_TRAITS_MAX];
    uint64_t seed;
    unsigned char digests[CHECKPOINT_SOURCES][CHECKPOINT_DIGEST_BYTES];
    struct checkpoint_place at;
    uint64_t has_best; /* 0: the best state is the last one */
};
_Static_assert(sizeof(struct head) % 8 == 0, "the arrays begin aligned");

static void sum_of(const struct str *parts, size_t n,
                   unsigned char ret[SUM_BYTES])
{
    crypto_generichash_state h;
    (void)crypto_generichash_init(&h, NULL, 0, SUM_BYTES);
    for (size_t i = 0; i < n; i++)
        (void)crypto_generichash_update(&h, (const unsigned char *)parts[i].p,
                                        parts[i].n);
    (void)crypto_generichash_final(&h, ret, SUM_BYTES);
}

/* ---- writing
 * ------------------------------------------------------------------------ */

static struct str array(const float *x, size_t n)
{
    return (struct str){(const char *)x, n * sizeof(*x)};
}

int checkpoint_write(const char *path, const struct checkpoint *c,
                     struct err *e)
{
    struct str parts[1 + ARRAYS + 1];
    unsigned char sum[SUM_BYTES];
    size_t n = 0;
    struct head h = {
        .n = c->n,
        .n_traits = c->about.n_traits,
        .seed = c->about.seed,
        .at = c->at,
        .has_best = memcmp(c->best, c->values, c->n * sizeof(*c->best)) != 0,
    };
    memcpy(h.magic, magic, sizeof(magic));
    memcpy(h.digests, c->about.digests, sizeof(h.digests));
    for (size_t i = 0; i < c->about.n_traits; i++)
        h.traits[i] = c->about.traits[i].value;
    parts[n++] = (struct str){(const char *)&h, sizeof(h)};
    parts[n++] = array(c->values, c->n);
    parts[n++] = array(c->first, c->n);
    parts[n++] = array(c->second, c->n);
    if (h.has_best)
        parts[n++] = array(c->best, c->n);
    sum_of(parts, n, sum);
    parts[n++] = (struct str){(const char *)sum, sizeof(sum)};
    int r = file_write_parts(path, parts, n, FILE_MODE, e);
    return r ? err_wrap(e, r, "write down where the learning stands") : r;
}

/* ---- reading
 * ------------------------------------------------------------------------ */

/* The bytes are those that were written. */
static int check_whole(const char *path, struct str bytes, struct err *e)
{
    unsigned char sum[SUM_BYTES];
    if (bytes.n < sizeof(struct head) + SUM_BYTES ||
        memcmp(bytes.p, magic, sizeof(magic)) != 0)
        return err_set(e, OTK_EFORMAT, "%s: this is no checkpoint; %s", path,
                       again);
    struct str all = {bytes.p, bytes.n - SUM_BYTES};
    sum_of(&all, 1, sum);
    if (memcmp(sum, bytes.p + all.n, SUM_BYTES) != 0)
        return err_set(e, OTK_EFORMAT, "%s: the checkpoint is damaged; %s",
                       path, again);
    return OTK_OK;
}

static int differs(struct err *e, const char *path, const char *what)
{
    return err_set(e, OTK_ECONFLICT,
                   "%s: the checkpoint was made with %s; use the same, or %s",
                   path, what, again);
}

static int check_fits(const char *path, const struct head *h,
                      const struct checkpoint *c, struct err *e)
{
    static const char *const sources[CHECKPOINT_SOURCES] = {
        "another base model", "other texts", "other labels"};
    const struct checkpoint_about *a = &c->about;
    for (size_t i = 0; i < a->n_traits && h->n_traits == a->n_traits; i++) {
        const struct checkpoint_trait *t = &a->traits[i];
        if (h->traits[i] != t->value)
            return err_set(e, OTK_ECONFLICT,
                           "%s: the checkpoint was made with %s %.9g, not "
                           "%.9g; use the same, or %s",
                           path, t->name, h->traits[i], t->value, again);
    }
    if (h->seed != a->seed)
        return err_set(e, OTK_ECONFLICT,
                       "%s: the checkpoint was made with seed %llu, not %llu; "
                       "use the same, or %s",
                       path, (unsigned long long)h->seed,
                       (unsigned long long)a->seed, again);
    for (int i = 0; i < CHECKPOINT_SOURCES; i++) {
        if (memcmp(h->digests[i], a->digests[i], sizeof(h->digests[i])) != 0)
            return differs(e, path, sources[i]);
    }
    if (h->n_traits != a->n_traits || h->n != c->n)
        return differs(e, path, "another version of this program");
    return OTK_OK;
}

static bool is_share(double x)
{
    return isnan(x) || (x >= 0 && x <= 1);
}

static bool good_place(const struct checkpoint_place *x)
{
    return isfinite(x->loss) && is_share(x->accuracy) &&
           is_share(x->macro_f1) &&
           (x->best_epoch == 0 ||
            (isfinite(x->best) && is_share(x->best_accuracy) &&
             isfinite(x->best_loss)));
}

static bool good_array(const float *x, size_t n, float least)
{
    bool good = true;
    for (size_t i = 0; i < n; i++)
        good &= isfinite(x[i]) && x[i] >= least;
    return good;
}

/* Sizes and numbers, which a stranger could have written with a right sum. */
static int check_numbers(const char *path, const struct head *h,
                         const float *arrays, size_t bytes, struct err *e)
{
    size_t n = h->n;
    size_t n_arrays = ARRAYS - (h->has_best == 0);
    if (h->has_best > 1 || bytes != n * n_arrays * sizeof(float))
        return err_set(e, OTK_EFORMAT,
                       "%s: the checkpoint has %zu bytes of numbers, which "
                       "%zu parameters do not make; %s",
                       path, bytes, n, again);
    bool good = good_place(&h->at);
    for (size_t i = 0; good && i < n_arrays; i++)
        good = good_array(arrays + i * n, n, i == 2 ? 0 : -INFINITY);
    return good ? OTK_OK
                : err_set(e, OTK_EFORMAT,
                          "%s: the checkpoint holds numbers that are not "
                          "finite; %s",
                          path, again);
}

static int take(const char *path, struct str bytes, struct checkpoint *c,
                struct err *e)
{
    struct head h;
    int r = check_whole(path, bytes, e);
    if (r)
        return r;
    memcpy(&h, bytes.p, sizeof(h));
    /* a mapping begins at a page, and the head keeps the alignment */
    const float *arrays = (const void *)(bytes.p + sizeof(h));
    r = check_fits(path, &h, c, e);
    if (!r)
        r = check_numbers(path, &h, arrays, bytes.n - sizeof(h) - SUM_BYTES, e);
    if (r)
        return r;
    size_t size = c->n * sizeof(*arrays);
    memcpy(c->values, arrays, size);
    memcpy(c->first, arrays + c->n, size);
    memcpy(c->second, arrays + 2 * c->n, size);
    memcpy(c->best, arrays + (h.has_best ? 3 * c->n : 0), size);
    c->at = h.at;
    return OTK_OK;
}

int checkpoint_read(const char *path, struct checkpoint *c, struct err *e)
{
    struct mapped map;
    int r = mapped_open(path, &map, e);
    if (r)
        return r;
    r = take(path, (struct str){map.at, map.len}, c, e);
    mapped_close(&map);
    return r;
}
