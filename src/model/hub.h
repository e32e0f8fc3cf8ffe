/*
 * model/hub.h - what a hub of models has, and which of it is needed
 *
 * The layout is that of Hugging Face, which mirrors keep:
 *   {hub}/api/models/{name}/revision/{revision}?blobs=true   what there is
 *   {hub}/{name}/resolve/{commit}/{path}                     one file
 * https://huggingface.co/docs/hub/api
 *
 * Chosen is what a model of the BERT family needs: settings, weights as
 * safetensors, tokenizer, pooling. Pickles are never fetched: to open one is
 * to run it.
 *
 * Nothing here does I/O. Texts come from the arena. Threads: no shared state.
 */
#ifndef OTK_MODEL_HUB_H
#define OTK_MODEL_HUB_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct buf;
struct err;

enum {
    HUB_FILES_MAX = 64,     /* of one model */
    HUB_NAME_MAX = 200,     /* owner and model */
    HUB_REVISION_MAX = 128, /* branch, tag or commit */
    HUB_PATH_MAX = 256,     /* of a file in a listing */
    HUB_LISTED_MAX = 20000, /* files in a listing */
    HUB_LISTING_MAX = 8 << 20,
};

struct hub_name {
    const char *name;     /* "sentence-transformers/all-MiniLM-L6-v2" */
    const char *revision; /* "main" when none was given */
    const char *folder;   /* the name with '-' for '/' */
};

struct hub_file {
    const char *path; /* "1_Pooling/config.json" */
    int64_t bytes;
    const char *sha256; /* "" when the hub does not say */
};

struct hub_listing {
    const char *commit; /* 40 or more hex digits: never changes */
    struct hub_file files[HUB_FILES_MAX]; /* those that are needed */
    size_t n;
    int64_t bytes; /* of them together */
};

/* Our short names and what they stand for; ends with NULL. */
struct hub_short {
    const char *name, *means, *about;
};
extern const struct hub_short hub_short[];

/*
 * "minilm", "owner/model" or "owner/model@revision"; `revision` (NULL: none)
 * is the other way to say it. OTK_ENOENT for a short name that is none,
 * OTK_EINVAL.
 */
int hub_name_read(struct arena *a, struct str text, const char *revision,
                  struct hub_name *ret, struct err *e);

/*
 * The files that are needed, out of the hub's answer. OTK_EFORMAT for what is
 * no listing or holds a path that leaves the folder, OTK_ENOENT when weights,
 * settings or tokenizer are missing, OTK_ELIMIT.
 */
int hub_listing_read(struct arena *a, struct str json, struct hub_listing *ret,
                     struct err *e);

/* The addresses; `hub` may end with '/'. */
const char *hub_listing_url(struct arena *a, const char *hub,
                            const struct hub_name *n);
const char *hub_file_url(struct arena *a, const char *hub,
                         const struct hub_name *n, const char *commit,
                         const char *path);

#endif
