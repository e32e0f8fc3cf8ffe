/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/vectors.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mapped.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "knowledge/vector_store.h"
#include "model/encoder.h"
#include "model/model.h"

enum {
    TEXT_BYTES = 16384, /* more than any of the models' 512 tokens need */
    BATCH = 256,        /* texts between two writes to the file */
    THREADS = 8,
};

struct vectors {
    struct model *model;
    uint8_t identity[VECTOR_KEY];
    size_t size;
    pthread_mutex_t lock; /* guards: */
    struct vector_store *store;
    struct session *session;
    bool told; /* that the file cannot be written */
    _Atomic(int) refs;
};

/* ---- which model is it?
 * ---------------------------------------------------- */

static int is_part(const struct dirent *d)
{
    struct str name = str_from(d->d_name);
    return str_ends(name, ".json") || str_ends(name, ".txt") ||
           str_ends(name, ".safetensors");
}

static int hash_file(crypto_generichash_state *h, const char *folder,
                     const char *name, struct err *e)
{
    char path[PATH_MAX];
    struct mapped m;
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", folder);
    int r = mapped_open(path, &m, e);
    if (r == OTK_EFORMAT)
        return OTK_OK; /* empty: its name says all */
    if (r)
        return r;
    (void)crypto_generichash_update(h, (const unsigned char *)name,
                                    strlen(name) + 1);
    (void)crypto_generichash_update(h, m.at, m.len);
    mapped_close(&m);
    return OTK_OK;
}

/* All that a vector depends on: the files, and what was made of them. */
static int identify(struct vectors *v, const char *folder, struct err *e)
{
    crypto_generichash_state h;
    char facts[100];
    struct dirent **list;
    const struct model_info *m = model_info(v->model);
    int n = scandir(folder, &list, is_part, alphasort);
    if (n < 0)
        return err_errno(e, OTK_EIO, "%s", folder);
    int r = OTK_OK;
    int len = snprintf(facts, sizeof(facts), "%s %zu %zu %d",
                       precision_name(m->precision), m->config->hidden,
                       m->max_tokens, m->mean);
    (void)crypto_generichash_init(&h, NULL, 0, VECTOR_KEY);
    (void)crypto_generichash_update(&h, (const unsigned char *)facts,
                                    (unsigned long long)len);
    for (int i = 0; i < n; i++) {
        r = r ? r : hash_file(&h, folder, list[i]->d_name, e);
        free(list[i]);
    }
    free(list);
    (void)crypto_generichash_final(&h, v->identity, VECTOR_KEY);
    return r;
}

/* ---- open and close
 * -------------------------------------------------------- */

static int threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > THREADS ? THREADS : (int)n;
}

static int open_store(struct vectors *v, const char *cache, struct err *e)
{
    struct err why = {0};
    int r = vector_store_open(cache, v->identity, v->size, &v->store, &why);
    if (r == OTK_EIO && cache) {
        log_warn("knowledge", "vectors are not kept: %s", why.msg);
        return vector_store_open(NULL, v->identity, v->size, &v->store, e);
    }
    return r ? err_set(e, r, "%s", why.msg) : OTK_OK;
}

int vectors_open(const char *folder, enum precision p, const char *cache,
                 struct vectors **ret, struct err *e)
{
    struct vectors *v = MEM_NEW(struct vectors);
    atomic_store(&v->refs, 1);
    (void)pthread_mutex_init(&v->lock, NULL);
    int r = model_load(folder, p, &v->model, e);
    if (!r && model_info(v->model)->has_labels)
        r = err_set(e, OTK_EINVAL,
                    "%s: a classifier; search needs a model for vectors of "
                    "texts, such as sentence-transformers make",
                    folder);
    if (!r) {
        v->size = model_info(v->model)->config->hidden;
        r = identify(v, folder, e);
    }
    if (!r)
        r = open_store(v, cache, e);
    if (r) {
        vectors_unref(v);
        return r;
    }
    v->session = session_new(threads());
    *ret = v;
    return OTK_OK;
}

struct vectors *vectors_ref(struct vectors *v)
{
    if (v)
        (void)atomic_fetch_add(&v->refs, 1);
    return v;
}

void vectors_unref(struct vectors *v)
{
    if (!v || atomic_fetch_sub(&v->refs, 1) > 1)
        return;
    vector_store_free(v->store);
    session_free(v->session);
    model_unref(v->model);
    (void)pthread_mutex_destroy(&v->lock);
    free(v);
}

size_t vectors_size(const struct vectors *v)
{
    return v->size;
}

/* ---- asking
 * ---------------------------------------------------------------- */

/* What the store calls a text. */
static void key_of(const struct vectors *v, struct str text,
                   uint8_t ret[VECTOR_KEY])
{
    (void)crypto_generichash(ret, VECTOR_KEY, (const unsigned char *)text.p,
                             text.n, v->identity, sizeof(v->identity));
}

static void to_unit_length(float *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * (double)x[i];
    float by = squares > 0 ? (float)(1 / sqrt(squares)) : 0;
    for (size_t i = 0; i < n; i++)
        x[i] *= by;
}

static int ask(const struct vectors *v, struct session *s,
               const struct str *texts, size_t n, float *ret, struct err *e)
{
    int r = model_embed_texts(v->model, s, texts, n, ret, e);
    for (size_t i = 0; !r && i < n; i++)
        to_unit_length(ret + i * v->size, v->size);
    return r;
}

/* As much of a text as models are asked about; a blank one, which they refuse,
 * is a full stop. */
static struct str readable(struct str text)
{
    struct str some = utf8_cut(text, TEXT_BYTES);
    return str_trim(some).n ? some : STR(".");
}

int vectors_ask(const struct vectors *v, struct session *s, struct str text,
                float *ret, struct err *e)
{
    struct str some = readable(text);
    return ask(v, s, &some, 1, ret, e);
}

static void warn_once(struct vectors *v, int r, const struct err *why)
{
    if (r && !v->told)
        log_warn("knowledge", "vectors are not kept: %s", why->msg);
    v->told = v->told || r;
}

/* Up to BATCH texts that the store does not have, to it and to their rows. */
static int ask_some(struct vectors *v, const struct str *texts,
                    const size_t *rows, size_t n, float *ret, struct err *e)
{
    struct err why = {0};
    float *x = mem_new(n * v->size + 1, sizeof(*x));
    int r = ask(v, v->session, texts, n, x, e);
    for (size_t i = 0; !r && i < n; i++) {
        uint8_t key[VECTOR_KEY];
        key_of(v, texts[i], key);
        r = vector_store_put(v->store, key, x + i * v->size, e);
        /* as the store will say it, so that no answer depends on whether a
         * text was new */
        if (!r)
            (void)vector_store_get(v->store, key, ret + rows[i] * v->size);
    }
    if (!r)
        warn_once(v, vector_store_save(v->store, &why), &why);
    free(x);
    return r;
}

int vectors_of(struct vectors *v, const struct str *texts, size_t n, float *ret,
               struct err *e)
{
    struct str some[BATCH];
    size_t rows[BATCH];
    size_t now = 0;
    int r = OTK_OK;
    pthread_mutex_lock(&v->lock);
    for (size_t i = 0; !r && i < n; i++) {
        uint8_t key[VECTOR_KEY];
        struct str text = readable(texts[i]);
        key_of(v, text, key);
        if (vector_store_get(v->store, key, ret + i * v->size))
            continue;
        some[now] = text;
        rows[now++] = i;
        if (now == BATCH) {
            r = ask_some(v, some, rows, now, ret, e);
            now = 0;
        }
    }
    if (!r && now)
        r = ask_some(v, some, rows, now, ret, e);
    pthread_mutex_unlock(&v->lock);
    return r;
}

void vectors_begin(struct vectors *v)
{
    pthread_mutex_lock(&v->lock);
    vector_store_begin(v->store);
    pthread_mutex_unlock(&v->lock);
}

void vectors_end(struct vectors *v)
{
    struct err why = {0};
    pthread_mutex_lock(&v->lock);
    warn_once(v, vector_store_end(v->store, &why), &why);
    pthread_mutex_unlock(&v->lock);
}
