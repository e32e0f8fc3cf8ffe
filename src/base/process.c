/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

enum { LOOK_MS = 20, PART_BYTES = 16 * 1024, KEEP_BYTES = 512, ENDS = 2 };

struct child {
    pid_t pid;
    int in, out, err; /* our ends; -1: closed */
    int64_t until;
    struct str input;
    struct buf *to;
    bool too_much;
    char tail[KEEP_BYTES];
    size_t n_tail;
};

/* ---- starting
 * --------------------------------------------------------------------- */

static void shut(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

struct pipes {
    int in[ENDS], out[ENDS], err[ENDS];
};

static void shut_all(struct pipes *p)
{
    for (int i = 0; i < ENDS; i++) {
        shut(&p->in[i]);
        shut(&p->out[i]);
        shut(&p->err[i]);
    }
}

/* All close on exec; spawn dups what the child keeps. */
static int open_pipes(struct pipes *p)
{
    *p = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(p->in, O_CLOEXEC) == 0 && pipe2(p->out, O_CLOEXEC) == 0 &&
        pipe2(p->err, O_CLOEXEC) == 0)
        return 0;
    int err = errno;
    shut_all(p);
    return err;
}

static int spawn(const struct process_ask *ask, const struct pipes *p,
                 pid_t *ret)
{
    posix_spawn_file_actions_t f;
    posix_spawnattr_t attr;
    sigset_t none, pipes;
    (void)sigemptyset(&none);
    (void)sigemptyset(&pipes);
    (void)sigaddset(&pipes, SIGPIPE); /* a shell could not undo "ignored" */
    (void)posix_spawn_file_actions_init(&f);
    (void)posix_spawn_file_actions_adddup2(&f, p->in[0], STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&f, p->out[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&f, p->err[1], STDERR_FILENO);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &pipes);
    (void)posix_spawnattr_setpgroup(&attr, 0); /* to end its children, too */
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int r = posix_spawnp(ret, ask->argv[0], &f, &attr, ask->argv, environ);
    (void)posix_spawn_file_actions_destroy(&f);
    (void)posix_spawnattr_destroy(&attr);
    return r;
}

static int start(const struct process_ask *ask, struct child *c, struct err *e)
{
    struct pipes p;
    int r = open_pipes(&p);
    if (!r)
        r = spawn(ask, &p, &c->pid);
    if (r) {
        shut_all(&p);
        return err_set(e, r == ENOENT ? OTK_ENOENT : OTK_EAGAIN, "%s: %s",
                       ask->argv[0], strerror(r));
    }
    shut(&p.in[0]);
    shut(&p.out[1]);
    shut(&p.err[1]);
    c->in = p.in[1];
    c->out = p.out[0];
    c->err = p.err[0];
    (void)fcntl(c->in, F_SETFL, O_NONBLOCK);
    (void)fcntl(c->out, F_SETFL, O_NONBLOCK);
    (void)fcntl(c->err, F_SETFL, O_NONBLOCK);
    return OTK_OK;
}

/* ---- while it runs
 * ---------------------------------------------------------------- */

static void feed(struct child *c)
{
    ssize_t n = c->input.n ? write(c->in, c->input.p, c->input.n) : 0;
    if (n > 0)
        c->input = str_sub(c->input, (size_t)n, c->input.n);
    bool broken = n < 0 && errno != EAGAIN && errno != EINTR;
    if (c->input.n == 0 || broken)
        shut(&c->in);
}

/* Read what is there; at the end of the stream, close it. */
static ssize_t drain(int *fd, char part[PART_BYTES])
{
    ssize_t n = *fd >= 0 ? read(*fd, part, PART_BYTES) : -1;
    bool over = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    if (*fd >= 0 && over)
        shut(fd);
    return n;
}

static void take_output(struct child *c)
{
    char part[PART_BYTES];
    ssize_t n;
    while ((n = drain(&c->out, part)) > 0) {
        if (c->to)
            buf_put(c->to, part, (size_t)n);
        c->too_much = c->to && buf_check(c->to);
        if (c->too_much)
            return;
    }
}

/* Keep the end of what it complains about; a line may come in pieces. */
static void take_complaint(struct child *c)
{
    char part[PART_BYTES];
    ssize_t got;
    while ((got = drain(&c->err, part)) > 0) {
        size_t n = (size_t)got;
        const char *from = part;
        if (n > KEEP_BYTES / 2) {
            from += n - KEEP_BYTES / 2;
            n = KEEP_BYTES / 2;
        }
        if (c->n_tail + n > KEEP_BYTES) {
            size_t old = c->n_tail + n - KEEP_BYTES;
            c->n_tail -= old;
            memmove(c->tail, c->tail + old, c->n_tail);
        }
        memcpy(c->tail + c->n_tail, from, n);
        c->n_tail += n;
    }
}

static void last_line(const struct child *c, char ret[PROCESS_TAIL_BYTES])
{
    struct str s = str_trim((struct str){c->tail, c->n_tail});
    size_t from = s.n;
    while (from > 0 && s.p[from - 1] != '\n')
        from--;
    struct str line = str_trim(str_sub(s, from, s.n));
    (void)snprintf(ret, PROCESS_TAIL_BYTES, STR_FMT,
                   STR_ARG(utf8_cut(line, PROCESS_TAIL_BYTES - 1)));
}

static bool goes_on(const struct child *c)
{
    return !c->too_much && clock_mono(&clock_real) <= c->until;
}

/* One look at all that may have happened. */
static void serve(struct child *c)
{
    struct pollfd p[] = {
        {c->out, POLLIN, 0}, {c->err, POLLIN, 0}, {c->in, POLLOUT, 0}};
    if (c->out < 0 && c->err < 0 && c->in < 0) /* nothing wakes us */
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    else
        (void)poll(p, 3, LOOK_MS); /* it passes over -1 */
    if (c->in >= 0 && p[2].revents)
        feed(c);
    take_output(c);
    take_complaint(c);
}

static void end_of(int status, struct process_done *ret)
{
    ret->end = WIFEXITED(status) ? PROCESS_EXITED : PROCESS_KILLED;
    ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

int process_run(const struct process_ask *ask, struct buf *out,
                struct process_done *ret, struct err *e)
{
    struct child c = {
        .until = clock_mono(&clock_real) + ask->timeout_ms,
        .input = ask->input,
        .to = out,
    };
    int status = 0;
    pid_t done;
    *ret = (struct process_done){0};
    int r = start(ask, &c, e);
    if (r)
        return r;
    while ((done = waitpid(c.pid, &status, WNOHANG)) == 0 && goes_on(&c))
        serve(&c);
    if (done == 0) {
        (void)kill(-c.pid, SIGKILL);
        (void)waitpid(c.pid, &status, 0);
    }
    take_output(&c); /* what it said at last */
    take_complaint(&c);
    end_of(status, ret);
    if (c.too_much)
        ret->end = PROCESS_TOO_MUCH;
    else if (done == 0)
        ret->end = PROCESS_TOO_LATE;
    last_line(&c, ret->tail);
    shut(&c.in);
    shut(&c.out);
    shut(&c.err);
    return OTK_OK;
}

int process_check(const struct process_done *d, const char *name, struct err *e)
{
    switch (d->end) {
    case PROCESS_TOO_LATE:
        return err_set(e, OTK_EAGAIN, "%s took too long", name);
    case PROCESS_TOO_MUCH:
        return err_set(e, OTK_ELIMIT, "%s wrote too much", name);
    case PROCESS_KILLED:
        return err_set(e, OTK_EAGAIN, "%s was ended by signal %d", name,
                       d->status);
    case PROCESS_EXITED: break;
    }
    if (d->status == 0)
        return OTK_OK;
    return d->tail[0]
               ? err_set(e, OTK_EFORMAT, "%s: %s", name, d->tail)
               : err_set(e, OTK_EFORMAT, "%s: exit code %d", name, d->status);
}
