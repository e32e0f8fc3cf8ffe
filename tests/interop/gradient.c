/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of tests/interop/gradient.py: interop_gradient FOLDER OUT cls|mean
 * THREADS RATE...
 *
 * Each line of stdin is a text: the class of each task, -1 if it is not known,
 * then its tokens' ids. Written are the values as they are before the first
 * step and the slopes of the loss there, to the folders OUT/values and
 * OUT/slopes; then a step of AdamW for each RATE over the same texts, and to
 * stdout the loss before each of them and after the last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/adam.h"
#include "model/config.h"
#include "model/gradient.h"
#include "model/weights.h"
#include "tensor/team.h"

enum {
    TASKS = 2,
    TEXTS_MAX = 256,
    IDS_MAX = 1 << 14,
    FIRST_RATE = 5,
    DECIMAL = 10,
    PATH_BYTES = 4096,
};
/* The same numbers stand in gradient.py. */
static const struct head_shape heads[TASKS] = {{"topic", 5}, {"priority", 3}};
static const float topic_weights[] = {1, 0.5F, 2, 1, 3};
static const float *const class_weights[TASKS] = {topic_weights, NULL};
static const struct adam_options adam_options = {
    .beta1 = 0.9,
    .beta2 = 0.999,
    .eps = 1e-8,
    .decay = 0.01,
    .clip = 1,
    .head_rate = 5,
    .layer_decay = 0.9,
};

struct texts {
    uint32_t ids[IDS_MAX];
    size_t offsets[TEXTS_MAX + 1];
    int truth[TASKS][TEXTS_MAX];
    size_t n;
};

/* The text of a line; 0, or 1: there is no room for it. */
static int read_line(char *line, struct texts *x)
{
    char *at = line;
    char *end;
    if (x->n == TEXTS_MAX)
        return 1;
    for (size_t t = 0; t < TASKS; t++)
        x->truth[t][x->n] = (int)strtol(at, &at, DECIMAL);
    size_t n = x->offsets[x->n];
    for (unsigned long id = strtoul(at, &end, DECIMAL); end != at;
         id = strtoul(at, &end, DECIMAL)) {
        if (n == IDS_MAX)
            return 1;
        x->ids[n++] = (uint32_t)id;
        at = end;
    }
    x->offsets[++x->n] = n;
    return 0;
}

static int read_texts(struct texts *x, struct err *e)
{
    char *line = NULL;
    size_t room = 0;
    int r = 0;
    while (!r && getline(&line, &room, stdin) > 0)
        r = read_line(line, x);
    free(line);
    return r ? err_set(e, OTK_ELIMIT, "at most %d texts and %d tokens",
                       TEXTS_MAX, IDS_MAX)
             : OTK_OK;
}

static int write_to(const struct parameters *p, const char *out,
                    const char *name, struct err *e)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", out, name);
    return parameters_write(p, path, e);
}

/* Steps over the same texts; the first slopes are written on the way. */
static int learn(struct parameters *p, const struct gradient_job *j,
                 const char *out, int threads, char **rates, struct err *e)
{
    size_t right[TASKS], known[TASKS];
    struct parameters slopes = *p; /* the same tensors, other numbers */
    struct adam adam = {0};
    struct gradient *g = gradient_new(threads);
    struct team *team = team_new(threads);
    slopes.values = mem_new(p->n, sizeof(*slopes.values));
    int r = adam_init(&adam, p, &adam_options, e);
    for (int i = 0; !r; i++) {
        (void)printf("%.9g\n", gradient_run(g, j, slopes.values, right, known));
        if (i == 0)
            r = write_to(&slopes, out, "slopes", e);
        if (!rates[i])
            break;
        (void)adam_step(&adam, team, p, slopes.values, atof(rates[i]));
    }
    adam_free(&adam);
    team_free(team);
    gradient_free(g);
    free(slopes.values);
    return r;
}

static int run(struct parameters *p, const struct texts *x, char **argv,
               struct err *e)
{
    const struct batch batch = {x->ids, x->offsets, x->n};
    const int *truth[TASKS];
    for (size_t t = 0; t < TASKS; t++)
        truth[t] = x->truth[t];
    const struct gradient_job j = {
        .p = p,
        .texts = &batch,
        .pooling = strcmp(argv[3], "cls") == 0 ? POOLING_CLS : POOLING_MEAN,
        .truth = truth,
        .class_weights = class_weights,
        .smoothing = 0.1F,
    };
    int r = write_to(p, argv[2], "values", e);
    return r ? r : learn(p, &j, argv[2], atoi(argv[4]), argv + FIRST_RATE, e);
}

int main(int argc, char **argv)
{
    static struct texts texts;
    struct err e = {0};
    struct arena *a = arena_new();
    struct model_config c;
    struct weights *w = NULL;
    struct names names;
    struct parameters p = {0};
    if (argc < FIRST_RATE) {
        (void)fprintf(stderr, "FOLDER OUT cls|mean THREADS RATE...\n");
        return 2;
    }
    int r = read_texts(&texts, &e);
    if (!r)
        r = model_config_read(argv[1], a, &c, &e);
    if (!r)
        r = weights_open(argv[1], &w, &e);
    if (!r)
        r = names_init(&names, w, &c, &e);
    if (!r)
        r = parameters_read(&names, heads, TASKS, 1, a, &p, &e);
    if (!r)
        r = run(&p, &texts, argv, &e);
    if (r)
        (void)fprintf(stderr, "%s %s\n", e.field, e.msg);
    parameters_free(&p);
    weights_close(w);
    arena_free(a);
    return r ? 1 : 0;
}
