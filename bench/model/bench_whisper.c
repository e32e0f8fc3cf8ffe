/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of bench/whisper.py: bench_whisper MODEL PRECISION THREADS. A line
 * of stdin is a piece of work, its answer the milliseconds of processors and
 * of the clock that it took:
 *   encode ROWS     a window (1500 rows are 30 s), keys and values included
 *   decode TOKENS   one after the other, from the beginning
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/whisper_private.h"

enum { LINE_BYTES = 100, DECIMAL = 10, ARGS = 4 };

static double now_ms(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct bench {
    struct whisper *w;
    struct whisper_session *s;
    struct whisper_memory *m;
    float *mels, *heard, *logits;
};

static void encode(struct bench *b, size_t rows)
{
    size_t most = b->w->sizes.audio.ctx;
    rows = rows < most ? rows : most;
    whisper_encode(b->w, b->s, b->mels, rows, b->heard);
    whisper_memory_hear(b->w, b->s, b->m, b->heard, rows);
}

static int decode(struct bench *b, size_t n, struct err *e)
{
    size_t most = b->w->sizes.text.ctx;
    int r = OTK_OK;
    for (size_t i = 0; !r && i < n && i < most; i++) {
        const struct whisper_step step = {
            .token = (uint32_t)(1000 + i), .at = i, .wants = true};
        r = whisper_decode(b->w, b->s, b->m, &step, 1, b->logits, NULL, e);
    }
    return r;
}

static int work(struct bench *b, struct err *e)
{
    char line[LINE_BYTES];
    int r = OTK_OK;
    while (!r && fgets(line, sizeof(line), stdin)) {
        const char *blank = strchr(line, ' ');
        size_t n = blank ? strtoul(blank, NULL, DECIMAL) : 0;
        double cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID);
        double wall = now_ms(CLOCK_MONOTONIC);
        if (line[0] == 'e')
            encode(b, n);
        else
            r = decode(b, n, e);
        (void)printf("%.3f %.3f\n", now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu,
                     now_ms(CLOCK_MONOTONIC) - wall);
        (void)fflush(stdout);
    }
    return r;
}

static int run(char **argv, struct bench *b, struct err *e)
{
    enum precision p;
    struct rand chance;
    int r = precision_from(str_from(argv[2]), &p, e);
    if (!r)
        r = whisper_load(argv[1], p, &b->w, e);
    if (r)
        return r;
    const struct whisper_sizes *s = &b->w->sizes;
    size_t n = s->audio.ctx * WHISPER_FRAMES_PER_ROW * s->mels;
    b->s = whisper_session_new((int)strtol(argv[3], NULL, DECIMAL));
    b->m = whisper_memory_new(b->w, 1);
    b->mels = mem_new(n, sizeof(*b->mels));
    b->heard = mem_new(s->audio.ctx * s->audio.state, sizeof(*b->heard));
    b->logits = mem_new(s->vocab, sizeof(*b->logits));
    rand_init(&chance, 1);
    for (size_t i = 0; i < n; i++)
        b->mels[i] = (float)rand_real(&chance);
    return work(b, e);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct bench b = {0};
    if (argc != ARGS) {
        (void)fprintf(stderr, "MODEL PRECISION THREADS\n");
        return 2;
    }
    int r = run(argv, &b, &e);
    if (r)
        (void)fprintf(stderr, "%s\n", e.msg);
    free(b.mels);
    free(b.heard);
    free(b.logits);
    whisper_memory_free(b.m);
    whisper_session_free(b.s);
    whisper_unref(b.w);
    return r ? 1 : 0;
}
