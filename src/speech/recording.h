/*
 * speech/recording.h - a call is written down while it goes on
 *
 * FOLDER/NAME.call: a head of RECORDING_HEAD bytes (magic, rate, whose call it
 * is as JSON), then samples of 16 bits as they come, only ever appended. What
 * was written is there after the process died; what the machine's own failure
 * takes is at most what its page cache held. Nothing of it has to be mended: a
 * reader takes whole samples as far as they go.
 *
 * FOLDER/NAME.marks beside it, when there is anything to say of the sound:
 * lines of text, whole ones only, kept as soon as they are said.
 *
 * A live recording is locked (flock). recording_each() hands out those that
 * nobody holds: calls whose process died.
 *
 * Threads: a recording belongs to one at a time.
 */
#ifndef OTK_SPEECH_RECORDING_H
#define OTK_SPEECH_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf;
struct err;
struct recording;

enum {
    RECORDING_HEAD = 2048,
    RECORDING_ABOUT_MAX = RECORDING_HEAD - 32,
    RECORDING_NAME_MAX = 64,
    RECORDING_MARK_MAX = 1000, /* bytes of a line */
    RECORDING_MARKS_BYTES = 64 * 1024,
};

/* `name`: of letters, digits and '-'. `about`: JSON that says whose call it is.
 * OTK_EAGAIN: the disk is full. */
int recording_begin(const char *folder, const char *name, int rate_hz,
                    struct str about, struct recording **ret, struct err *e);

/* Kept in memory until there is half a second of it, then written. */
int recording_put(struct recording *r, const int16_t *samples, size_t n,
                  struct err *e);

int recording_rate_hz(const struct recording *r);

/* A line without an end. OTK_ELIMIT: there are too many. */
int recording_mark(struct recording *r, struct str line, struct err *e);
/* All lines so far, each with its end; a torn one is left out. */
int recording_marks(struct recording *r, struct buf *ret, struct err *e);

int64_t recording_ms(const struct recording *r);
const char *recording_name(const struct recording *r);
struct str recording_about(const struct recording *r);

/* Write what is in memory; the file stays locked. */
int recording_flush(struct recording *r, struct err *e);

/* Read it back as a WAVE file, a piece at a time; `put` is what the pieces go
 * to. Flushes first. *ret_ms: how long it is. */
typedef int recording_put_fn(void *ctx, struct str bytes, struct err *e);
int recording_read(struct recording *r, recording_put_fn *put, void *ctx,
                   int64_t *ret_ms, struct err *e);

/* The end: the file is removed, or stays for recording_each(). */
void recording_remove(struct recording *r); /* NULL is fine */
void recording_close(struct recording *r);  /* NULL is fine */

/* Those in the folder that nobody holds, one after another; `fn` owns each and
 * says 0 or what ends the walk. Files that are no recordings stay as they
 * are, cut-off ones without a head are removed. */
typedef int recording_fn(void *ctx, struct recording *r, struct err *e);
int recording_each(const char *folder, recording_fn *fn, void *ctx,
                   struct err *e);

#endif
