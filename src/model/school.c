/* SPDX-License-Identifier: Apache-2.0 */
#include "model/school.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/adapter.h"
#include "model/checkpoint.h"
#include "model/gradient.h"
#include "model/weights.h"
#include "tensor/team.h"
#include "text/tokenizer.h"

/* ---- options
 * ------------------------------------------------------------------------- */

static void set(double *x, double usual)
{
    if (*x == 0)
        *x = usual;
}

static void set_size(size_t *x, size_t usual)
{
    if (*x == 0)
        *x = usual;
}

static int settle(struct finetune_options *o, struct err *e)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    set_size(&o->epochs, 5);
    set_size(&o->batch, 32);
    set_size(&o->accumulate, 1);
    set_size(&o->max_tokens, 128);
    set_size(&o->patience, 3);
    set(&o->rate, 1e-4);
    set(&o->warm_up, 0.1);
    set(&o->decay, 0.01);
    set(&o->clip, 1);
    set(&o->dropout, 0.1);
    set(&o->layer_decay, 1);
    set(&o->head_rate, 1);
    if (o->lora_alpha > 0 && !o->lora_rank)
        return err_set(e, OTK_EINVAL,
                       "lora-alpha is of a LoRA: say lora-rank, too");
    set(&o->lora_alpha, 2 * (double)o->lora_rank);
    if (o->lora_rank) /* they would have no slopes anyway */
        set_size(&o->frozen, 1);
    o->warm_up = fmax(o->warm_up, 0);
    o->decay = fmax(o->decay, 0);
    o->clip = fmax(o->clip, 0);
    o->dropout = fmax(o->dropout, 0);
    o->seed = o->seed ? o->seed : 1;
    o->threads = o->threads > 0 ? o->threads : cores > 0 ? (int)cores : 1;
    if (o->batch > 4096 || o->epochs > 1000)
        return err_set(e, OTK_EINVAL,
                       "%zu epochs of steps of %zu texts; at "
                       "most 1000 and 4096",
                       o->epochs, o->batch);
    if (o->accumulate > o->batch)
        return err_set(e, OTK_EINVAL,
                       "steps of %zu texts in %zu parts: some have none",
                       o->batch, o->accumulate);
    if (!(o->rate > 0 && o->rate < 1 && o->dropout < 0.9 && o->smoothing >= 0 &&
          o->smoothing < 0.9 && o->warm_up <= 1))
        return err_set(e, OTK_EINVAL,
                       "rate, dropout, smoothing or warm-up out "
                       "of range");
    return OTK_OK;
}

/* ---- reading
 * ------------------------------------------------------------------------- */

static int read_base(struct school *s, const char *base,
                     const struct head_shape *heads, size_t n_heads,
                     struct err *e)
{
    struct names names;
    int r = model_config_read(base, s->arena, &s->config, e);
    if (!r && s->config.activation != ACTIVATION_GELU)
        r = err_field(e, OTK_EFORMAT, "hidden_act",
                      "%s: only networks with gelu can be taught", base);
    if (!r && s->o.frozen > s->config.layers + 1)
        r = err_set(e, OTK_EINVAL,
                    "freeze %zu: %s has %zu layers, so at most %zu; the heads "
                    "have to learn",
                    s->o.frozen, base, s->config.layers, s->config.layers + 1);
    if (!r)
        r = pooling_read(base, &s->config, &s->pooling, e);
    if (!r)
        r = weights_open(base, &s->weights, e);
    if (!r)
        r = names_init(&names, s->weights, &s->config, e);
    if (!r && adapter_is_in(base))
        r = adapter_merge(base, &names, s->weights, e);
    if (!r && s->o.adapter)
        r = adapter_merge(s->o.adapter, &names, s->weights, e);
    if (!r)
        r = parameters_read(&names, heads, n_heads, s->o.seed, s->arena, &s->p,
                            e);
    if (!r && s->o.lora_rank)
        r = lora_new(&s->p, s->o.lora_rank, s->o.lora_alpha, s->o.seed,
                     s->arena, &s->lora, e);
    return r;
}

static int read_texts(struct school *s, const char *base, struct err *e)
{
    struct tokenizer *t = NULL;
    struct tokenizer_scratch *scratch = tokenizer_scratch_new();
    size_t most = s->o.max_tokens < s->config.max_tokens ? s->o.max_tokens
                                                         : s->config.max_tokens;
    int r = tokenizer_load(base, &t, e);
    if (!r && tokenizer_size(t) > s->config.vocab)
        r = err_set(e, OTK_EFORMAT,
                    "%s: the tokenizer has %zu tokens, the model %zu", base,
                    tokenizer_size(t), s->config.vocab);
    s->lessons = mem_new(s->d->n + 1, sizeof(*s->lessons));
    for (size_t i = 0; !r && i < s->d->n; i++) {
        struct tokens x;
        r = tokenizer_encode(t, scratch, s->d->texts[i], most, &x, e);
        if (r) {
            r = err_place(e, r, "text %zu", i + 1);
            break;
        }
        s->lessons[i] = (struct lesson){
            .ids = ARENA_ARRAY(s->arena, uint32_t, x.n + 1), .n = x.n};
        memcpy(s->lessons[i].ids, x.ids, x.n * sizeof(*x.ids));
    }
    tokenizer_scratch_free(scratch);
    tokenizer_free(t);
    return r;
}

/* The same weight for each class, or as much for rare ones together as for
 * frequent ones. */
static void weigh_classes(struct school *s)
{
    for (size_t task = 0; task < s->p.n_heads; task++) {
        size_t n = s->p.heads[task].n;
        size_t all = 0;
        size_t *count = mem_new(n, sizeof(*count));
        s->class_weights[task] = ARENA_ARRAY(s->arena, float, n);
        for (size_t i = 0; i < s->n_order; i++) {
            int class = s->d->truth[task][s->order[i]];
            if (class >= 0) {
                count[class]++;
                all++;
            }
        }
        for (size_t c = 0; c < n; c++) {
            double even = (double)all / (double)n / (double)(count[c] + 1);
            s->class_weights[task][c] =
                s->o.weigh_classes ? (float)sqrt(even) : 1;
        }
        free(count);
    }
}

static int prepare(struct school *s, struct err *e)
{
    size_t n = s->d->n;
    s->order = mem_new(n + 1, sizeof(*s->order));
    s->asked = mem_new(n + 1, sizeof(*s->asked));
    for (size_t i = 0; i < n; i++) {
        if (s->d->held_out[i])
            s->asked[s->n_asked++] = i;
        else
            s->order[s->n_order++] = i;
    }
    if (s->n_order == 0)
        return err_set(e, OTK_EINVAL, "there is no text to learn from");
    weigh_classes(s);
    s->slopes = mem_try(s->p.n, sizeof(*s->slopes));
    s->best = mem_try(s->p.n, sizeof(*s->best));
    if (!s->slopes || !s->best)
        return err_set(e, OTK_ELIMIT,
                       "no memory for the slopes of %zu "
                       "parameters",
                       s->p.n);
    memcpy(s->best, s->p.values, s->p.n * sizeof(*s->best));
    s->gradient = gradient_new(s->o.threads);
    s->team = team_new(s->o.threads);
    const struct adam_options o = {
        .beta1 = 0.9,
        .beta2 = 0.999,
        .eps = 1e-8,
        .decay = s->o.decay,
        .clip = s->o.clip,
        .head_rate = s->o.head_rate,
        .layer_decay = s->o.layer_decay,
        .frozen = s->o.frozen,
    };
    return adam_init(&s->adam, &s->p, &o, e);
}

/* ---- what decides
 * ----------------------------------------------------------------------- */

static void add(crypto_generichash_state *h, const void *p, size_t n)
{
    (void)crypto_generichash_update(h, p, n);
}

static void add_number(crypto_generichash_state *h, size_t x)
{
    uint64_t wide = x;
    add(h, &wide, sizeof(wide));
}

static void digest_base(const struct school *s, crypto_generichash_state *h)
{
    const struct model_config *c = &s->config;
    add_number(h, (size_t)c->family);
    add_number(h, c->heads);
    add_number(h, c->pad_id);
    add_number(h, c->position_offset);
    add_number(h, (size_t)s->pooling.kind);
    add(h, &c->layer_norm_eps, sizeof(c->layer_norm_eps));
    for (size_t i = 0; i < s->p.n_list; i++) {
        const struct parameter *x = &s->p.list[i];
        add(h, x->name, strlen(x->name) + 1);
        add_number(h, x->dims[0]);
        add_number(h, x->dims[1]);
    }
    add(h, s->p.values, s->p.n * sizeof(*s->p.values));
}

static void digest_texts(const struct school *s, crypto_generichash_state *h)
{
    for (size_t i = 0; i < s->d->n; i++) {
        add_number(h, s->lessons[i].n);
        add(h, s->lessons[i].ids, s->lessons[i].n * sizeof(uint32_t));
    }
    add(h, s->d->held_out, s->d->n);
}

static void digest_truth(const struct school *s, crypto_generichash_state *h)
{
    for (size_t t = 0; t < s->p.n_heads; t++) {
        const char *name = s->p.heads[t].name;
        add(h, name, strlen(name) + 1);
        add_number(h, s->p.heads[t].n);
        add(h, s->d->truth[t], s->d->n * sizeof(int));
    }
}

void school_about(const struct school *s, struct checkpoint_about *ret)
{
    static void (*const digests[CHECKPOINT_SOURCES])(
        const struct school *,
        crypto_generichash_state *) = {digest_base, digest_texts, digest_truth};
    const struct finetune_options *o = &s->o;
    const struct checkpoint_trait traits[] = {
        {"epochs", (double)o->epochs},
        {"batch", (double)o->batch},
        {"accumulate", (double)o->accumulate},
        {"bf16", (double)o->bf16},
        {"lora_rank", (double)o->lora_rank},
        {"lora_alpha", o->lora_alpha},
        {"max_tokens", (double)o->max_tokens},
        {"rate", o->rate},
        {"warm_up", o->warm_up},
        {"decay", o->decay},
        {"clip", o->clip},
        {"dropout", o->dropout},
        {"smoothing", o->smoothing},
        {"layer_decay", o->layer_decay},
        {"head_rate", o->head_rate},
        {"frozen", (double)o->frozen},
        {"patience", (double)o->patience},
        {"weigh_classes", (double)o->weigh_classes},
    };
    enum { TRAITS = sizeof(traits) / sizeof(*traits) };
    _Static_assert((int)TRAITS <= (int)CHECKPOINT_TRAITS_MAX, "there is room");
    *ret = (struct checkpoint_about){.n_traits = TRAITS, .seed = o->seed};
    memcpy(ret->traits, traits, sizeof(traits));
    for (int i = 0; i < CHECKPOINT_SOURCES; i++) {
        crypto_generichash_state h;
        (void)crypto_generichash_init(&h, NULL, 0, CHECKPOINT_DIGEST_BYTES);
        digests[i](s, &h);
        (void)crypto_generichash_final(&h, ret->digests[i],
                                       CHECKPOINT_DIGEST_BYTES);
    }
}

/* ---- the whole
 * -------------------------------------------------------------------------- */

int school_open(struct school *s, const char *base,
                const struct head_shape *heads, size_t n_heads,
                const struct finetune_data *d, const struct finetune_options *o,
                struct err *e)
{
    *s = (struct school){.d = d, .o = *o, .arena = arena_new()};
    int r = settle(&s->o, e);
    if (!r)
        r = read_base(s, base, heads, n_heads, e);
    if (!r)
        r = read_texts(s, base, e);
    if (!r)
        r = prepare(s, e);
    return r;
}

void school_close(struct school *s)
{
    adam_free(&s->adam);
    gradient_free(s->gradient);
    lora_free(s->lora);
    team_free(s->team);
    parameters_free(&s->p);
    weights_close(s->weights);
    free(s->slopes);
    free(s->best);
    free(s->lessons);
    free(s->order);
    free(s->asked);
    arena_free(s->arena);
}
