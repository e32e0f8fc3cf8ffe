/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/decode.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/process.h"
#include "speech/sound.h"

enum {
    RATE = 16000, /* that it writes */
    TIMEOUT_MS = 150 * 1000,
    PATH_BYTES = 4096,
    OUT_BYTES = RATE * 2 * (SOUND_MS_MAX / 1000),
};

int sound_decoder_find(const char *program, char *ret, size_t size,
                       struct err *e)
{
    static const char name[] = "otklik-decode";
    if (program[0]) {
        (void)snprintf(ret, size, "%s", program);
    } else {
        ssize_t n = readlink("/proc/self/exe", ret, size - sizeof(name) - 1);
        if (n <= 0)
            return err_errno(e, OTK_EIO, "find the own program");
        ret[n] = '\0';
        char *slash = strrchr(ret, '/');
        (void)snprintf(slash + 1, size - (size_t)(slash + 1 - ret), "%s", name);
    }
    if (access(ret, X_OK) == 0)
        return OTK_OK;
    return err_set(e, OTK_ENOENT,
                   "%s is not there: only WAVE is read; it is built where "
                   "libavformat-dev, libavcodec-dev and libswresample-dev are",
                   ret);
}

static int run(const char *program, struct str bytes, struct buf *out,
               struct err *e)
{
    char path[PATH_BYTES];
    int r = sound_decoder_find(program, path, sizeof(path), e);
    if (r)
        return r;
    char *argv[] = {path, NULL};
    struct process_ask ask = {argv, bytes, TIMEOUT_MS};
    struct process_done done;
    r = process_run(&ask, out, &done, e);
    if (r)
        return r;
    /* a crash is what some files are made for: the same again would crash */
    if (done.end == PROCESS_KILLED)
        return err_set(e, OTK_EFORMAT, "the sound is damaged");
    return process_check(&done, "the file", e);
}

int sound_decode(const char *program, struct str bytes, struct sound *ret,
                 struct err *e)
{
    struct buf out = BUF_INIT(OUT_BYTES);
    if (sound_read_wav(bytes, ret, e) == OTK_OK)
        return OTK_OK;
    int r = run(program, bytes, &out, e);
    size_t n = out.len / sizeof(int16_t);
    if (!r && n == 0)
        r = err_set(e, OTK_EFORMAT, "there is no sound in the file");
    if (!r) {
        *ret = (struct sound){.n = n, .rate_hz = RATE};
        ret->samples = mem_try(n, sizeof(*ret->samples));
        if (ret->samples)
            memcpy(ret->samples, out.ptr, n * sizeof(*ret->samples));
        else
            r = err_set(e, OTK_ELIMIT, "no memory for %zu samples", n);
    }
    buf_free(&out);
    return r;
}
