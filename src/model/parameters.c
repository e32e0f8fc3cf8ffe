/* SPDX-License-Identifier: Apache-2.0 */
#include "model/parameters.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/config.h"
#include "model/weight.h"
#include "model/weights.h"

enum { PATH_BYTES = 4096 };

/* What each layer has, in the order in which it lies. */
static const enum weight_role layer_roles[] = {
    ROLE_QUERY,          ROLE_KEY,
    ROLE_VALUE,          ROLE_QUERY_BIAS,
    ROLE_KEY_BIAS,       ROLE_VALUE_BIAS,
    ROLE_ATTENTION_OUT,  ROLE_ATTENTION_OUT_BIAS,
    ROLE_ATTENTION_NORM, ROLE_ATTENTION_NORM_BIAS,
    ROLE_INNER,          ROLE_INNER_BIAS,
    ROLE_OUTER,          ROLE_OUTER_BIAS,
    ROLE_LAYER_NORM,     ROLE_LAYER_NORM_BIAS};
static const enum weight_role first_roles[] = {ROLE_WORDS, ROLE_POSITIONS,
                                               ROLE_TYPES, ROLE_EMBEDDING_NORM,
                                               ROLE_EMBEDDING_NORM_BIAS};
enum {
    LAYER_ROLES = sizeof(layer_roles) / sizeof(*layer_roles),
    FIRST_ROLES = sizeof(first_roles) / sizeof(*first_roles),
};

static bool has_role(const struct model_config *c, enum weight_role role)
{
    return role != ROLE_TYPES || c->type_vocab > 0;
}

/* Where the layers begin in the list. */
static size_t first_count(const struct model_config *c)
{
    return FIRST_ROLES - !has_role(c, ROLE_TYPES);
}

static void add(struct parameters *p, const char *name, const size_t *dims,
                int n_dims, size_t depth)
{
    struct parameter *x = &p->list[p->n_list++];
    *x = (struct parameter){
        .name = name,
        .dims = {dims[0], n_dims > 1 ? dims[1] : 0},
        .n_dims = n_dims,
        .at = p->n,
        .n = dims[0] * (n_dims > 1 ? dims[1] : 1),
        .depth = depth,
        .decays = n_dims > 1,
    };
    p->n += x->n;
}

static int add_role(struct parameters *p, const struct names *n,
                    enum weight_role role, size_t layer, size_t depth,
                    const struct weight **ret, struct arena *a, struct err *e)
{
    int r = names_find(n, role, layer, ret, e);
    if (!r)
        add(p, arena_copy(a, (*ret)->name), (*ret)->dims, (*ret)->n_dims,
            depth);
    return r;
}

static void add_heads(struct parameters *p, struct arena *a)
{
    for (size_t i = 0; i < p->n_heads; i++) {
        const struct head_shape *h = &p->heads[i];
        const size_t dims[] = {h->n, p->config->hidden};
        size_t depth = p->config->layers + 1;
        add(p, arena_printf(a, "heads.%s.weight", h->name), dims, 2, depth);
        add(p, arena_printf(a, "heads.%s.bias", h->name), dims, 1, depth);
    }
}

int parameters_read(const struct names *n, const struct head_shape *heads,
                    size_t n_heads, uint64_t seed, struct arena *a,
                    struct parameters *ret, struct err *e)
{
    const struct model_config *c = n->config;
    struct rand chance;
    size_t most = FIRST_ROLES + c->layers * LAYER_ROLES + 2 * n_heads;
    const struct weight **from = ARENA_ARRAY(a, const struct weight *, most);
    *ret = (struct parameters){.config = c, .n_heads = n_heads};
    ret->list = ARENA_ARRAY(a, struct parameter, most);
    for (size_t i = 0; i < n_heads; i++)
        ret->heads[i] = heads[i];
    int r = OTK_OK;
    for (size_t i = 0; !r && i < FIRST_ROLES; i++) {
        if (has_role(c, first_roles[i]))
            r = add_role(ret, n, first_roles[i], 0, 0, &from[ret->n_list], a,
                         e);
    }
    for (size_t i = 0; !r && i < c->layers * LAYER_ROLES; i++)
        r = add_role(ret, n, layer_roles[i % LAYER_ROLES], i / LAYER_ROLES,
                     1 + i / LAYER_ROLES, &from[ret->n_list], a, e);
    size_t n_read = ret->n_list;
    add_heads(ret, a);
    ret->values = r ? NULL : mem_try(ret->n, sizeof(*ret->values));
    if (!r && !ret->values)
        r = err_set(e, OTK_ELIMIT, "no memory for %zu parameters", ret->n);
    for (size_t i = 0; !r && i < n_read; i++)
        r = weight_read(from[i], ret->values + ret->list[i].at, e);
    rand_init(&chance, seed);
    for (size_t i = 0; !r && i < n_heads; i++)
        rand_normal(&chance, 0.02,
                    ret->values + parameters_head_at(ret, i, false),
                    heads[i].n * c->hidden);
    return r;
}

void parameters_free(struct parameters *p)
{
    free(p->values);
    *p = (struct parameters){0};
}

size_t parameters_at(const struct parameters *p, enum weight_role role,
                     size_t layer)
{
    size_t at = 0;
    for (size_t i = 0; i < FIRST_ROLES; i++) {
        if (first_roles[i] == role)
            return p->list[at].at;
        at += has_role(p->config, first_roles[i]);
    }
    for (size_t i = 0; i < LAYER_ROLES; i++) {
        if (layer_roles[i] == role)
            return p->list[at + layer * LAYER_ROLES + i].at;
    }
    bug("no parameters for role %d", (int)role);
}

size_t parameters_head_at(const struct parameters *p, size_t head, bool bias)
{
    size_t layers = first_count(p->config) + p->config->layers * LAYER_ROLES;
    return p->list[layers + 2 * head + bias].at;
}

/* Those of one kind. */
static int write(const struct parameters *p, bool apart, const char *path,
                 struct err *e)
{
    struct weight *list = mem_new(p->n_list, sizeof(*list));
    size_t n = 0;
    for (size_t i = 0; i < p->n_list; i++) {
        const struct parameter *x = &p->list[i];
        if (x->apart != apart)
            continue;
        list[n++] = (struct weight){
            .name = str_from(x->name),
            .type = WEIGHT_F32,
            .n_dims = x->n_dims,
            .dims = {x->dims[0], x->dims[1]},
            .data = p->values + x->at,
            .bytes = x->n * sizeof(float),
        };
    }
    int r = weights_write(path, list, n, e);
    free(list);
    return r;
}

int parameters_write(const struct parameters *p, const char *folder,
                     struct err *e)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    return write(p, false, path, e);
}

int parameters_write_apart(const struct parameters *p, const char *path,
                           struct err *e)
{
    return write(p, true, path, e);
}
