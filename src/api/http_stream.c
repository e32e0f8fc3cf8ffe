/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_stream.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "api/http.h"
#include "base/mem.h"

enum { CHUNK = 4096 };

struct stream {
    struct stream *next, *prev;
    struct http_streams *all;
    struct MHD_Connection *mhd;
    struct http_stream source;
    bool asleep; /* suspended; guarded by all->lock */
    bool again;  /* woken between its look and its sleep */
};

struct http_streams {
    pthread_mutex_t lock;
    struct stream ring;
    bool end;
};

/* On the network thread. Must suspend when it returns 0, or MHD would spin. */
static ssize_t stream_read(void *cls, uint64_t pos, char *p, size_t max)
{
    (void)pos;
    struct stream *x = cls;
    struct http_streams *s = x->all;
    for (;;) {
        size_t n = x->source.read(x->source.state, p, max);
        pthread_mutex_lock(&s->lock);
        bool end = s->end;
        bool again = x->again;
        x->again = false;
        if (n == 0 && !end && !again) {
            MHD_suspend_connection(x->mhd);
            x->asleep = true;
        }
        pthread_mutex_unlock(&s->lock);
        if (n)
            return (ssize_t)n;
        if (end)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (!again)
            return 0;
    }
}

static void stream_free(void *cls)
{
    struct stream *x = cls;
    pthread_mutex_lock(&x->all->lock);
    x->next->prev = x->prev;
    x->prev->next = x->next;
    pthread_mutex_unlock(&x->all->lock);
    if (x->source.close)
        x->source.close(x->source.state);
    free(x);
}

struct http_streams *http_streams_new(void)
{
    struct http_streams *s = MEM_NEW(struct http_streams);
    (void)pthread_mutex_init(&s->lock, NULL);
    s->ring.next = s->ring.prev = &s->ring;
    return s;
}

void http_streams_free(struct http_streams *s)
{
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

struct MHD_Response *http_streams_open(struct http_streams *s,
                                       struct MHD_Connection *mhd,
                                       const struct http_stream *source)
{
    struct stream *x = MEM_NEW(struct stream);
    *x = (struct stream){.all = s, .mhd = mhd, .source = *source};
    pthread_mutex_lock(&s->lock);
    x->next = s->ring.next;
    x->prev = &s->ring;
    x->next->prev = x->prev->next = x;
    pthread_mutex_unlock(&s->lock);
    struct MHD_Response *r = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, CHUNK, stream_read, x, stream_free);
    if (!r)
        stream_free(x);
    return r;
}

static void wake_all(struct http_streams *s)
{
    for (struct stream *x = s->ring.next; x != &s->ring; x = x->next) {
        x->again = !x->asleep;
        if (x->asleep) {
            x->asleep = false;
            MHD_resume_connection(x->mhd);
        }
    }
}

void http_streams_wake(struct http_streams *s)
{
    pthread_mutex_lock(&s->lock);
    wake_all(s);
    pthread_mutex_unlock(&s->lock);
}

void http_streams_end(struct http_streams *s)
{
    pthread_mutex_lock(&s->lock);
    s->end = true;
    wake_all(s);
    pthread_mutex_unlock(&s->lock);
}
