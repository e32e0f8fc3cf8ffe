/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lora.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/config.h"
#include "model/parameters.h"
#include "model/weights.h"
#include "tensor/product.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

enum { PATH_BYTES = 4096, CONFIG_BYTES = 1 << 16, FILE_MODE = 0644 };

static const char front[] = "base_model.model.";
static const char end[] = ".weight";

/* A weight and its two narrow matrices, by their places in the list. */
struct triple {
    size_t w, a, b;
    size_t base; /* where the values that it had begin */
};

struct lora {
    struct parameters *p;
    size_t rank;
    double alpha;
    struct triple *list; /* in the arena */
    size_t n;
    float *base; /* of all W as they were */
    struct workspace *space;
};

/* ---- making
 * ------------------------------------------------------------------------- */

static bool is_linear(const struct parameters *p, const struct parameter *x)
{
    return x->n_dims == 2 && x->depth >= 1 && x->depth <= p->config->layers;
}

/* "encoder.layer.0.attention.self.query" */
static struct str module_of(const struct parameter *x)
{
    struct str name = str_from(x->name);
    return str_ends(name, end) ? str_sub(name, 0, name.n - strlen(end)) : name;
}

static void add(struct parameters *p, const char *name, size_t rows,
                size_t columns, size_t depth)
{
    p->list[p->n_list++] = (struct parameter){
        .name = name,
        .dims = {rows, columns},
        .n_dims = 2,
        .at = p->n,
        .n = rows * columns,
        .depth = depth,
        .decays = true,
        .apart = true,
    };
    p->n += rows * columns;
}

/* The list with a pair behind it for each weight. */
static void list_pairs(struct lora *l, struct arena *a)
{
    struct parameters *p = l->p;
    size_t n = p->n_list;
    size_t values = 0;
    struct parameter *list = ARENA_ARRAY(a, struct parameter, 3 * n);
    memcpy(list, p->list, n * sizeof(*list));
    l->list = ARENA_ARRAY(a, struct triple, n);
    p->list = list;
    for (size_t i = 0; i < n; i++) {
        struct parameter *x = &list[i];
        x->stays = x->depth <= p->config->layers;
        if (!is_linear(p, x))
            continue;
        struct str m = module_of(x);
        l->list[l->n++] = (struct triple){i, p->n_list, p->n_list + 1, values};
        values += x->n;
        add(p,
            arena_printf(a, "%s" STR_FMT ".lora_A.weight", front, STR_ARG(m)),
            l->rank, x->dims[1], x->depth);
        add(p,
            arena_printf(a, "%s" STR_FMT ".lora_B.weight", front, STR_ARG(m)),
            x->dims[0], l->rank, x->depth);
    }
    l->base = mem_try(values + 1, sizeof(*l->base));
}

/* A by chance, as wide as peft makes it; B is zero. */
static void begin(struct lora *l, uint64_t seed)
{
    struct rand chance;
    rand_init(&chance, seed ^ 0x10ca);
    for (size_t i = 0; i < l->n; i++) {
        const struct parameter *w = &l->p->list[l->list[i].w];
        const struct parameter *a = &l->p->list[l->list[i].a];
        memcpy(l->base + l->list[i].base, l->p->values + w->at,
               w->n * sizeof(*l->base));
        rand_normal(&chance, 1 / sqrt(3 * (double)w->dims[1]),
                    l->p->values + a->at, a->n);
    }
}

int lora_new(struct parameters *p, size_t rank, double alpha, uint64_t seed,
             struct arena *a, struct lora **ret, struct err *e)
{
    struct lora *l = MEM_NEW(struct lora);
    *l = (struct lora){.p = p, .rank = rank, .alpha = alpha};
    l->space = workspace_new();
    *ret = l;
    size_t had = p->n;
    list_pairs(l, a);
    float *values = mem_try(p->n, sizeof(*values));
    if (!l->base || !values) {
        free(values);
        return err_set(e, OTK_ELIMIT, "no memory for %zu parameters", p->n);
    }
    memcpy(values, p->values, had * sizeof(*values));
    free(p->values);
    p->values = values;
    begin(l, seed);
    return OTK_OK;
}

void lora_free(struct lora *l)
{
    if (!l)
        return;
    workspace_free(l->space);
    free(l->base);
    free(l);
}

/* ---- learning
 * ----------------------------------------------------------------------- */

static float scale_of(const struct lora *l)
{
    return (float)(l->alpha / (double)l->rank);
}

/* With W = … + s·B·A: ∂B = s·∂W·Aᵀ, ∂A = s·Bᵀ·∂W. */
static void back(struct lora *l, struct team *t, const struct triple *at,
                 float *slopes)
{
    const struct parameter *w = &l->p->list[at->w];
    const struct parameter *a = &l->p->list[at->a];
    const struct parameter *b = &l->p->list[at->b];
    const struct side of_w = {slopes + w->at, w->dims[1], false};
    product_apply(t, l->space,
                  &(struct product){
                      .m = w->dims[0],
                      .k = w->dims[1],
                      .n = l->rank,
                      .a = of_w,
                      .b = {l->p->values + a->at, w->dims[1], true},
                      .y = slopes + b->at,
                      .ldy = l->rank,
                  });
    product_apply(t, l->space,
                  &(struct product){
                      .m = l->rank,
                      .k = w->dims[0],
                      .n = w->dims[1],
                      .a = {l->p->values + b->at, l->rank, true},
                      .b = of_w,
                      .y = slopes + a->at,
                      .ldy = w->dims[1],
                  });
    /* B lies behind A */
    for (size_t i = a->at; i < b->at + b->n; i++)
        slopes[i] *= scale_of(l);
}

void lora_back(struct lora *l, struct team *t, float *slopes)
{
    for (size_t i = 0; i < l->n; i++)
        back(l, t, &l->list[i], slopes);
    for (size_t i = 0; i < l->p->n_list; i++) {
        const struct parameter *x = &l->p->list[i];
        if (x->stays && x->depth > 0)
            memset(slopes + x->at, 0, x->n * sizeof(*slopes));
    }
}

void lora_merge(struct lora *l, struct team *t)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct triple *at = &l->list[i];
        const struct parameter *w = &l->p->list[at->w];
        const struct parameter *b = &l->p->list[at->b];
        size_t mark = workspace_mark(l->space);
        float *scaled = WORKSPACE_ARRAY(l->space, float, b->n);
        for (size_t k = 0; k < b->n; k++)
            scaled[k] = scale_of(l) * l->p->values[b->at + k];
        memcpy(l->p->values + w->at, l->base + at->base,
               w->n * sizeof(*l->base));
        product_apply(
            t, l->space,
            &(struct product){
                .m = w->dims[0],
                .k = l->rank,
                .n = w->dims[1],
                .a = {scaled, l->rank, false},
                .b = {l->p->values + l->p->list[at->a].at, w->dims[1], false},
                .y = l->p->values + w->at,
                .ldy = w->dims[1],
                .adds = true,
            });
        workspace_reset(l->space, mark);
    }
}

/* ---- writing
 * ------------------------------------------------------------------------ */

/* "self.query" of "….attention.self.query"; one part alone would be the name of
 * others, too: a pooler is a "dense". */
static struct str last_parts(struct str module)
{
    size_t at = module.n;
    int parts = 0;
    while (at > 0 && (parts += module.p[at - 1] == '.') < 2)
        at--;
    return str_sub(module, at, module.n);
}

/* Of all modules the last parts, each once. */
static void put_targets(const struct lora *l, struct buf *b)
{
    for (size_t i = 0; i < l->n; i++) {
        struct str own = last_parts(module_of(&l->p->list[l->list[i].w]));
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again =
                str_eq(own, last_parts(module_of(&l->p->list[l->list[k].w])));
        if (again)
            continue;
        buf_puts(b, i ? "," : "");
        json_put_text(b, own);
    }
}

static int write_config(const struct lora *l, const char *base,
                        const char *folder, struct err *e)
{
    char path[PATH_BYTES];
    struct buf b = BUF_INIT(CONFIG_BYTES);
    (void)snprintf(path, sizeof(path), "%s/adapter_config.json", folder);
    buf_puts(&b, "{\"peft_type\":\"LORA\",\"base_model_name_or_path\":");
    json_put_text(&b, str_from(base));
    buf_printf(&b, ",\"r\":%zu,\"lora_alpha\":", l->rank);
    json_put_real(&b, l->alpha);
    buf_puts(&b, ",\"lora_dropout\":0,\"bias\":\"none\",\"use_rslora\":false,"
                 "\"fan_in_fan_out\":false,\"inference_mode\":true,"
                 "\"task_type\":null,\"target_modules\":[");
    put_targets(l, &b);
    buf_puts(&b, "]}\n");
    int r = file_write(path, buf_str(&b), FILE_MODE, e);
    buf_free(&b);
    return r;
}

int lora_write(const struct lora *l, const char *base, const char *folder,
               struct err *e)
{
    char path[PATH_BYTES];
    int r = file_make_dir(folder, e);
    if (!r)
        r = write_config(l, base, folder, e);
    if (r)
        return r;
    (void)snprintf(path, sizeof(path), "%s/adapter_model.safetensors", folder);
    return parameters_write_apart(l->p, path, e);
}
