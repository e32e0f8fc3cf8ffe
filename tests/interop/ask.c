/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask FOLDER [TASK=CLASSES...]: what a model says of tokens, as JSON
 *
 * Each line of stdin is a text, its tokens' numbers with spaces between. Each
 * line of stdout is an object with what model/onnx.h calls its outputs:
 * last_hidden_state, embedding, logits of a classifier, and scores_TASK.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/model.h"
#include "model/names.h"
#include "model/weights.h"
#include "tensor/linear.h"

enum { TOKENS_MAX = 4096, LINE_BYTES = 1 << 16, CLASSES_MAX = 4096 };

static void put_list(const char *name, const float *x, size_t n)
{
    (void)printf("%s\"%s\":[", strcmp(name, "last_hidden_state") ? "," : "",
                 name);
    for (size_t i = 0; i < n; i++)
        (void)printf("%s%.9g", i ? "," : "", (double)x[i]);
    (void)putchar(']');
}

static int fail(const struct err *e)
{
    (void)fprintf(stderr, "ask: %s %s\n", e->field, e->msg);
    return 1;
}

/* The encoder once more by itself: struct model keeps its own. */
struct asked {
    struct arena *arena;
    struct model_config config;
    struct weights *weights;
    struct names names;
    struct encoder *encoder;
    struct model *model;
    struct session *session;
};

static int open_model(const char *folder, struct asked *x, struct err *e)
{
    int r = model_config_read(folder, x->arena, &x->config, e);
    if (!r)
        r = weights_open(folder, &x->weights, e);
    if (!r)
        r = names_init(&x->names, x->weights, &x->config, e);
    if (!r)
        r = encoder_new(&x->names, PRECISION_F32, &x->encoder, e);
    return r ? r : model_load(folder, PRECISION_F32, &x->model, e);
}

static int put_head(const struct asked *x, const char *word,
                    const float *pooled, struct err *e)
{
    static float scores[CLASSES_MAX];
    char task[200];
    char name[220];
    struct linear *head;
    const char *sign = strrchr(word, '=');
    size_t outs = sign ? strtoul(sign + 1, NULL, 10) : 0;
    if (!outs || outs > CLASSES_MAX)
        return err_set(e, OTK_EINVAL, "%s: TASK=CLASSES", word);
    (void)snprintf(task, sizeof(task), "%.*s", (int)(sign - word), word);
    (void)snprintf(name, sizeof(name), "scores_%s", task);
    int r = model_head(x->model, task, outs, &head, e);
    if (r)
        return r;
    session_linear(x->session, &(struct linear_job){.l = head,
                                                    .x = pooled,
                                                    .rows = 1,
                                                    .ldx = x->config.hidden,
                                                    .y = scores,
                                                    .ldy = outs});
    put_list(name, scores, outs);
    linear_free(head);
    return OTK_OK;
}

static int ask(const struct asked *x, uint32_t *ids, size_t n, char **heads,
               struct err *e)
{
    size_t hidden = x->config.hidden;
    float *rows = calloc((n + 2) * hidden + CLASSES_MAX, sizeof(*rows));
    if (!rows)
        return err_set(e, OTK_ELIMIT, "no memory");
    float *pooled = rows + n * hidden;
    const size_t offsets[] = {0, n};
    const struct batch b = {ids, offsets, 1};
    const struct encoded text = {ids, n, false};
    int r = encoder_run(x->encoder, x->session, &b, WANT_TOKENS, rows, e);
    (void)putchar('{');
    put_list("last_hidden_state", rows, n * hidden);
    if (!r)
        r = model_embed(x->model, x->session, &text, 1, pooled, e);
    put_list("embedding", pooled, hidden);
    if (!r && model_info(x->model)->has_labels) {
        r = model_classify(x->model, x->session, &text, 1, pooled + hidden, e);
        put_list("logits", pooled + hidden, x->config.n_labels);
    }
    if (!r && *heads)
        r = model_pool(x->model, x->session, &text, 1, pooled, e);
    for (; !r && *heads; heads++)
        r = put_head(x, *heads, pooled, e);
    (void)puts("}");
    free(rows);
    return r;
}

static size_t read_ids(char *line, uint32_t *ids)
{
    size_t n = 0;
    char *end;
    for (char *p = line; n < TOKENS_MAX; p = end) {
        unsigned long x = strtoul(p, &end, 10);
        if (end == p)
            break;
        ids[n++] = (uint32_t)x;
    }
    return n;
}

int main(int argc, char **argv)
{
    static char line[LINE_BYTES];
    static uint32_t ids[TOKENS_MAX];
    struct err e = {0};
    struct asked x = {0};
    if (argc < 2) {
        (void)fputs("ask FOLDER [TASK=CLASSES...] <TOKENS\n", stderr);
        return 2;
    }
    x.arena = arena_new();
    x.session = session_new(1);
    int r = open_model(argv[1], &x, &e);
    while (!r && fgets(line, sizeof(line), stdin))
        r = ask(&x, ids, read_ids(line, ids), argv + 2, &e);
    encoder_free(x.encoder);
    model_unref(x.model);
    weights_close(x.weights);
    session_free(x.session);
    arena_free(x.arena);
    return r ? fail(&e) : 0;
}
