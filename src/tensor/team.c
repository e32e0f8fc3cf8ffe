/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/team.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    THREADS_MAX = 64,
    LOOKS = 2000, /* about 20 µs: longer than the serial parts of a forward */
};

struct member {
    struct team *team;
    pthread_t thread;
    int number;
};

/*
 * `round` counts the pieces of work; a member that sees a new number does its
 * part and counts `left` down. Both are futex words.
 */
struct team {
    _Alignas(64) _Atomic(unsigned) round;
    _Alignas(64) _Atomic(unsigned) left;
    _Atomic(unsigned) asleep; /* nobody: no call of the kernel to wake them */
    void (*part)(void *arg, int i, int n);
    void *arg;
    int size;
    bool ends;
    struct member members[THREADS_MAX];
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Until *word is no longer `seen`. */
static void wait_change(struct team *t, _Atomic(unsigned) *word, unsigned seen)
{
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != seen)
            return;
        relax();
    }
    (void)atomic_fetch_add(&t->asleep, 1);
    while (atomic_load(word) == seen)
        (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL);
    (void)atomic_fetch_sub(&t->asleep, 1);
}

/* After a change of `word`: who counts as asleep before it is woken, and who
 * counts later sees it. */
static void wake(struct team *t, _Atomic(unsigned) *word)
{
    if (atomic_load(&t->asleep))
        (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

static void *member_main(void *arg)
{
    const struct member *m = arg;
    struct team *t = m->team;
    for (unsigned seen = 0;; seen++) {
        wait_change(t, &t->round, seen);
        if (t->ends)
            return NULL;
        t->part(t->arg, m->number, t->size);
        if (atomic_fetch_sub(&t->left, 1) == 1)
            wake(t, &t->left);
    }
}

struct team *team_new(int threads)
{
    if (threads < 1 || threads > THREADS_MAX)
        bug("a team of %d", threads);
    struct team *t = aligned_alloc(64, sizeof(*t));
    if (!t)
        bug("no memory for a team");
    *t = (struct team){.size = threads};
    for (int i = 1; i < threads; i++) {
        t->members[i] = (struct member){.team = t, .number = i};
        if (pthread_create(&t->members[i].thread, NULL, member_main,
                           &t->members[i]))
            bug("no thread for a team");
    }
    return t;
}

static void announce(struct team *t)
{
    atomic_store_explicit(&t->left, (unsigned)t->size - 1,
                          memory_order_relaxed);
    (void)atomic_fetch_add(&t->round, 1);
    wake(t, &t->round);
}

void team_free(struct team *t)
{
    if (!t)
        return;
    t->ends = true;
    announce(t);
    for (int i = 1; i < t->size; i++)
        (void)pthread_join(t->members[i].thread, NULL);
    free(t);
}

int team_size(const struct team *t)
{
    return t->size;
}

void team_run(struct team *t, void (*part)(void *arg, int i, int n), void *arg)
{
    if (t->size > 1) {
        t->part = part;
        t->arg = arg;
        announce(t);
    }
    part(arg, 0, t->size);
    unsigned left;
    while (t->size > 1 &&
           (left = atomic_load_explicit(&t->left, memory_order_acquire)) != 0)
        wait_change(t, &t->left, left);
}
