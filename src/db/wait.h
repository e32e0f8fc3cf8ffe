/* db/wait.h - conditions that are waited for until a deadline */
#ifndef OTK_DB_WAIT_H
#define OTK_DB_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/clock.h"

/* A condition whose deadlines do not move when somebody sets the clock. */
static inline void wait_init(pthread_cond_t *c)
{
    pthread_condattr_t a;
    (void)pthread_condattr_init(&a);
    (void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    (void)pthread_cond_init(c, &a);
    (void)pthread_condattr_destroy(&a);
}

static inline struct timespec wait_deadline(int ms)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / MS_SECOND;
    t.tv_nsec += (long)(ms % MS_SECOND) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Wait once; false: the deadline has passed. `lock` is held. */
static inline bool wait_until(pthread_cond_t *c, pthread_mutex_t *lock,
                              const struct timespec *deadline)
{
    return pthread_cond_timedwait(c, lock, deadline) == 0;
}

#endif
