/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file, in the machine's byte order: a head of 40 bytes - magic (8), size
 * (4), zeros (4), identity (16), checksum (8) - and records: key (16), what a
 * step stands for (float), steps (a byte a number), checksum (8).
 */
#include "knowledge/vector_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/scope.h"
#include "tensor/reference.h"

enum {
    HEAD = 40,
    CHECK = 8,
    STEP_AT = VECTOR_KEY,
    STEPS_AT = VECTOR_KEY + 4,
    MODE = 0640,
    SLACK = 1000, /* forgotten ones that are not worth a new file */
};

static const char magic[8] = "OTKVEC1\n";

struct vector_store {
    char *path; /* NULL: none */
    char head[HEAD];
    size_t size, record; /* numbers; bytes */
    struct map *places;  /* key → number of the record */
    char *records;
    uint32_t *used; /* of each: the round it was last wanted in */
    size_t n, cap, used_cap;
    size_t saved; /* so many first ones are in the file */
    uint32_t round;
};

static uint64_t check_of(const char *p, size_t n)
{
    return str_hash((struct str){p, n});
}

static char *record_at(const struct vector_store *s, size_t i)
{
    return s->records + i * s->record;
}

static struct str key_of(const void *key)
{
    return (struct str){key, VECTOR_KEY};
}

/* ---- in memory
 * ------------------------------------------------------------- */

/* A new record that `key` leads to, to be filled; NULL: full, or there. */
static char *add(struct vector_store *s, const void *key)
{
    bool is_new;
    if (s->n == VECTOR_STORE_MAX)
        return NULL;
    union map_value *v = map_put(s->places, key_of(key), &is_new);
    if (!is_new)
        return NULL;
    v->num = (int64_t)s->n;
    s->records = mem_grow(s->records, s->n, &s->cap, s->record);
    s->used = mem_grow(s->used, s->n, &s->used_cap, sizeof(*s->used));
    s->used[s->n] = s->round;
    return record_at(s, s->n++);
}

bool vector_store_get(struct vector_store *s, const uint8_t key[VECTOR_KEY],
                      float *ret)
{
    const union map_value *v = map_find(s->places, key_of(key));
    if (!v)
        return false;
    const char *at = record_at(s, (size_t)v->num);
    float step;
    s->used[v->num] = s->round;
    memcpy(&step, at + STEP_AT, sizeof(step));
    for (size_t i = 0; i < s->size; i++)
        ret[i] = step * (float)(int8_t)at[STEPS_AT + i];
    return true;
}

int vector_store_put(struct vector_store *s, const uint8_t key[VECTOR_KEY],
                     const float *x, struct err *e)
{
    if (s->n == VECTOR_STORE_MAX)
        return err_set(e, OTK_ELIMIT, "more than %d vectors of texts",
                       VECTOR_STORE_MAX);
    char *at = add(s, key);
    if (!at)
        return OTK_OK;
    memcpy(at, key, VECTOR_KEY);
    float step = reference_quantize_weights(x, s->size,
                                            (int8_t *)(void *)(at + STEPS_AT));
    memcpy(at + STEP_AT, &step, sizeof(step));
    uint64_t check = check_of(at, s->record - CHECK);
    memcpy(at + s->record - CHECK, &check, CHECK);
    return OTK_OK;
}

size_t vector_store_len(const struct vector_store *s)
{
    return s->n;
}

/* ---- the file
 * -------------------------------------------------------------- */

static bool is_good(const struct vector_store *s, const char *at)
{
    uint64_t check;
    float step;
    memcpy(&step, at + STEP_AT, sizeof(step));
    memcpy(&check, at + s->record - CHECK, CHECK);
    /* steps of a vector of length one are small, those of zeros are 1 */
    return check == check_of(at, s->record - CHECK) && step >= 0 && step <= 1;
}

size_t vector_store_parse(struct vector_store *s, struct str bytes)
{
    size_t at = HEAD;
    if (bytes.n < HEAD || memcmp(bytes.p, s->head, HEAD) != 0)
        return 0;
    for (; bytes.n - at >= s->record; at += s->record) {
        if (!is_good(s, bytes.p + at))
            break;
        char *to = add(s, bytes.p + at);
        if (to)
            memcpy(to, bytes.p + at, s->record);
    }
    s->saved = s->n;
    return at;
}

static int write_at_end(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return OTK_EIO;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OTK_OK;
}

/* The file, locked, with our head and whole records only; negative: not. */
static int open_locked(const struct vector_store *s)
{
    char head[HEAD];
    struct stat st;
    int fd = open(s->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, MODE);
    if (fd < 0)
        return -1;
    bool good = flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0;
    if (good && (pread(fd, head, HEAD, 0) != HEAD ||
                 memcmp(head, s->head, HEAD) != 0)) {
        good = ftruncate(fd, 0) == 0 &&
               write_at_end(fd, (struct str){s->head, HEAD}) == 0;
    } else if (good) {
        off_t over = (st.st_size - HEAD) % (off_t)s->record;
        good = over == 0 || ftruncate(fd, st.st_size - over) == 0;
    }
    if (good)
        return fd;
    (void)close(fd);
    return -1;
}

int vector_store_save(struct vector_store *s, struct err *e)
{
    if (!s->path || s->saved == s->n)
        return OTK_OK;
    SCOPED(scope_close) int fd = open_locked(s);
    struct str rest = {record_at(s, s->saved), (s->n - s->saved) * s->record};
    if (fd < 0 || write_at_end(fd, rest))
        return err_errno(e, OTK_EIO, "%s", s->path);
    s->saved = s->n;
    return OTK_OK;
}

/* Cut off what is not good, unless somebody appended meanwhile. */
static void mend(const struct vector_store *s, size_t good, size_t seen)
{
    struct stat st;
    SCOPED(scope_close) int fd = open(s->path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) || fstat(fd, &st))
        return;
    if ((size_t)st.st_size == seen && ftruncate(fd, (off_t)good))
        return; /* read again, and cut again, the next time */
}

static int read_file(struct vector_store *s, struct err *e)
{
    struct buf b = BUF_INIT(HEAD + (size_t)VECTOR_STORE_MAX * s->record);
    int r = file_read(s->path, &b, e);
    if (!r) {
        size_t good = vector_store_parse(s, buf_str(&b));
        if (good < b.len)
            mend(s, good, b.len);
    }
    buf_free(&b);
    if (r == OTK_ELIMIT && unlink(s->path) == 0) /* none of ours */
        return OTK_OK;
    return r == OTK_ENOENT ? OTK_OK : r;
}

/* ---- a round
 * --------------------------------------------------------------- */

void vector_store_begin(struct vector_store *s)
{
    s->round++;
}

/* Only those of this round, in their order. */
static void forget(struct vector_store *s)
{
    size_t kept = 0;
    map_free(s->places);
    s->places = map_new();
    for (size_t i = 0; i < s->n; i++) {
        bool is_new;
        if (s->used[i] != s->round)
            continue;
        if (kept < i)
            memcpy(record_at(s, kept), record_at(s, i), s->record);
        s->used[kept] = s->round;
        map_put(s->places, key_of(record_at(s, kept)), &is_new)->num =
            (int64_t)kept;
        kept++;
    }
    s->n = kept;
}

int vector_store_end(struct vector_store *s, struct err *e)
{
    size_t wanted = 0;
    for (size_t i = 0; i < s->n; i++)
        wanted += s->used[i] == s->round;
    if (s->n <= 2 * wanted + SLACK)
        return vector_store_save(s, e);
    forget(s);
    s->saved = s->n;
    const struct str parts[] = {{s->head, HEAD},
                                {s->records, s->n * s->record}};
    return s->path ? file_write_parts(s->path, parts, 2, MODE, e) : OTK_OK;
}

/* ---- open and close
 * -------------------------------------------------------- */

int vector_store_open(const char *path, const uint8_t identity[VECTOR_KEY],
                      size_t size, struct vector_store **ret, struct err *e)
{
    if (size == 0 || size > VECTOR_SIZE_MAX)
        return err_set(e, OTK_ELIMIT, "vectors of %zu numbers, 1 to %d can be",
                       size, VECTOR_SIZE_MAX);
    struct vector_store *s = MEM_NEW(struct vector_store);
    uint32_t size32 = (uint32_t)size;
    s->path = mem_copy_str(path);
    s->size = size;
    s->record = STEPS_AT + size + CHECK;
    s->places = map_new();
    memcpy(s->head, magic, sizeof(magic));
    memcpy(s->head + 8, &size32, sizeof(size32));
    memcpy(s->head + 16, identity, VECTOR_KEY);
    uint64_t check = check_of(s->head, HEAD - CHECK);
    memcpy(s->head + HEAD - CHECK, &check, CHECK);
    int r = path ? read_file(s, e) : OTK_OK;
    if (r)
        vector_store_free(s);
    else
        *ret = s;
    return r;
}

void vector_store_free(struct vector_store *s)
{
    if (!s)
        return;
    map_free(s->places);
    free(s->records);
    free(s->used);
    free(s->path);
    free(s);
}
