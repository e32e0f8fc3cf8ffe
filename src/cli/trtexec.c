/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trtexec.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

enum {
    OPT_TEXTS = 8, /* a batch that the engine is made best for */
    OPT_TOKENS = 64,
    MAX_TEXTS = 32,
    SHAPE_BYTES = 160,
    LOOK_MS = 50,
};

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           access(path, X_OK) == 0;
}

int trtexec_find(char ret[TRTEXEC_PATH_BYTES], struct err *e)
{
    struct str rest = str_from(getenv("PATH"));
    struct str part;
    while (str_next(&rest, ':', &part)) {
        int n = snprintf(ret, TRTEXEC_PATH_BYTES, STR_FMT "/trtexec",
                         STR_ARG(part));
        if (part.n && n > 0 && n < TRTEXEC_PATH_BYTES && is_program(ret))
            return OTK_OK;
    }
    return err_set(e, OTK_ENOENT,
                   "trtexec is not in PATH: it is part of NVIDIA TensorRT "
                   "(package libnvinfer-bin of NVIDIA's repository, or bin/ "
                   "of the archive) and needs an NVIDIA GPU; without "
                   "--tensorrt the ONNX file alone is written");
}

static void print_shape(const char *which, size_t texts, size_t tokens,
                        char ret[SHAPE_BYTES])
{
    (void)snprintf(ret, SHAPE_BYTES,
                   "--%sShapes=input_ids:%zux%zu,attention_mask:%zux%zu", which,
                   texts, tokens, texts, tokens);
}

/* Its words go where all but results goes. */
static int start(const char *program, char *const *argv, pid_t *ret,
                 struct err *e)
{
    posix_spawn_file_actions_t f;
    posix_spawnattr_t attr;
    sigset_t pipes;
    (void)sigemptyset(&pipes);
    (void)sigaddset(&pipes, SIGPIPE); /* we ignore it, a program may not */
    (void)posix_spawn_file_actions_init(&f);
    (void)posix_spawn_file_actions_adddup2(&f, STDERR_FILENO, STDOUT_FILENO);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawnattr_setsigdefault(&attr, &pipes);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    int r = posix_spawn(ret, program, &f, &attr, argv, environ);
    (void)posix_spawn_file_actions_destroy(&f);
    (void)posix_spawnattr_destroy(&attr);
    errno = r;
    return r ? err_errno(e, OTK_EIO, "%s", program) : OTK_OK;
}

/* Its status; ended when its time is over. */
static int wait_for(pid_t pid, int64_t seconds, int *ret, struct err *e)
{
    const struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};
    int64_t until = clock_mono(&clock_real) + seconds * 1000;
    pid_t got;
    while ((got = waitpid(pid, ret, WNOHANG)) == 0 ||
           (got < 0 && errno == EINTR)) {
        if (clock_mono(&clock_real) > until) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, ret, 0);
            return err_set(e, OTK_EIO,
                           "trtexec was ended after %lld minutes; --minutes "
                           "gives it more",
                           (long long)(seconds / 60));
        }
        (void)nanosleep(&look, NULL);
    }
    return got < 0 ? err_errno(e, OTK_EIO, "wait for trtexec") : OTK_OK;
}

int trtexec_run(const struct trtexec_job *j, struct err *e)
{
    char name[] = "trtexec";
    char onnx[TRTEXEC_PATH_BYTES + 16];
    char plan[TRTEXEC_PATH_BYTES + 16];
    char shapes[3][SHAPE_BYTES];
    size_t tokens = j->max_tokens < OPT_TOKENS ? j->max_tokens : OPT_TOKENS;
    int n = snprintf(onnx, sizeof(onnx), "--onnx=%s", j->onnx);
    int m = snprintf(plan, sizeof(plan), "--saveEngine=%s", j->plan);
    if (n < 0 || m < 0 || (size_t)n >= sizeof(onnx) ||
        (size_t)m >= sizeof(plan))
        return err_set(e, OTK_ELIMIT, "the path of a file is too long");
    print_shape("min", 1, 1, shapes[0]);
    print_shape("opt", OPT_TEXTS, tokens, shapes[1]);
    print_shape("max", MAX_TEXTS, j->max_tokens, shapes[2]);
    char *argv[] = {name, onnx, plan, shapes[0], shapes[1], shapes[2], NULL};
    pid_t pid;
    int status = 0;
    int r = start(j->program, argv, &pid, e);
    if (!r)
        r = wait_for(pid, j->seconds, &status, e);
    if (r)
        return r;
    if (WIFSIGNALED(status))
        return err_set(e, OTK_EIO, "trtexec was ended by signal %d",
                       WTERMSIG(status));
    if (WEXITSTATUS(status))
        return err_set(e, OTK_EIO,
                       "trtexec failed with exit code %d; what it said stands "
                       "above, the model is in %s",
                       WEXITSTATUS(status), j->onnx);
    return OTK_OK;
}
