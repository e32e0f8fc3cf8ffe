/* desk/actor.h - who did it */
#ifndef OTK_DESK_ACTOR_H
#define OTK_DESK_ACTOR_H

#include <stdint.h>
#include <stdio.h>

enum actor_kind { ACTOR_OTKLIK, ACTOR_STAFF, ACTOR_KEY, ACTOR_PERSON };

struct actor {
    enum actor_kind kind;
    int64_t id; /* person id, key id; 0 for Otklik itself */
};

enum { ACTOR_TEXT = 32 };

/* "otklik" "staff:7" "key:3" "person:12" */
static inline void actor_print(struct actor a, char ret[ACTOR_TEXT])
{
    static const char *const names[] = {"otklik", "staff", "key", "person"};
    if (a.kind == ACTOR_OTKLIK)
        (void)snprintf(ret, ACTOR_TEXT, "otklik");
    else
        (void)snprintf(ret, ACTOR_TEXT, "%s:%lld", names[a.kind],
                       (long long)a.id);
}

/* The person behind it, or 0: keys and Otklik are no people. */
static inline int64_t actor_person(struct actor a)
{
    return a.kind == ACTOR_STAFF || a.kind == ACTOR_PERSON ? a.id : 0;
}

#endif
