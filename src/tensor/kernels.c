/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/kernels.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES_MAX = 8, REASON_BYTES = 160 };

struct choice {
    const struct kernels *all[TABLES_MAX + 1];
    const struct kernels *best;
    char reason[REASON_BYTES];
};

static struct choice choice;
static pthread_once_t chosen = PTHREAD_ONCE_INIT;

static void find_all(void)
{
    const struct kernels *const tables[TABLES_MAX] = {
        kernels_plain(),       kernels_neon(),        kernels_neon_dot(),
        kernels_avx2(),        kernels_avx2_vnni(),   kernels_avx512(),
        kernels_avx512_vnni(), kernels_avx512_bf16(),
    };
    size_t n = 0;
    for (size_t i = 0; i < TABLES_MAX; i++) {
        if (tables[i])
            choice.all[n++] = tables[i];
    }
}

/* The table of that name, or NULL. */
static const struct kernels *find(const char *name)
{
    for (size_t i = 0; choice.all[i]; i++) {
        if (strcmp(choice.all[i]->name, name) == 0)
            return choice.all[i];
    }
    return NULL;
}

/*
 * From the fastest down, the first that computes what it should: processors
 * with a wrong instruction have been sold, and so have virtual machines that
 * promise one.
 */
static void choose(void)
{
    const char *asked = getenv("OTKLIK_ISA");
    const struct kernels *named = NULL;
    const char *failed = NULL;
    const char *where = NULL;
    find_all();
    if (asked && *asked)
        named = find(asked);
    size_t i = 0;
    while (choice.all[i])
        i++;
    while (i-- > 0) {
        const struct kernels *k = choice.all[i];
        if (named && k != named && k != choice.all[0])
            continue;
        const char *wrong = kernels_check(k);
        if (!wrong || i == 0) {
            choice.best = k;
            break;
        }
        failed = k->name;
        where = wrong;
    }
    if (failed)
        (void)snprintf(choice.reason, sizeof(choice.reason),
                       "%s: %s failed its check in %s", choice.best->name,
                       failed, where);
    else if (named)
        (void)snprintf(choice.reason, sizeof(choice.reason),
                       "%s, asked for by OTKLIK_ISA", named->name);
    else if (asked && *asked)
        (void)snprintf(choice.reason, sizeof(choice.reason),
                       "%s; OTKLIK_ISA asks for '%.20s', which this machine "
                       "does not have",
                       choice.best->name, asked);
    else
        (void)snprintf(choice.reason, sizeof(choice.reason), "%s",
                       choice.best->name);
}

const struct kernels *kernels(void)
{
    (void)pthread_once(&chosen, choose);
    return choice.best;
}

const char *kernels_reason(void)
{
    (void)kernels();
    return choice.reason;
}

const struct kernels *const *kernels_all(void)
{
    (void)kernels();
    return choice.all;
}
