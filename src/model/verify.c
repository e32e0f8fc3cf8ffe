/* SPDX-License-Identifier: Apache-2.0 */
#include "model/verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/encoder.h"
#include "model/model.h"
#include "model/packed.h"
#include "model/weights.h"
#include "text/tokenizer.h"

/* Short and long, in the letters that models know or do not know. */
static const char *const sentences[] = {
    "The printer is out of toner.",
    "vpn",
    "Не открывается почта, помогите пожалуйста!",
    "I forgot my password and cannot log in since Monday, please reset it.",
    "42",
    "Wi-Fi: error 0x80070035 (не найден сетевой путь)",
};
enum { SENTENCES = sizeof(sentences) / sizeof(sentences[0]) };

double model_least_cosine(enum precision p)
{
    static const double least[PRECISIONS] = {1, 0.9995, 0.99};
    return least[p];
}

static int check_values(const char *folder, struct model_report *ret,
                        struct err *e)
{
    struct weights *w = NULL;
    int r = weights_open(folder, &w, e);
    for (size_t i = 0; !r && i < weights_len(w); i++) {
        const struct weight *x = weights_at(w, i);
        if (x->type > WEIGHT_BF16)
            continue; /* numbers of places, which older files keep */
        r = weight_check(x, e);
        ret->tensors++;
        ret->values += weight_count(x);
    }
    weights_close(w);
    return r;
}

/* Vectors of the sentences, SENTENCES × hidden; free() them. */
static int embed(const struct model *m, float **ret, struct err *e)
{
    struct session *s = session_new(1);
    float *x = mem_new(SENTENCES * model_info(m)->config->hidden, sizeof(*x));
    struct str texts[SENTENCES];
    for (size_t i = 0; i < SENTENCES; i++)
        texts[i] = str_from(sentences[i]);
    int r = model_embed_texts(m, s, texts, SENTENCES, x, e);
    session_free(s);
    if (r)
        free(x);
    else
        *ret = x;
    return r;
}

static int count_tokens(const struct model *m, struct model_report *ret,
                        struct err *e)
{
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    int r = OTK_OK;
    for (size_t i = 0; !r && i < SENTENCES; i++) {
        struct encoded x = {0};
        r = model_encode(m, s, str_from(sentences[i]), &x, e);
        ret->tokens += x.n;
        free(x.ids);
    }
    ret->texts = SENTENCES;
    tokenizer_scratch_free(s);
    return r;
}

static double worst_cosine(const float *a, const float *b, size_t hidden)
{
    double worst = 1;
    for (size_t t = 0; t < SENTENCES; t++) {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (size_t i = t * hidden; i < (t + 1) * hidden; i++) {
            ab += (double)a[i] * (double)b[i];
            aa += (double)a[i] * (double)a[i];
            bb += (double)b[i] * (double)b[i];
        }
        double c = ab / sqrt(aa * bb);
        /* what is no number is as wrong as can be */
        worst = isfinite(c) ? fmin(worst, c) : -1;
    }
    return worst;
}

/* A packed file, when there is one, gives bit by bit what the weights give. */
static int check_packed(const char *folder, enum precision p,
                        const float *expected, bool *ret, struct err *e)
{
    char name[PACKED_NAME_BYTES];
    struct arena *a = arena_new();
    packed_name(p, name);
    const char *path = arena_printf(a, "%s/%s", folder, name);
    struct model *m = NULL;
    float *x = NULL;
    int r = OTK_OK;
    *ret = file_exists(path);
    if (*ret)
        r = model_load(folder, p, &m, e);
    if (m && !model_info(m)->packed)
        r = err_set(e, OTK_EFORMAT, "%s", model_info(m)->note);
    if (!r && m)
        r = model_check_packed(m, e);
    if (!r && m)
        r = embed(m, &x, e);
    size_t row = m ? model_info(m)->config->hidden * sizeof(*x) : 0;
    if (x && memcmp(x, expected, SENTENCES * row) != 0)
        r = err_set(e, OTK_EFORMAT,
                    "%s: gives other vectors than the weights; make it again: "
                    "otklik model pack",
                    path);
    free(x);
    model_unref(m);
    arena_free(a);
    return r;
}

/* One precision; `exact` are the vectors of f32, made when that is asked. */
static int check_precision(const char *folder, enum precision p, float **exact,
                           struct model_report *ret, struct err *e)
{
    struct model *m = NULL;
    float *x = NULL;
    int r = model_load_weights(folder, p, &m, e);
    if (!r && !*exact)
        r = count_tokens(m, ret, e);
    if (!r)
        r = embed(m, &x, e);
    if (!r) {
        double c =
            worst_cosine(*exact ? *exact : x, x, model_info(m)->config->hidden);
        ret->at[p].cosine = c;
        if (*exact && c < model_least_cosine(p))
            r = err_set(e, OTK_EFORMAT,
                        "%s: vectors in %s have a cosine of %.5f to those in "
                        "f32, %.4f is the least that is good; use f32%s",
                        folder, precision_name(p), c, model_least_cosine(p),
                        p == PRECISION_I8 ? " or bf16" : "");
    }
    if (!r)
        r = check_packed(folder, p, x, &ret->at[p].packed, e);
    model_unref(m);
    if (!r && !*exact) {
        *exact = x;
        x = NULL;
    }
    free(x);
    return r;
}

int model_verify(const char *folder, struct model_report *ret, struct err *e)
{
    float *exact = NULL;
    *ret = (struct model_report){0};
    int r = check_values(folder, ret, e);
    for (int p = 0; !r && p < PRECISIONS; p++)
        r = check_precision(folder, (enum precision)p, &exact, ret, e);
    free(exact);
    return r;
}
