/* SPDX-License-Identifier: Apache-2.0 */
#include "api/upload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/http_range.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/scope.h"
#include "desk/blob.h"
#include "desk/desk.h"

struct upload {
    struct blob_writer *writer; /* NULL: finished */
};

static uint64_t upload_max(const struct http_request *q)
{
    return (uint64_t)desk_settings(api_desk(q)).http.upload_max_mb << 20;
}

static int upload_open(const struct http_request *q, void **ret,
                       struct http_reply *r)
{
    struct err e = {0};
    int64_t length = 0;
    struct upload *u = MEM_NEW(struct upload);
    struct str said = str_from(http_header(q, "Content-Length"));
    uint64_t max = upload_max(q);
    int code = OTK_OK;
    if (said.n && !str_to_int(said, &length) && (uint64_t)length > max)
        code = err_set(&e, OTK_ELIMIT, "a file has at most %llu MiB",
                       (unsigned long long)(max >> 20));
    if (!code)
        code = blob_begin(desk_folder(api_desk(q)), max, &u->writer, &e);
    if (code) {
        problem_of(r, code, &e);
        free(u);
        return code;
    }
    *ret = u;
    return OTK_OK;
}

static int upload_write(void *state, struct str bytes, struct http_reply *r)
{
    struct err e = {0};
    const struct upload *u = state;
    int code = blob_write(u->writer, bytes, &e);
    if (code)
        problem_of(r, code, &e);
    return code;
}

static void upload_close(void *state, bool whole)
{
    struct upload *u = state;
    (void)whole; /* what the handler did not finish is dropped */
    blob_drop(u->writer);
    free(u);
}

const struct http_sink api_upload = {upload_open, upload_write, upload_close};

bool upload_finish(const struct http_request *q, struct attachment *ret,
                   struct http_reply *r)
{
    struct err e = {0};
    struct upload *u = q->upload;
    char hash[BLOB_HASH_BYTES];
    int code = blob_finish(MOVE(u->writer), hash, &ret->size, &e);
    if (!code && ret->size == 0)
        code = err_field(&e, OTK_EFORMAT, "body", "the file is empty");
    if (code) {
        problem_of(r, code, &e);
        return false;
    }
    ret->hash = str_from(arena_copy(q->arena, str_from(hash)));
    ret->name = attachment_name(q->arena, str_from(http_query(q, "name")));
    ret->media_type = str_from(arena_copy(
        q->arena, attachment_type(str_from(http_header(q, "Content-Type")))));
    return true;
}

/* RFC 8187: what is no attribute character is percent-encoded. */
static const char *encoded(struct arena *a, struct str name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    static const char hex[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, 3 * name.n + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (str_find((struct str){plain, sizeof(plain) - 1}, (char)c) <
            sizeof(plain) - 1) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return out;
}

/* All of the file, the part that is asked for, or nothing: its status. */
static int choose_part(const struct http_request *q, const char *tag,
                       struct http_reply *r)
{
    struct http_range part;
    unsigned long long size = r->file_size;
    bool is_get = strcmp(q->method, "GET") == 0; /* 14.2: HEAD has no ranges */
    struct http_range_ask ask = {
        .if_match = str_from(http_header(q, "If-Match")),
        .if_none_match = str_from(http_header(q, "If-None-Match")),
        .range = str_from(is_get ? http_header(q, "Range") : NULL),
        .if_range = str_from(is_get ? http_header(q, "If-Range") : NULL),
    };
    int status = http_range_find(&ask, str_from(tag), size, &part);
    unsigned long long from = part.from;
    http_reply_header(r, "Accept-Ranges", "bytes");
    if (status == 206)
        http_reply_header(r, "Content-Range",
                          arena_printf(q->arena, "bytes %llu-%llu/%llu", from,
                                       from + part.n - 1, size));
    if (status == 416)
        http_reply_header(r, "Content-Range",
                          arena_printf(q->arena, "bytes */%llu", size));
    r->file_from = part.from;
    r->file_size = part.n;
    return status;
}

void upload_send(const struct http_request *q, const struct attachment *x,
                 struct http_reply *r)
{
    struct err e = {0};
    int code = blob_open(desk_folder(api_desk(q)), x->hash, &r->file,
                         &r->file_size, &e);
    if (code) {
        problem_of(r, code, &e);
        return;
    }
    const char *tag =
        arena_printf(q->arena, "\"" STR_FMT "\"", STR_ARG(x->hash));
    r->status = choose_part(q, tag, r);
    if (r->status == 412)
        problem_reply(r, 412, "If-Match", "must be the ETag of the file");
    if (r->status == 416)
        problem_reply(r, 416, "Range", "see Content-Range for how many it has");
    if (r->status >= 400) {
        (void)close(r->file);
        r->file = -1;
        return;
    }
    http_reply_header(r, "ETag", tag);
    http_reply_header(r, "Cache-Control", "private, max-age=86400");
    if (r->status == 304) /* its Content-Length is that of the file (8.6) */
        return;
    r->type = arena_copy(q->arena, x->media_type);
    http_reply_header(r, "Content-Disposition",
                      arena_printf(q->arena, "attachment; filename*=UTF-8''%s",
                                   encoded(q->arena, x->name)));
    http_reply_header(r, "Content-Security-Policy", "sandbox");
}
