/*
 * desk/blob.h - bytes of attachments, as files named by what is in them
 *
 * DESK/files/ab/abcd… (BLAKE2b-256 in hex): the same bytes are kept once,
 * however often they come. A blob arrives in a temporary file, is made durable
 * and then gets its name, so that under a name there are always whole bytes.
 * Who needs which blob stands in the table `attachments`; blob_sweep() removes
 * those that nobody needs.
 *
 * Threads: any; a writer belongs to one at a time.
 */
#ifndef OTK_DESK_BLOB_H
#define OTK_DESK_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct db_tx;
struct err;

enum { BLOB_HASH_BYTES = 65 }; /* with the NUL */

/* `folder`: of the desk; `max`: bytes that it may have. */
struct blob_writer;
int blob_begin(const char *folder, uint64_t max, struct blob_writer **ret,
               struct err *e);
/* OTK_ELIMIT above the limit, OTK_EAGAIN when the disk is full. */
int blob_write(struct blob_writer *w, struct str bytes, struct err *e);
/* Durable when it returns. The writer is used up, also by a failure. */
int blob_finish(struct blob_writer *w, char ret_hash[BLOB_HASH_BYTES],
                uint64_t *ret_size, struct err *e);
void blob_drop(struct blob_writer *w); /* NULL is fine */

/* Open for reading; OTK_ENOENT. The caller closes *ret_fd. */
int blob_open(const char *folder, struct str hash, int *ret_fd,
              uint64_t *ret_size, struct err *e);

/* Remove it now; fine when it is not there. */
int blob_remove(const char *folder, struct str hash, struct err *e);

/* Shelves of DESK/files, 00 to ff, and the folder itself, where temporary files
 * stand. */
enum { BLOB_SHELVES = 257 };

/*
 * Remove what is on one shelf, older than `age_s`, and has no row in
 * `attachments`; adds to *ret_removed. Inside db_write(): no row can come
 * meanwhile, and a blob that arrived lately is young. A shelf at a time, for
 * nobody else writes while the files are looked at.
 */
int blob_sweep(struct db_tx *tx, const char *folder, unsigned shelf,
               int64_t age_s, size_t *ret_removed, struct err *e);

#endif
