/*
 * model/checkpoint.h - where a fine-tuning stands, on disk
 *
 * The parameters, both moments, the best state so far and the place in the
 * lessons: enough to go on as if nothing had stopped it, bit for bit. A state
 * belongs to one base model, one set of texts and one choice of options, and
 * says of another what differs.
 *
 * The file is of one machine's kind (little-endian, IEEE 754): a head, the
 * arrays, and a BLAKE2b (RFC 7693) of all before it. It takes 12 bytes a
 * parameter, 16 when the best state is not the last one.
 */
#ifndef OTK_MODEL_CHECKPOINT_H
#define OTK_MODEL_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { CHECKPOINT_TRAITS_MAX = 24, CHECKPOINT_DIGEST_BYTES = 32 };

/* An option that changes the result. */
struct checkpoint_trait {
    const char *name; /* "batch" */
    double value;
};

/* What is learnt from; a digest each. */
enum checkpoint_source {
    CHECKPOINT_BASE,  /* the model before the first step, heads included */
    CHECKPOINT_TEXTS, /* as the network reads them, and which are held out */
    CHECKPOINT_TRUTH, /* tasks, classes and the class of each text */
    CHECKPOINT_SOURCES,
};

struct checkpoint_about {
    struct checkpoint_trait traits[CHECKPOINT_TRAITS_MAX];
    size_t n_traits;
    uint64_t seed;
    unsigned char digests[CHECKPOINT_SOURCES][CHECKPOINT_DIGEST_BYTES];
};

struct checkpoint_place {
    uint64_t step;   /* steps that are done */
    double loss;     /* smoothed; of the steps */
    double accuracy; /* of the last epoch; NaN: nothing is held out */
    double macro_f1;
    uint64_t best_epoch;  /* from 1; 0: none was measured yet, and the rest */
    double best;          /* has no meaning. What epochs compete by */
    double best_accuracy; /* NaN: nothing is held out */
    double best_loss;
};

/* The arrays are the caller's, `n` numbers each. */
struct checkpoint {
    struct checkpoint_about about;
    struct checkpoint_place at;
    float *values, *first, *second, *best;
    size_t n;
};

/* By a temporary file, fsync and rename. */
int checkpoint_write(const char *path, const struct checkpoint *c,
                     struct err *e);

/*
 * Fill in `at` and the arrays. OTK_ENOENT: there is no such file; OTK_EFORMAT:
 * it is damaged or no checkpoint; OTK_ECONFLICT: it is of another learning, and
 * the error names what differs from c->about. On failure the arrays are as they
 * were.
 */
int checkpoint_read(const char *path, struct checkpoint *c, struct err *e);

#endif
