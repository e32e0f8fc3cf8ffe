/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of tests/interop/encoder.py: interop_encode FOLDER PRECISION
 * THREADS tokens|first. Each line of stdin is a text, its tokens' ids between
 * spaces; all are one batch. Rows of f32 go to stdout as they lie in memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/names.h"
#include "model/weights.h"

enum { TEXTS_MAX = 4096, IDS_MAX = 1 << 20, ARGS = 5, DECIMAL = 10 };

/* Ids and offsets of all lines; 0, or 1: there is no room for them. */
static int read_batch(uint32_t *ids, size_t *offsets, struct batch *ret)
{
    char *line = NULL;
    size_t room = 0;
    size_t n = 0;
    size_t texts = 0;
    int r = 0;
    offsets[0] = 0;
    while (!r && getline(&line, &room, stdin) > 0) {
        char *at = line;
        char *end;
        unsigned long id = strtoul(at, &end, DECIMAL);
        while (!r && end != at) {
            r = n == IDS_MAX || id > UINT32_MAX;
            if (!r)
                ids[n++] = (uint32_t)id;
            at = end;
            id = strtoul(at, &end, DECIMAL);
        }
        r = r || texts == TEXTS_MAX;
        if (!r)
            offsets[++texts] = n;
    }
    free(line);
    *ret = (struct batch){ids, offsets, texts};
    return r;
}

static int run(const struct encoder *x, int threads, enum encoder_want want,
               struct err *e)
{
    uint32_t *ids = mem_new(IDS_MAX, sizeof(*ids));
    size_t *offsets = mem_new(TEXTS_MAX + 1, sizeof(*offsets));
    struct session *s = session_new(threads);
    struct batch b;
    float *y = NULL;
    int r = read_batch(ids, offsets, &b)
                ? err_set(e, OTK_ELIMIT, "at most %d texts and %d tokens",
                          TEXTS_MAX, IDS_MAX)
                : OTK_OK;
    if (!r) {
        size_t rows = want == WANT_FIRST ? b.n_texts : offsets[b.n_texts];
        size_t n = rows * encoder_config(x)->hidden;
        y = mem_new(n, sizeof(*y));
        r = encoder_run(x, s, &b, want, y, e);
        if (!r && (fwrite(y, sizeof(*y), n, stdout) != n || fflush(stdout)))
            r = err_set(e, OTK_EIO, "stdout cannot be written");
    }
    session_free(s);
    free(y);
    free(ids);
    free(offsets);
    return r;
}

int main(int argc, char **argv)
{
    if (argc != ARGS) {
        (void)fprintf(stderr, "FOLDER PRECISION THREADS tokens|first\n");
        return 2;
    }
    struct err e = {0};
    struct arena *a = arena_new();
    struct model_config c;
    struct weights *w = NULL;
    struct encoder *x = NULL;
    struct names names;
    enum precision p;
    int r = precision_from(str_from(argv[2]), &p, &e);
    if (!r)
        r = model_config_read(argv[1], a, &c, &e);
    if (!r)
        r = weights_open(argv[1], &w, &e);
    if (!r)
        r = names_init(&names, w, &c, &e);
    if (!r)
        r = names_check(&names, names_has_labels(&names), &e);
    if (!r)
        r = encoder_new(&names, p, &x, &e);
    if (!r)
        r = run(x, atoi(argv[3]),
                strcmp(argv[4], "first") == 0 ? WANT_FIRST : WANT_TOKENS, &e);
    if (r)
        (void)fprintf(stderr, "%s %s\n", e.field, e.msg);
    encoder_free(x);
    weights_close(w);
    arena_free(a);
    return r ? 1 : 0;
}
