/* SPDX-License-Identifier: Apache-2.0 */
/* How encoders are made: packed out of weights, or over a packed file. */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"
#include "model/encoder_private.h"
#include "model/names.h"
#include "tensor/kernels.h"
#include "tensor/reference.h"
#include "tensor/team.h"

/* More only wait for memory. */
enum { PACKERS_MAX = 8 };

struct side {
    size_t outs, in;
};

static struct side side_of(const struct model_config *c,
                           enum layer_linear which)
{
    size_t h = c->hidden;
    switch (which) {
    case LINEAR_QKV: return (struct side){3 * h, h};
    case LINEAR_OUT: return (struct side){h, h};
    case LINEAR_INNER: return (struct side){c->inner, h};
    default: return (struct side){h, c->inner};
    }
}

static size_t places_len(const struct model_config *c)
{
    return c->max_tokens * c->hidden;
}

static size_t norms_len(const struct model_config *c)
{
    return (2 * c->layers + 1) * 2 * c->hidden;
}

/* The i-th of all norms: the embedding's, then two a layer. */
static struct norm norm_at(const struct encoder *x, size_t i)
{
    size_t hidden = x->config->hidden;
    const float *gain = x->norms + 2 * i * hidden;
    return (struct norm){gain, gain + hidden, hidden,
                         (float)x->config->layer_norm_eps};
}

static void set_norms(struct encoder *x)
{
    x->embedding = norm_at(x, 0);
    for (size_t i = 0; i < x->config->layers; i++) {
        x->layers[i].attention = norm_at(x, 2 * i + 1);
        x->layers[i].end = norm_at(x, 2 * i + 2);
    }
}

static struct encoder *make(const struct model_config *c, enum precision p)
{
    struct encoder *x = MEM_NEW(struct encoder);
    x->config = c;
    x->precision = p;
    x->layers = mem_new(c->layers, sizeof(*x->layers));
    return x;
}

/* ---- out of weights
 * ----------------------------------------------------------------------- */

/* What is read on the way to packed weights. */
struct loader {
    const struct names *names;
    struct encoder *x;
    _Atomic(size_t) next; /* of all matrices, which members take in turn */
    struct failure {
        size_t task;
        struct err e;
    } failures[PACKERS_MAX]; /* one a member */
};

static int read_role(const struct loader *l, enum weight_role role,
                     size_t layer, float *ret, struct err *e)
{
    const struct weight *w;
    int r = names_find(l->names, role, layer, &w, e);
    return r ? r : weight_read(w, ret, e);
}

/* `n` weights of outs × in one under the other, each with its bias. */
static int read_linear(const struct loader *l, enum weight_role role, size_t n,
                       size_t layer, struct side s, float *room,
                       struct linear **ret, struct err *e)
{
    int r = OTK_OK;
    size_t outs = s.outs / n;
    float *bias = room + s.outs * s.in;
    for (size_t i = 0; !r && i < n; i++) {
        enum weight_role own = role + (enum weight_role)(2 * i);
        r = read_role(l, own, layer, room + i * outs * s.in, e);
        if (!r)
            r = read_role(l, own + 1, layer, bias + i * outs, e);
    }
    return r ? r
             : linear_new(room, bias, s.outs, s.in, l->x->precision, ret, e);
}

static int pack_task(const struct loader *l, size_t task, float *room,
                     struct err *e)
{
    static const enum weight_role roles[LAYER_LINEARS] = {
        [LINEAR_QKV] = ROLE_QUERY,
        [LINEAR_OUT] = ROLE_ATTENTION_OUT,
        [LINEAR_INNER] = ROLE_INNER,
        [LINEAR_OUTER] = ROLE_OUTER,
    };
    size_t layer = task / LAYER_LINEARS;
    enum layer_linear which = (enum layer_linear)(task % LAYER_LINEARS);
    return read_linear(l, roles[which], which == LINEAR_QKV ? 3 : 1, layer,
                       side_of(l->x->config, which), room,
                       &l->x->layers[layer].linears[which], e);
}

/* The largest matrix with its biases. */
static size_t room_len(const struct model_config *c)
{
    size_t most = 0;
    for (int i = 0; i < LAYER_LINEARS; i++) {
        struct side s = side_of(c, (enum layer_linear)i);
        size_t own = s.outs * (s.in + 1);
        most = own > most ? own : most;
    }
    return most;
}

static void pack_part(void *arg, int i, int n)
{
    (void)n;
    struct loader *l = arg;
    const struct model_config *c = l->x->config;
    struct failure *f = &l->failures[i];
    float *room = mem_try(room_len(c), sizeof(*room));
    if (!room)
        (void)err_set(&f->e, OTK_ELIMIT, "no memory for a layer of %zu × %zu",
                      c->inner, c->hidden);
    while (!f->e.code) {
        f->task = atomic_fetch_add(&l->next, 1);
        if (f->task >= c->layers * LAYER_LINEARS)
            break;
        (void)pack_task(l, f->task, room, &f->e);
    }
    free(room);
}

static int packers(size_t tasks)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
    n = n < PACKERS_MAX ? n : PACKERS_MAX;
    return (size_t)n < tasks ? n : (int)tasks;
}

/* Of several matrices that are wrong the first one is told: members take them
 * in order, so that it is the same one each time. */
static int pack_layers(struct loader *l, struct err *e)
{
    struct team *t = team_new(packers(l->x->config->layers * LAYER_LINEARS));
    const struct failure *first = NULL;
    team_run(t, pack_part, l);
    for (int i = 0; i < team_size(t); i++) {
        const struct failure *f = &l->failures[i];
        if (f->e.code && (!first || f->task < first->task))
            first = f;
    }
    team_free(t);
    return first ? err_set(e, first->e.code, "%s", first->e.msg) : OTK_OK;
}

static int read_norms(const struct loader *l, float *to, struct err *e)
{
    size_t hidden = l->x->config->hidden;
    int r = OTK_OK;
    for (size_t i = 0; !r && i < 2 * l->x->config->layers + 1; i++) {
        enum weight_role role = i == 0  ? ROLE_EMBEDDING_NORM
                                : i % 2 ? ROLE_ATTENTION_NORM
                                        : ROLE_LAYER_NORM;
        size_t layer = i ? (i - 1) / 2 : 0;
        float *gain = to + 2 * i * hidden;
        r = read_role(l, role, layer, gain, e);
        if (!r)
            r = read_role(l, role + 1, layer, gain + hidden, e);
    }
    return r;
}

/* Positions from the family's first one on; every token is of type 0, whose
 * vector is added here once. */
static int read_places(const struct loader *l, float *to, struct err *e)
{
    const struct model_config *c = l->x->config;
    const struct weight *w;
    int r = names_find(l->names, ROLE_POSITIONS, 0, &w, e);
    if (!r)
        r = weight_read_rows(w, c->position_offset, c->max_tokens, to, e);
    if (r || c->type_vocab == 0)
        return r;
    float *type = mem_new(c->hidden, sizeof(*type));
    r = names_find(l->names, ROLE_TYPES, 0, &w, e);
    if (!r)
        r = weight_read_rows(w, 0, 1, type, e);
    for (size_t i = 0; !r && i < c->max_tokens; i++)
        kernels()->add(to + i * c->hidden, type, c->hidden);
    free(type);
    return r;
}

int encoder_new(const struct names *n, enum precision p, struct encoder **ret,
                struct err *e)
{
    const struct model_config *c = n->config;
    struct encoder *x = make(c, p);
    struct loader l = {.names = n, .x = x};
    x->own = mem_try(places_len(c) + norms_len(c), sizeof(*x->own));
    int r = x->own ? names_find(n, ROLE_WORDS, 0, &x->words, e)
                   : err_set(e, OTK_ELIMIT, "no memory for %zu positions",
                             c->max_tokens);
    if (!r)
        r = read_places(&l, x->own, e);
    if (!r)
        r = read_norms(&l, x->own + places_len(c), e);
    if (!r)
        r = pack_layers(&l, e);
    if (r) {
        encoder_free(x);
        return r;
    }
    x->places = x->own;
    x->norms = x->own + places_len(c);
    set_norms(x);
    *ret = x;
    return OTK_OK;
}

void encoder_free(struct encoder *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->config->layers; i++) {
        for (int k = 0; k < LAYER_LINEARS; k++)
            linear_free(x->layers[i].linears[k]);
    }
    free(x->own);
    free(x->layers);
    free(x);
}

const struct model_config *encoder_config(const struct encoder *x)
{
    return x->config;
}

size_t encoder_bytes(const struct encoder *x)
{
    size_t n = 0;
    for (size_t i = 1; i < encoder_n_parts(x->config); i++)
        n += encoder_part_bytes(x->config, x->precision, i);
    return n;
}

/* ---- in parts
 * ----------------------------------------------------------------------- */

enum { PART_WORDS, PART_PLACES, PART_NORMS, PART_LAYERS };

size_t encoder_n_parts(const struct model_config *c)
{
    return PART_LAYERS + LAYER_LINEARS * c->layers;
}

size_t encoder_part_bytes(const struct model_config *c, enum precision p,
                          size_t i)
{
    switch (i) {
    case PART_WORDS:
        return c->vocab * c->hidden * (p == PRECISION_F32 ? 4U : 2U);
    case PART_PLACES: return places_len(c) * sizeof(float);
    case PART_NORMS: return norms_len(c) * sizeof(float);
    default: break;
    }
    struct side s = side_of(c, (i - PART_LAYERS) % LAYER_LINEARS);
    return linear_block_bytes(s.outs, s.in, p);
}

static int copy_words(const struct encoder *x, void *room, struct err *e)
{
    size_t hidden = x->config->hidden;
    float *row = mem_new(hidden, sizeof(*row));
    int r = OTK_OK;
    for (size_t i = 0; !r && i < x->config->vocab; i++) {
        r = weight_read_rows(x->words, i, 1, row, e);
        if (x->precision == PRECISION_F32)
            memcpy((float *)room + i * hidden, row, hidden * sizeof(*row));
        uint16_t *half = (uint16_t *)room + i * hidden;
        for (size_t k = 0; x->precision != PRECISION_F32 && k < hidden; k++)
            half[k] = reference_bf16(row[k]);
    }
    free(row);
    return r;
}

int encoder_part(const struct encoder *x, size_t i, void *room, struct str *ret,
                 struct err *e)
{
    const struct linear *l;
    size_t bytes = encoder_part_bytes(x->config, x->precision, i);
    switch (i) {
    case PART_WORDS:
        *ret = (struct str){room, bytes};
        return copy_words(x, room, e);
    case PART_PLACES:
        *ret = (struct str){(const char *)x->places, bytes};
        break;
    case PART_NORMS: *ret = (struct str){(const char *)x->norms, bytes}; break;
    default:
        i -= PART_LAYERS;
        l = x->layers[i / LAYER_LINEARS].linears[i % LAYER_LINEARS];
        *ret = linear_block(l);
    }
    return OTK_OK;
}

static int map_floats(struct str part, const char *what, const float **ret,
                      struct err *e)
{
    const struct weight w = {.name = str_from(what),
                             .type = WEIGHT_F32,
                             .n_dims = 1,
                             .dims = {part.n / sizeof(float)},
                             .data = part.p,
                             .bytes = part.n,
                             .file = "packed file"};
    *ret = (const float *)(const void *)part.p;
    return weight_check(&w, e);
}

static int check_parts(const struct model_config *c, enum precision p,
                       const struct str *parts, struct err *e)
{
    for (size_t i = 0; i < encoder_n_parts(c); i++) {
        size_t bytes = encoder_part_bytes(c, p, i);
        if (parts[i].n != bytes || (uintptr_t)parts[i].p % ALIGNMENT)
            return err_set(e, OTK_EFORMAT,
                           "part %zu has %zu bytes, by config.json it takes "
                           "%zu, aligned to %d",
                           i, parts[i].n, bytes, ALIGNMENT);
    }
    return OTK_OK;
}

int encoder_map(const struct model_config *c, enum precision p,
                const struct str *parts, struct encoder **ret, struct err *e)
{
    int r = check_parts(c, p, parts, e);
    if (r)
        return r;
    struct encoder *x = make(c, p);
    x->mapped_words = (struct weight){
        .name = STR("words"),
        .type = p == PRECISION_F32 ? WEIGHT_F32 : WEIGHT_BF16,
        .n_dims = 2,
        .dims = {c->vocab, c->hidden},
        .data = parts[PART_WORDS].p,
        .bytes = parts[PART_WORDS].n,
        .file = "packed file",
    };
    x->words = &x->mapped_words;
    r = map_floats(parts[PART_PLACES], "positions", &x->places, e);
    if (!r)
        r = map_floats(parts[PART_NORMS], "norms", &x->norms, e);
    for (size_t i = 0; !r && i < c->layers * LAYER_LINEARS; i++) {
        struct side s = side_of(c, i % LAYER_LINEARS);
        r = linear_map(parts[PART_LAYERS + i], s.outs, s.in, p,
                       &x->layers[i / LAYER_LINEARS].linears[i % LAYER_LINEARS],
                       e);
        if (r)
            r = err_place(e, r, "part %zu", PART_LAYERS + i);
    }
    if (r) {
        encoder_free(x);
        return r;
    }
    set_norms(x);
    *ret = x;
    return OTK_OK;
}
