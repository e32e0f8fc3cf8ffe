/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as config.json; what is accepted must be a possible network. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"
#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

static void check(const struct model_config *c)
{
    bool sized = c->hidden && c->hidden <= MODEL_HIDDEN_MAX && c->heads &&
                 c->hidden % c->heads == 0 && c->layers &&
                 c->layers <= MODEL_LAYERS_MAX && c->inner &&
                 c->inner <= MODEL_INNER_MAX && c->vocab <= MODEL_VOCAB_MAX;
    if (!sized || c->pad_id >= c->vocab || !c->max_tokens ||
        c->max_tokens + c->position_offset != c->max_positions)
        stop("no possible network");
    if (!(c->layer_norm_eps > 0 && c->layer_norm_eps < 1))
        stop("a norm that divides by zero");
    if ((c->family == MODEL_DISTILBERT) != (c->type_vocab == 0))
        stop("token types that the family does not have");
    for (size_t i = 0; i < c->n_labels; i++) {
        struct str s = str_from(c->labels[i]);
        if (!s.n || s.n > MODEL_LABEL_BYTES || utf8_check(s) != s.n)
            stop("a label that cannot be shown");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct model_config c;
    struct err e = {0};
    if (!model_config_parse((struct str){(const char *)data, size}, a, &c, &e))
        check(&c);
    else if (!e.msg[0])
        stop("an error without a text");
    arena_free(a);
    return 0;
}
