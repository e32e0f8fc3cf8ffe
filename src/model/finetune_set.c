/* SPDX-License-Identifier: Apache-2.0 */
/* Options of fine-tuning by their names. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "model/finetune.h"

enum kind { COUNT, NUMBER, SWITCH };

struct setting {
    const char *name;
    enum kind kind;
    size_t at;          /* in struct finetune_options */
    double least, most; /* of a NUMBER `most` itself is too much */
    bool can_be_none;   /* 0 is none, which the options have as less than 0 */
};

#define AT(field) offsetof(struct finetune_options, field)

static const struct setting settings[] = {
    {"batch-size", COUNT, AT(batch), 1, 4096, false},
    {"accumulate", COUNT, AT(accumulate), 1, 4096, false},
    {"max-tokens", COUNT, AT(max_tokens), 2, 8192, false},
    {"learning-rate", NUMBER, AT(rate), 1e-9, 1, false},
    {"warmup", NUMBER, AT(warm_up), 0, 1, true},
    {"weight-decay", NUMBER, AT(decay), 0, 1, true},
    {"clip", NUMBER, AT(clip), 0, 1e6, true},
    {"dropout", NUMBER, AT(dropout), 0, 0.9, true},
    {"label-smoothing", NUMBER, AT(smoothing), 0, 0.9, false},
    {"layer-decay", NUMBER, AT(layer_decay), 1e-3, 1.0001, false},
    {"head-rate", NUMBER, AT(head_rate), 1e-3, 1001, false},
    {"freeze", COUNT, AT(frozen), 0, 1000, false},
    {"patience", COUNT, AT(patience), 1, 1000, false},
    {"lora-rank", COUNT, AT(lora_rank), 1, 1024, false},
    {"lora-alpha", NUMBER, AT(lora_alpha), 1e-3, 1e5, false},
    {"class-weights", SWITCH, AT(weigh_classes), 0, 1, false},
    {"bf16", SWITCH, AT(bf16), 0, 1, false},
};
enum { SETTINGS = sizeof(settings) / sizeof(*settings) };

static int no_setting(struct str name, struct err *e)
{
    enum { NAMES = 400 };
    char names[NAMES] = "";
    size_t n = 0;
    for (size_t i = 0; i < SETTINGS; i++)
        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
                              i ? ", " : "", settings[i].name);
    return err_set(e, OTK_EINVAL, "no setting '%.*s'; there are %s",
                   (int)(name.n < 40 ? name.n : 40), name.p, names);
}

static int out_of_range(const struct setting *s, struct str value,
                        struct err *e)
{
    int n = (int)(value.n < 40 ? value.n : 40);
    if (s->kind == SWITCH)
        return err_set(e, OTK_EINVAL, "%s is yes or no, not '%.*s'", s->name, n,
                       value.p);
    return err_set(e, OTK_EINVAL, "%s is a %s from %.9g to %s%.9g, not '%.*s'",
                   s->name, s->kind == COUNT ? "whole number" : "number",
                   s->least, s->kind == COUNT ? "" : "less than ", s->most, n,
                   value.p);
}

static int set_count(const struct setting *s, void *field, struct str value,
                     struct err *e)
{
    int64_t x;
    if (str_to_int(value, &x) || x < (int64_t)s->least || x > (int64_t)s->most)
        return out_of_range(s, value, e);
    *(size_t *)field = (size_t)x;
    return OTK_OK;
}

static int set_number(const struct setting *s, void *field, struct str value,
                      struct err *e)
{
    double x;
    if (str_to_real(value, &x) || !(x >= s->least && x < s->most))
        return out_of_range(s, value, e);
    *(double *)field = x == 0 && s->can_be_none ? -1 : x;
    return OTK_OK;
}

static int set_one(struct finetune_options *o, struct str name,
                   struct str value, struct err *e)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *s = &settings[i];
        void *field = (char *)o + s->at;
        if (!str_is(name, s->name))
            continue;
        if (s->kind == COUNT)
            return set_count(s, field, value, e);
        if (s->kind == NUMBER)
            return set_number(s, field, value, e);
        if (!str_is(value, "yes") && !str_is(value, "no"))
            return out_of_range(s, value, e);
        *(bool *)field = str_is(value, "yes");
        return OTK_OK;
    }
    return no_setting(name, e);
}

int finetune_set(struct finetune_options *o, struct str text, struct err *e)
{
    struct str part;
    while (str_next(&text, ',', &part)) {
        size_t at = str_find(part, '=');
        if (at == part.n)
            return err_set(e, OTK_EINVAL,
                           "'%.*s' is no NAME=VALUE such as batch-size=16",
                           (int)(part.n < 40 ? part.n : 40), part.p);
        int r = set_one(o, str_trim(str_sub(part, 0, at)),
                        str_trim(str_sub(part, at + 1, part.n)), e);
        if (r)
            return r;
    }
    return OTK_OK;
}
