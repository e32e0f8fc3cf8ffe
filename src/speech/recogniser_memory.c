/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "speech/activity.h"
#include "speech/recogniser.h"
#include "text/language.h"

enum { WORD_MS = 1000, VOICED_MS = 100 };

struct memory {
    struct recogniser base;
    char *text;
    pthread_mutex_t lock; /* guards: */
    struct recogniser_memory_asked asked;
};

static struct memory *self(struct recogniser *r)
{
    return (struct memory *)r;
}

static void remember(struct memory *m, const struct recogniser_ask *ask)
{
    struct str prompt = utf8_cut(ask->prompt, RECOGNISER_PROMPT_SEEN - 1);
    pthread_mutex_lock(&m->lock);
    m->asked.times++;
    m->asked.samples += ask->n;
    (void)snprintf(m->asked.prompt, RECOGNISER_PROMPT_SEEN, STR_FMT,
                   STR_ARG(prompt));
    pthread_mutex_unlock(&m->lock);
}

static int memory_recognise(struct recogniser *r,
                            const struct recogniser_ask *ask, struct arena *a,
                            struct transcript *ret, struct err *e)
{
    (void)e;
    struct str rest = str_from(self(r)->text);
    struct str word;
    remember(self(r), ask);
    if (activity_voiced_ms(ask->samples, ask->n, RECOGNISER_RATE) < VOICED_MS)
        return 0;
    ret->text = arena_str(a, rest);
    ret->confidence = 1;
    (void)snprintf(ret->language, sizeof(ret->language), "%s",
                   ask->language[0]
                       ? ask->language
                       : language_code(language_detect(rest).language));
    ret->segments = ARENA_ARRAY(a, struct transcript_segment, rest.n + 1);
    while (ret->n_segments < RECOGNISER_SEGMENTS_MAX &&
           str_next(&rest, ' ', &word)) {
        int64_t at = (int64_t)ret->n_segments * WORD_MS;
        ret->segments[ret->n_segments++] = (struct transcript_segment){
            at, at + WORD_MS, 1, arena_str(a, word)};
    }
    return 0;
}

static void memory_close(struct recogniser *r)
{
    struct memory *m = self(r);
    (void)pthread_mutex_destroy(&m->lock);
    free(m->text);
    free(m);
}

static const struct recogniser_ops memory_ops = {
    .name = "memory",
    .recognise = memory_recognise,
    .close = memory_close,
};

struct recogniser *recogniser_memory_open(const char *text)
{
    struct memory *m = MEM_NEW(struct memory);
    m->base.ops = &memory_ops;
    m->text = mem_copy_str(text);
    (void)pthread_mutex_init(&m->lock, NULL);
    return &m->base;
}

void recogniser_memory_get(struct recogniser *r,
                           struct recogniser_memory_asked *ret)
{
    assert(r->ops == &memory_ops);
    struct memory *m = self(r);
    pthread_mutex_lock(&m->lock);
    *ret = m->asked;
    pthread_mutex_unlock(&m->lock);
}
