/* base/scope.h - free a local when its block ends */
#ifndef OTK_BASE_SCOPE_H
#define OTK_BASE_SCOPE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCOPED(fn) __attribute__((cleanup(fn)))

static inline void scope_free(void *pp)
{
    free(*(void **)pp);
}

static inline void scope_close(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static inline void scope_fclose(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}

/* A cleanup for SCOPED() out of a free function: SCOPED_FN(db_close, db). */
#define SCOPED_FN(fn, type)                                                    \
    static inline void scope_##fn(struct type **p)                             \
    {                                                                          \
        fn(*p);                                                                \
    }                                                                          \
    struct scope_semicolon_eater_

/* Hand a scoped pointer on: yields its value and leaves NULL behind. */
#define MOVE(p)                                                                \
    ({                                                                         \
        __typeof__(p) moved_ = (p);                                            \
        (p) = NULL;                                                            \
        moved_;                                                                \
    })

#endif
