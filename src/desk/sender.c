/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "db/db.h"
#include "desk/desk.h"

enum {
    INPUT_BYTES = 1 << 20,
    EXIT_DATA = 65, /* sysexits.h */
    EXIT_NOBODY = 67,
    EXIT_NOHOST = 68,
    LOOK_MS = 20,
    TAIL_BYTES = 512,
};

struct child {
    pid_t pid;
    int in, err; /* our ends */
    int64_t until;
    char tail[TAIL_BYTES]; /* of what it wrote to stderr */
    size_t n_tail;
};

/* ---- starting and ending it
 * -------------------------------------------------------- */

/* Both ends close on exec; spawn dups what the child keeps. */
static int spawn(const char *command, struct child *ret)
{
    int in[2];
    int out[2];
    char shell[] = "sh";
    char option[] = "-c";
    posix_spawn_file_actions_t f;
    posix_spawnattr_t attr;
    sigset_t none, pipes;
    if (pipe2(in, O_CLOEXEC))
        return -1;
    if (pipe2(out, O_CLOEXEC)) {
        (void)close(in[0]);
        (void)close(in[1]);
        return -1;
    }
    char *line = mem_copy_str(command);
    char *argv[] = {shell, option, line, NULL};
    (void)sigemptyset(&none);
    (void)sigemptyset(&pipes);
    (void)sigaddset(&pipes, SIGPIPE); /* a shell could not undo "ignored" */
    (void)posix_spawn_file_actions_init(&f);
    (void)posix_spawn_file_actions_adddup2(&f, in[0], STDIN_FILENO);
    (void)posix_spawn_file_actions_addopen(&f, STDOUT_FILENO, "/dev/null",
                                           O_WRONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&f, out[1], STDERR_FILENO);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &pipes);
    (void)posix_spawnattr_setpgroup(&attr, 0); /* to end its children, too */
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int r = posix_spawn(&ret->pid, "/bin/sh", &f, &attr, argv, environ);
    free(line);
    (void)posix_spawn_file_actions_destroy(&f);
    (void)posix_spawnattr_destroy(&attr);
    (void)close(in[0]);
    (void)close(out[1]);
    ret->in = in[1];
    ret->err = out[0];
    if (r) {
        (void)close(in[1]);
        (void)close(out[0]);
        return -1;
    }
    (void)fcntl(ret->in, F_SETFL, O_NONBLOCK);
    (void)fcntl(ret->err, F_SETFL, O_NONBLOCK);
    return 0;
}

static bool is_over(const struct child *c)
{
    return clock_mono(&clock_real) > c->until;
}

/* Write what the pipe takes; closes the pipe at the end. */
static void feed(struct child *c, struct str *rest)
{
    ssize_t n = rest->n ? write(c->in, rest->p, rest->n) : 0;
    if (n > 0)
        *rest = str_sub(*rest, (size_t)n, rest->n);
    bool broken = n < 0 && errno != EAGAIN && errno != EINTR;
    if (rest->n == 0 || broken) {
        (void)close(c->in);
        c->in = -1;
    }
}

/* Keep the end of what it complains about; a line may come in pieces. */
static void listen_to(struct child *c)
{
    char part[TAIL_BYTES / 2];
    ssize_t got;
    while ((got = read(c->err, part, sizeof(part))) > 0) {
        size_t n = (size_t)got;
        if (c->n_tail + n > TAIL_BYTES) {
            size_t old = c->n_tail + n - TAIL_BYTES;
            c->n_tail -= old;
            memmove(c->tail, c->tail + old, c->n_tail);
        }
        memcpy(c->tail + c->n_tail, part, n);
        c->n_tail += n;
    }
}

static void last_line(const struct child *c, char why[SENDER_WHY_BYTES])
{
    struct str s = str_trim((struct str){c->tail, c->n_tail});
    size_t from = s.n;
    while (from > 0 && s.p[from - 1] != '\n')
        from--;
    struct str line = str_trim(str_sub(s, from, s.n));
    (void)snprintf(why, SENDER_WHY_BYTES, STR_FMT,
                   STR_ARG(utf8_cut(line, SENDER_WHY_BYTES - 1)));
}

/* The status of waitpid(); -1: it was ended by the deadline. */
static int wait_for(struct child *c, struct str input)
{
    int status = 0;
    pid_t done;
    while ((done = waitpid(c->pid, &status, WNOHANG)) == 0 && !is_over(c)) {
        struct pollfd p[] = {{c->err, POLLIN, 0}, {c->in, POLLOUT, 0}};
        (void)poll(p, c->in >= 0 ? 2 : 1, LOOK_MS);
        if (c->in >= 0 && p[1].revents)
            feed(c, &input);
        listen_to(c);
        if (p[0].revents & POLLHUP) /* it closed stderr: do not spin */
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    if (done == 0) {
        (void)kill(-c->pid, SIGKILL);
        (void)waitpid(c->pid, &status, 0);
        status = -1;
    }
    listen_to(c);
    if (c->in >= 0)
        (void)close(c->in);
    (void)close(c->err);
    return status;
}

static enum outbox_verdict verdict_of(int status, char why[SENDER_WHY_BYTES])
{
    if (status == -1) {
        (void)snprintf(why, SENDER_WHY_BYTES, "it took too long");
        return OUTBOX_UNSURE;
    }
    if (!WIFEXITED(status)) {
        (void)snprintf(why, SENDER_WHY_BYTES, "ended by signal %d",
                       WTERMSIG(status));
        return OUTBOX_UNSURE;
    }
    int code = WEXITSTATUS(status);
    if (code == 0)
        return OUTBOX_SENT;
    if (!why[0])
        (void)snprintf(why, SENDER_WHY_BYTES, "exit code %d", code);
    bool hopeless =
        code == EXIT_DATA || code == EXIT_NOBODY || code == EXIT_NOHOST;
    return hopeless ? OUTBOX_FAILED : OUTBOX_LATER;
}

/* {"id":"7","channel":…, and the fields of the body */
static void put_input(const struct outbox_item *m, struct buf *b)
{
    buf_printf(b, "{\"id\":\"%lld\",\"ticket\":\"%lld\",\"channel\":",
               (long long)m->id, (long long)m->ticket_id);
    json_put_text(b, m->channel);
    buf_puts(b, ",\"recipient\":");
    json_put_text(b, m->recipient);
    buf_puts(b, ",\"dedup\":");
    json_put_text(b, m->dedup);
    if (m->body.n > 2) {
        buf_putc(b, ',');
        buf_put_str(b, str_sub(m->body, 1, m->body.n));
    } else {
        buf_putc(b, '}');
    }
    buf_putc(b, '\n');
}

enum outbox_verdict sender_run(const char *command, int timeout_ms,
                               const struct outbox_item *m,
                               char ret_why[SENDER_WHY_BYTES])
{
    struct child c = {.until = clock_mono(&clock_real) + timeout_ms};
    struct buf input = BUF_INIT(INPUT_BYTES);
    ret_why[0] = '\0';
    put_input(m, &input);
    if (spawn(command, &c)) {
        (void)snprintf(ret_why, SENDER_WHY_BYTES, "no process: %s",
                       strerror(errno));
        buf_free(&input);
        return OUTBOX_LATER;
    }
    int status = wait_for(&c, buf_str(&input));
    buf_free(&input);
    last_line(&c, ret_why);
    return verdict_of(status, ret_why);
}

/* ---- everything that is due
 * -------------------------------------------------------- */

struct done {
    const struct outbox_item *m;
    const char *owner, *why;
    enum outbox_verdict verdict;
    int64_t now;
};

static int note(struct db_tx *tx, void *arg, struct err *e)
{
    const struct done *x = arg;
    return outbox_done(tx, x->m, x->owner, x->verdict, x->why, x->now, e);
}

static int send_one(struct desk *d, const char *owner,
                    const struct outbox_item *m, size_t *ret_sent,
                    struct err *e)
{
    const struct settings s = desk_settings(d);
    char why[SENDER_WHY_BYTES];
    struct done x = {.m = m, .owner = owner, .why = why};
    x.verdict = sender_run(s.outbox.command,
                           (int)s.outbox.timeout_seconds * MS_SECOND, m, why);
    x.now = clock_wall(desk_clock(d));
    *ret_sent += x.verdict == OUTBOX_SENT;
    if (x.verdict != OUTBOX_SENT)
        log_warn("outbox", "message=%lld %s", (long long)m->id, why);
    return db_write(desk_db(d), 0, note, &x, e);
}

int sender_work(struct desk *d, const char *owner, size_t *ret_sent,
                struct err *e)
{
    struct outbox_item item;
    struct arena *a = arena_new();
    size_t n = 1;
    int r = OTK_OK;
    *ret_sent = 0;
    /* one at a time: a lease covers one run of the program, not a batch */
    while (!r && n && desk_settings(d).outbox.command[0]) {
        arena_reset(a);
        r = outbox_take(desk_db(d), owner, clock_wall(desk_clock(d)), 1, a,
                        &item, &n, e);
        if (!r && n)
            r = send_one(d, owner, &item, ret_sent, e);
    }
    arena_free(a);
    return r;
}
