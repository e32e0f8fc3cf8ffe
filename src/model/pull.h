/*
 * model/pull.h - a model from a hub into a folder
 *
 * All is fetched into FOLDER.pull, each file resumed where an earlier call was
 * cut off, and becomes FOLDER by one rename when it is whole. pulled.json in it
 * says what it is: name, revision, commit, hub, and of each file the size and
 * SHA-256. A folder that is there is compared with it, without the hub.
 *
 * Files whose SHA-256 the hub gives are checked by it; others (the hub keeps
 * only a git hash of small ones) by size, and pulled.json says which.
 *
 * Threads: any; two calls for one folder, in one process or in two, are kept
 * apart by a lock, the later one gets OTK_EAGAIN.
 */
#ifndef OTK_MODEL_PULL_H
#define OTK_MODEL_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/hub.h"

struct arena;
struct err;

struct pull {
    struct hub_name name;
    const char *hub;       /* "https://huggingface.co" */
    const char *token;     /* for the hub's own host only; NULL or "": none */
    const char *folder;    /* where the model is to be */
    int64_t bytes_max;     /* of all files together */
    int64_t stall_seconds; /* 0: as net/http.h has it */
    bool (*cancelled)(void *ctx); /* may be NULL */
    void (*progress)(void *ctx, const char *what, double share); /* … */
    void *ctx;                                                   /* for both */
};

struct pull_file {
    const char *path;
    int64_t bytes;
    const char *sha256; /* as it lies there */
    bool checked;       /* by the hub's SHA-256; else by size */
};

struct pull_report {
    const char *name, *revision, *commit, *hub;
    struct pull_file files[HUB_FILES_MAX];
    size_t n;
    int64_t bytes;   /* of all files */
    int64_t fetched; /* of them, over the network by this call */
    bool already;    /* it was there; nothing was asked of the hub */
};

/*
 * Texts of `ret` come from the arena. Errors: those of net/download.h with the
 * remedy of a hub, and OTK_ECONFLICT when the folder holds something else,
 * OTK_EAGAIN when the disk has too little room, OTK_ELIMIT above `bytes_max`
 * (both before the first file).
 */
int pull_model(struct arena *a, const struct pull *p, struct pull_report *ret,
               struct err *e);

/* Read pulled.json of a folder and compare the files with it: OTK_ENOENT there
 * is none, OTK_EFORMAT it or a file is not as it was. */
int pull_verify(struct arena *a, const char *folder, struct pull_report *ret,
                struct err *e);

#endif
