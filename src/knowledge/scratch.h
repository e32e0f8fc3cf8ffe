/* knowledge/scratch.h - the inside of a scratch, for those who search */
#ifndef OTK_KNOWLEDGE_SCRATCH_H
#define OTK_KNOWLEDGE_SCRATCH_H

#include <stddef.h>

struct asked;
struct cutter;
struct parts;
struct session;

enum { TERMS_MAX = 2048 };

struct knowledge_scratch {
    struct asked *asked;
    float *units; /* of the postings being looked at */
    size_t n_units;
    struct parts *articles;
    size_t n_articles;
    size_t words;            /* of the question looked at */
    struct session *session; /* NULL until a model is asked */
    float *vector;           /* of the question */
    size_t vector_size;
    size_t terms[TERMS_MAX];
    struct cutter *cutter; /* for passages */
};

#endif
