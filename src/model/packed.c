/* SPDX-License-Identifier: Apache-2.0 */
#include "model/packed.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mapped.h"
#include "base/mem.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/weights.h"
#include "tensor/kernels.h"

enum {
    VERSION = 1,
    HEAD_BYTES = 64,
    ENTRY_BYTES = 24,
    CONFIG_BYTES = 1 << 20,
    PIECE_BYTES = 256,
    FILE_MODE = 0640,
};

static const char magic[8] = "OTKPACK";

struct head {
    char magic[sizeof(magic)];
    uint32_t version, precision, parts, panel;
    uint64_t bytes;
    struct packed_source source;
};
_Static_assert(sizeof(struct head) == HEAD_BYTES, "as packed.h says");

struct entry {
    uint64_t at, bytes, sum;
};
_Static_assert(sizeof(struct entry) == ENTRY_BYTES, "as packed.h says");

struct packed {
    struct mapped map;
    char path[PATH_MAX];
    struct str *parts;
};

void packed_name(enum precision p, char ret[PACKED_NAME_BYTES])
{
    (void)snprintf(ret, PACKED_NAME_BYTES, "packed-%s.otk", precision_name(p));
}

static int path_of(const char *folder, const char *name, char ret[PATH_MAX],
                   struct err *e)
{
    enum { ENDS = 16 }; /* of a temporary file */
    int n = snprintf(ret, PATH_MAX, "%s/%s", folder, name);
    return n < 0 || n >= PATH_MAX - ENDS
               ? err_set(e, OTK_ELIMIT, "%.80s…: path too long", folder)
               : OTK_OK;
}

/* ---- what it was made of
 * ------------------------------------------------------------------------ */

static void put_number(crypto_generichash_state *h, uint64_t x)
{
    (void)crypto_generichash_update(h, (const unsigned char *)&x, sizeof(x));
}

static void put_bytes(crypto_generichash_state *h, const char *p, size_t n)
{
    put_number(h, n);
    (void)crypto_generichash_update(h, (const unsigned char *)p, n);
}

static void put_weight(crypto_generichash_state *h, const struct weight *x)
{
    const char *p = x->data;
    size_t n = x->bytes < PIECE_BYTES ? x->bytes : PIECE_BYTES;
    put_bytes(h, x->name.p, x->name.n);
    put_number(h, x->type);
    for (int i = 0; i < x->n_dims; i++)
        put_number(h, x->dims[i]);
    put_bytes(h, p, n);
    put_bytes(h, p + (x->bytes - n) / 2, n);
    put_bytes(h, p + (x->bytes - n), n);
}

int packed_source(const char *folder, const struct weights *w,
                  struct packed_source *ret, struct err *e)
{
    char path[PATH_MAX];
    struct buf config = BUF_INIT(CONFIG_BYTES);
    crypto_generichash_state h;
    int r = path_of(folder, "config.json", path, e);
    if (!r)
        r = file_read(path, &config, e);
    if (!r) {
        (void)crypto_generichash_init(&h, NULL, 0, sizeof(ret->hash));
        put_bytes(&h, config.ptr, config.len);
        for (size_t i = 0; i < weights_len(w); i++)
            put_weight(&h, weights_at(w, i));
        (void)crypto_generichash_final(&h, ret->hash, sizeof(ret->hash));
    }
    buf_free(&config);
    return r;
}

/* ---- sums
 * ------------------------------------------------------------------------ */

/*
 * As fast as memory: eight sums side by side. Each step can be undone, so
 * that no change of a single word goes unseen.
 */
static uint64_t sum_of(struct str s)
{
    enum { LANES = 8, BLOCK = LANES * sizeof(uint64_t) };
    const uint64_t by = 0x9e3779b97f4a7c15; /* odd: 2^64 / golden ratio */
    uint64_t lanes[LANES] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (size_t at = 0; at < s.n; at += BLOCK) {
        uint64_t words[LANES] = {0};
        memcpy(words, s.p + at, s.n - at < BLOCK ? s.n - at : BLOCK);
        for (int i = 0; i < LANES; i++) {
            uint64_t x = (lanes[i] ^ words[i]) * by;
            lanes[i] = x << 31 | x >> 33;
        }
    }
    uint64_t sum = s.n;
    for (int i = 0; i < LANES; i++) {
        sum = (sum ^ lanes[i]) * by;
        sum ^= sum >> 32;
    }
    return sum;
}

/* ---- where parts lie
 * ------------------------------------------------------------------------ */

static size_t aligned(size_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Of the table with its sum behind. */
static size_t top_bytes(size_t parts)
{
    return HEAD_BYTES + parts * ENTRY_BYTES + sizeof(uint64_t);
}

/* Fills offsets and lengths; returns the bytes of the whole file. */
static size_t lay_out(const struct model_config *c, enum precision p,
                      struct entry *ret)
{
    size_t n = encoder_n_parts(c);
    size_t at = aligned(top_bytes(n));
    for (size_t i = 0; i < n; i++) {
        ret[i] = (struct entry){at, encoder_part_bytes(c, p, i), 0};
        at = aligned(at + ret[i].bytes);
    }
    return at;
}

/* ---- reading
 * ------------------------------------------------------------------------ */

static int damaged(struct err *e, const char *what)
{
    return err_set(e, OTK_EFORMAT,
                   "%s: the file is cut short or damaged; make it again: "
                   "otklik model pack",
                   what);
}

static int check_head(struct str bytes, size_t parts, enum precision p,
                      const struct packed_source *s, struct err *e)
{
    struct head h;
    uint64_t sum;
    if (bytes.n < sizeof(h))
        return damaged(e, "header");
    memcpy(&h, bytes.p, sizeof(h));
    if (memcmp(h.magic, magic, sizeof(magic)) != 0)
        return err_set(e, OTK_EFORMAT, "magic: this is no packed model");
    if (h.version != VERSION || h.panel != PANEL)
        return err_set(e, OTK_ECONFLICT,
                       "version %u with panels of %u, this program has %d "
                       "with %d; make it again: otklik model pack",
                       h.version, h.panel, VERSION, PANEL);
    if (h.bytes != bytes.n)
        return damaged(e, "size");
    if (memcmp(&h.source, s, sizeof(*s)) != 0)
        return err_set(e, OTK_ECONFLICT,
                       "source: it was made of other weights or another "
                       "config.json; make it again: otklik model pack");
    if (h.precision != (uint32_t)p || h.parts != parts ||
        bytes.n < top_bytes(parts))
        return damaged(e, "precision or number of parts");
    size_t n = top_bytes(parts) - sizeof(sum);
    memcpy(&sum, bytes.p + n, sizeof(sum));
    return sum == sum_of(str_sub(bytes, 0, n)) ? OTK_OK : damaged(e, "table");
}

/* The table is what the config makes it, and parts are what they were. */
static int check_parts(struct str bytes, const struct entry *want, size_t n,
                       struct str *ret, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct entry own;
        char name[32];
        (void)snprintf(name, sizeof(name), "part %zu", i);
        memcpy(&own, bytes.p + HEAD_BYTES + i * ENTRY_BYTES, sizeof(own));
        if (own.at != want[i].at || own.bytes != want[i].bytes)
            return err_set(e, OTK_EFORMAT,
                           "%s: %llu bytes at %llu, by config.json %llu at "
                           "%llu; make the file again: otklik model pack",
                           name, (unsigned long long)own.bytes,
                           (unsigned long long)own.at,
                           (unsigned long long)want[i].bytes,
                           (unsigned long long)want[i].at);
        ret[i] = (struct str){bytes.p + own.at, own.bytes};
        if (i > 0 && sum_of(ret[i]) != own.sum)
            return damaged(e, name);
    }
    return OTK_OK;
}

int packed_read(struct str bytes, const struct model_config *c,
                enum precision p, const struct packed_source *s,
                struct str *ret, struct err *e)
{
    size_t n = encoder_n_parts(c);
    int r = check_head(bytes, n, p, s, e);
    if (r)
        return r;
    struct entry *want = mem_new(n, sizeof(*want));
    r = lay_out(c, p, want) == bytes.n ? check_parts(bytes, want, n, ret, e)
                                       : damaged(e, "size");
    free(want);
    return r;
}

int packed_open(const char *folder, const struct model_config *c,
                enum precision p, const struct packed_source *s,
                struct packed **ret, struct err *e)
{
    char name[PACKED_NAME_BYTES];
    struct packed *x = MEM_NEW(struct packed);
    packed_name(p, name);
    int r = path_of(folder, name, x->path, e);
    if (!r)
        r = mapped_open(x->path, &x->map, e);
    if (r) {
        free(x);
        return r;
    }
    x->parts = mem_new(encoder_n_parts(c), sizeof(*x->parts));
    r = packed_read((struct str){x->map.at, x->map.len}, c, p, s, x->parts, e);
    if (r) {
        r = err_place(e, r, "%s", x->path);
        packed_close(x);
        return r;
    }
    *ret = x;
    return OTK_OK;
}

void packed_close(struct packed *x)
{
    if (!x)
        return;
    mapped_close(&x->map);
    free(x->parts);
    free(x);
}

const struct str *packed_parts(const struct packed *x)
{
    return x->parts;
}

int packed_check_words(const struct packed *x, struct err *e)
{
    struct entry own;
    memcpy(&own, (const char *)x->map.at + HEAD_BYTES, sizeof(own));
    return sum_of(x->parts[0]) == own.sum
               ? OTK_OK
               : err_place(e, damaged(e, "part 0"), "%s", x->path);
}

/* ---- writing
 * ------------------------------------------------------------------------ */

/* The file's beginning, filled up with zeros. */
static char *make_top(const struct head *h, const struct entry *list,
                      size_t *ret_bytes)
{
    size_t bytes = aligned(top_bytes(h->parts));
    char *top = mem_new(bytes, 1);
    size_t n = top_bytes(h->parts) - sizeof(uint64_t);
    memcpy(top, h, sizeof(*h));
    memcpy(top + HEAD_BYTES, list, h->parts * sizeof(*list));
    uint64_t sum = sum_of((struct str){top, n});
    memcpy(top + n, &sum, sizeof(sum));
    *ret_bytes = bytes;
    return top;
}

static int write_parts(const char *path, struct head *h, struct entry *list,
                       const struct str *parts, struct err *e)
{
    static const char zeros[ALIGNMENT];
    struct str *pieces = mem_new(2 * h->parts + 1, sizeof(*pieces));
    for (size_t i = 0; i < h->parts; i++) {
        list[i].sum = sum_of(parts[i]);
        pieces[2 * i + 1] = parts[i];
        pieces[2 * i + 2] =
            (struct str){zeros, aligned(parts[i].n) - parts[i].n};
    }
    size_t n;
    char *top = make_top(h, list, &n);
    pieces[0] = (struct str){top, n};
    int r = file_write_parts(path, pieces, 2 * h->parts + 1, FILE_MODE, e);
    free(top);
    free(pieces);
    return r;
}

int packed_write(const char *folder, const struct encoder *x, enum precision p,
                 const struct packed_source *s, size_t *ret_bytes,
                 struct err *e)
{
    const struct model_config *c = encoder_config(x);
    size_t n = encoder_n_parts(c);
    char name[PACKED_NAME_BYTES];
    char path[PATH_MAX];
    struct entry *list = mem_new(n, sizeof(*list));
    struct str *parts = mem_new(n, sizeof(*parts));
    struct head h = {.version = VERSION,
                     .precision = (uint32_t)p,
                     .parts = (uint32_t)n,
                     .panel = PANEL,
                     .bytes = lay_out(c, p, list),
                     .source = *s};
    memcpy(h.magic, magic, sizeof(magic));
    packed_name(p, name);
    int r = path_of(folder, name, path, e);
    void *words = mem_try(list[0].bytes, 1);
    if (!r && !words)
        r = err_set(e, OTK_ELIMIT, "no memory for %llu bytes of embeddings",
                    (unsigned long long)list[0].bytes);
    for (size_t i = 0; !r && i < n; i++)
        r = encoder_part(x, i, words, &parts[i], e);
    if (!r)
        r = write_parts(path, &h, list, parts, e);
    if (!r)
        *ret_bytes = h.bytes;
    free(words);
    free(parts);
    free(list);
    return r;
}
