/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as one file of a model folder whose other files are good; what
 * loads must predict and explain. The first byte chooses the file.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "triage/linear.h"
#include "triage/network.h"
#include "triage/train.h"
#include "triage/triage.h"

enum { NETWORK = 3, FILES = 4, PATH_BYTES = 100, FILE_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[FILES] = {"model.json", "linear.bin",
                                         "examples.jsonl", "network.bin"};
static char folder[] = "/tmp/otklik-fuzz-XXXXXX";
static struct buf good[FILES];
static struct triage_scratch *scratch;

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

/* Not file_write(): it waits for the disk. */
static void put(int file, const char *p, size_t n)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, names[file]);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f))
        stop("cannot write a file of the model");
}

static void clean(void)
{
    triage_remove(folder);
    triage_scratch_free(scratch);
    for (int i = 0; i < FILES; i++)
        buf_free(&good[i]);
}

/* So few examples make no network: one of a single word, about all classes. */
static void make_network(void)
{
    struct linear_header l;
    memcpy(&l, good[1].ptr, sizeof(l));
    const struct network_header h = {.magic = NETWORK_MAGIC,
                                     .n_features = l.n_features,
                                     .n_words = 1,
                                     .n_classes = l.n_classes,
                                     .n_networks = 1};
    const struct network_head head = {0, l.n_classes};
    const float scale = 0.1F;
    const char inner[NETWORK_HIDDEN] = {1, 2, 3};
    const float outer = 0.5F;
    good[NETWORK] = (struct buf)BUF_INIT(FILE_BYTES);
    buf_put(&good[NETWORK], &h, sizeof(h));
    buf_put(&good[NETWORK], &head, sizeof(head));
    buf_put(&good[NETWORK], &scale, sizeof(scale));
    buf_put(&good[NETWORK], inner, sizeof(inner));
    for (size_t i = 0; i < (NETWORK_HIDDEN + 1) * l.n_classes; i++)
        buf_put(&good[NETWORK], &outer, sizeof(outer));
    put(NETWORK, good[NETWORK].ptr, good[NETWORK].len);
}

/* … and it counts. */
static void count_network(void)
{
    static const char nothing[] = "\"network\": 0.0";
    char *at = strstr(good[0].ptr, nothing);
    if (!at)
        stop("model.json says nothing of the network");
    while (at) {
        memcpy(at, "\"network\": 0.9", sizeof(nothing) - 1);
        at = strstr(at, nothing);
    }
    put(0, good[0].ptr, good[0].len);
}

static void make_folder(void)
{
    enum { N = 6 };
    static const char *const rows[N][3] = {
        {"vpn", "net", "high"},   {"no net", "net", "high"},
        {"jam", "print", "low"},  {"ink", "print", "low"},
        {"hi", "none", "normal"}, {"bye", "none", "normal"}};
    struct str columns[3][N];
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 3; k++)
            columns[k][i] = str_from(rows[i][k]);
    }
    struct triage_labels tasks[] = {{"topic", columns[1]},
                                    {"priority", columns[2]}};
    struct triage_dataset d = {
        .n = N, .texts = columns[0], .tasks = tasks, .n_tasks = 2};
    struct triage_train_options o = {.threads = 1};
    struct err e = {0};
    if (!mkdtemp(folder) || atexit(clean) || triage_train(&d, &o, folder, &e))
        stop(e.msg);
    for (int i = 0; i < NETWORK; i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        good[i] = (struct buf)BUF_INIT(FILE_BYTES);
        if (file_read(path, &good[i], &e))
            stop(e.msg);
    }
    make_network();
    count_network();
    scratch = triage_scratch_new();
}

static void check(const struct triage_task *t,
                  const struct triage_prediction *p)
{
    if (p->label < -1 || p->label >= (int)t->n_labels)
        stop("no such label");
    if (!(p->confidence >= 0 && p->confidence <= 1))
        stop("a confidence is no chance");
    for (size_t i = 0; i < t->n_labels; i++) {
        if (!isfinite(p->scores[i]))
            stop("a score is not a number");
    }
}

static void use(const struct triage_model *m, struct str text)
{
    enum { WORDS = 5, NEAREST = 3 };
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    const struct triage_info *info = triage_info(m);
    struct arena *a = arena_new();
    triage_predict(m, scratch, text, p);
    for (size_t i = 0; i < info->n_tasks; i++) {
        struct triage_reason why;
        struct err e = {0};
        check(&info->tasks[i], &p[i]);
        if (triage_explain(m, scratch, (int)i, 0, text, WORDS, NEAREST, a, &why,
                           &e))
            stop(e.msg);
    }
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!scratch)
        make_folder();
    if (size == 0)
        return 0;
    int file = data[0] % FILES;
    struct triage_model *m = NULL;
    struct err e = {0};
    put(file, (const char *)data + 1, size - 1);
    if (triage_load(folder, &m, &e)) {
        if (!e.msg[0])
            stop("an error without a text");
    } else {
        use(m, STR("no vpn, jam of ink"));
        use(m, STR(""));
    }
    triage_unref(m);
    put(file, good[file].ptr, good[file].len);
    return 0;
}
