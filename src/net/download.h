/*
 * net/download.h - a large file over HTTP: resumed, limited, checked, whole
 *
 * While it is on its way the file is PATH.part, and PATH.part.etag holds the
 * ETag of what is being fetched. A later call goes on where the part ends, by
 * Range and If-Range; a server that answers with the whole, or with another
 * ETag, makes it begin again. Without an ETag a part is used only when a
 * SHA-256 will tell whether it fitted. PATH appears by rename after fsync, when
 * size and SHA-256 are right; what is wrong is thrown away.
 *
 * Threads: different paths at a time; one path by one caller at a time.
 *
 * Errors: those of net/http.h, and OTK_ELIMIT larger than `bytes_max`,
 * OTK_EFORMAT another size or SHA-256 than promised, OTK_EAGAIN the connection
 * ended early or the disk is full (the part stays and is used again), OTK_EIO
 * the file cannot be written.
 */
#ifndef OTK_NET_DOWNLOAD_H
#define OTK_NET_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "net/http.h"

enum { SHA256_HEX = 65 }; /* with the final NUL */

struct download {
    struct http_source source;
    const char *path;
    int64_t bytes;      /* how many it must be; -1: not known */
    int64_t bytes_max;  /* how many it may be */
    const char *sha256; /* 64 lower-case digits; NULL or "": not known, then
                           what the hub says by X-Linked-Etag counts */
    void (*progress)(void *ctx, int64_t bytes, int64_t total); /* -1: unknown */
    void *ctx; /* for progress() */
};

struct download_result {
    int64_t bytes;   /* of the file */
    int64_t fetched; /* of them, by this call */
    bool checked;    /* against a SHA-256 that somebody promised */
    int status;      /* of the last answer; 0: none came, or none was needed */
    char sha256[SHA256_HEX];
};

/* On failure only `ret->status` is filled. */
int download_file(const struct download *d, struct download_result *ret,
                  struct err *e);

/* The SHA-256 of a file as it lies there: OTK_ENOENT, OTK_EIO. */
int download_sha256(const char *path, int64_t *ret_bytes, char ret[SHA256_HEX],
                    struct err *e);

#endif
