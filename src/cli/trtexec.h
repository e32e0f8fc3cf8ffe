/*
 * cli/trtexec.h - an engine of TensorRT, made by NVIDIA's own program
 *
 * TensorRT compiles a model for the very GPU of a machine. Its `trtexec` is
 * asked if it is in PATH, without a shell; it is no part of Otklik.
 */
#ifndef OTK_CLI_TRTEXEC_H
#define OTK_CLI_TRTEXEC_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { TRTEXEC_PATH_BYTES = 4096 };

/* Where it is. OTK_ENOENT: what is missing and where it comes from. */
int trtexec_find(char ret[TRTEXEC_PATH_BYTES], struct err *e);

struct trtexec_job {
    const char *program;     /* of trtexec_find() */
    const char *onnx, *plan; /* from, to */
    size_t max_tokens;       /* of a text, as long as the engine must take */
    int64_t seconds;         /* after which it is ended */
};

/* What it says goes to stderr. OTK_EIO: it did not start, failed with the exit
 * code that the error says, or took too long. */
int trtexec_run(const struct trtexec_job *j, struct err *e);

#endif
