/* SPDX-License-Identifier: Apache-2.0 */
#include "model/safetensors.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "model/weight.h"

/* A header is an object of objects of lists, with some twenty values for a
 * tensor of many dimensions. */
enum { DEPTH_MAX = 3, VALUES_MAX = 20 * SAFETENSORS_MAX };

/* Where the parts of a file lie. */
struct parts {
    struct str header;
    struct str data;
};

static int cut(struct str bytes, struct parts *ret, struct err *e)
{
    uint64_t len;
    if (bytes.n < sizeof(len))
        return err_set(e, OTK_EFORMAT,
                       "%zu bytes are too few for a safetensors file", bytes.n);
    memcpy(&len, bytes.p, sizeof(len));
    if (len > bytes.n - sizeof(len))
        return err_set(e, OTK_EFORMAT,
                       "a header of %" PRIu64 " bytes in a file of %zu: it is "
                       "cut short or no safetensors file",
                       len, bytes.n);
    if (len > SAFETENSORS_HEADER_MAX)
        return err_set(e, OTK_ELIMIT,
                       "a header of %" PRIu64 " bytes, the limit is %d", len,
                       SAFETENSORS_HEADER_MAX);
    ret->header = str_sub(bytes, sizeof(len), (size_t)len);
    ret->data = str_sub(bytes, sizeof(len) + (size_t)len, bytes.n);
    if (len == 0 || ret->header.p[0] != '{')
        return err_set(e, OTK_EFORMAT,
                       "the header does not begin with '{': this is no "
                       "safetensors file");
    return OTK_OK;
}

int safetensors_check_name(struct str name, struct err *e)
{
    if (name.n == 0 || name.n > WEIGHT_NAME_MAX)
        return err_set(e, OTK_EFORMAT,
                       "a tensor's name of %zu bytes, it must have 1 to %d",
                       name.n, WEIGHT_NAME_MAX);
    bool plain = utf8_check(name) == name.n;
    for (size_t i = 0; plain && i < name.n; i++)
        plain = (unsigned char)name.p[i] >= ' ' && name.p[i] != 0x7f;
    if (!plain)
        return err_set(e, OTK_EFORMAT,
                       "a tensor's name is not UTF-8 or has control "
                       "characters");
    return OTK_OK;
}

static int bad(const struct weight *x, struct err *e, const char *why)
{
    return err_set(e, OTK_EFORMAT, "tensor '" STR_FMT "': %s", STR_ARG(x->name),
                   why);
}

static int read_type(const json_t *o, struct weight *x, struct err *e)
{
    const json_t *v = json_object_get(o, "dtype");
    struct str name = {.p = json_string_value(v), .n = json_string_length(v)};
    if (!weight_type_find(name, &x->type))
        return bad(x, e, "'dtype' is missing or not a known type");
    return OTK_OK;
}

static int read_shape(const json_t *o, struct weight *x, struct err *e)
{
    const json_t *list = json_object_get(o, "shape");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > WEIGHT_DIMS_MAX)
        return bad(x, e, "'shape' must be a list of at most 8 numbers");
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return bad(x, e, "a number of 'shape' is not whole or below zero");
        x->dims[i] = (size_t)json_integer_value(v);
    }
    x->n_dims = (int)n;
    return OTK_OK;
}

static int read_offsets(const json_t *o, struct str data, struct weight *x,
                        struct err *e)
{
    const json_t *list = json_object_get(o, "data_offsets");
    const json_t *from = json_array_get(list, 0);
    const json_t *to = json_array_get(list, 1);
    if (json_array_size(list) != 2 || !json_is_integer(from) ||
        !json_is_integer(to))
        return bad(x, e, "'data_offsets' must be two whole numbers");
    int64_t begin = json_integer_value(from);
    int64_t end = json_integer_value(to);
    if (begin < 0 || end < begin || (uint64_t)end > data.n)
        return err_set(e, OTK_EFORMAT,
                       "tensor '" STR_FMT "': bytes %" PRId64 " to %" PRId64
                       ", but there are %zu: the file is cut short or damaged",
                       STR_ARG(x->name), begin, end, data.n);
    x->data = data.p + begin;
    x->bytes = (size_t)(end - begin);
    return OTK_OK;
}

static int read_tensor(const json_t *o, struct str data, struct weight *x,
                       struct err *e)
{
    if (!json_is_object(o))
        return bad(x, e, "it must be an object");
    int r = read_type(o, x, e);
    if (!r)
        r = read_shape(o, x, e);
    if (!r)
        r = read_offsets(o, data, x, e);
    if (r)
        return r;
    size_t bytes;
    if (weight_size(x->type, x->dims, x->n_dims, &bytes) && bytes == x->bytes)
        return OTK_OK;
    char shape[WEIGHT_SHAPE_TEXT];
    weight_print_shape(x->dims, x->n_dims, shape);
    return err_set(e, OTK_EFORMAT,
                   "tensor '" STR_FMT "': %zu bytes are not what %s of shape "
                   "%s takes",
                   STR_ARG(x->name), x->bytes, weight_type_name(x->type),
                   shape);
}

static int read_metadata(json_t *o, struct err *e)
{
    bool texts = json_is_object(o);
    void *i = texts ? json_object_iter(o) : NULL;
    for (; texts && i; i = json_object_iter_next(o, i))
        texts = json_is_string(json_object_iter_value(i));
    return texts ? OTK_OK
                 : err_set(e, OTK_EFORMAT,
                           SAFETENSORS_METADATA " must be an object of texts");
}

/* The tensors of a header into `to`, which has room for all of its keys. */
static int read_tensors(json_t *header, struct str data, const char *file,
                        struct arena *names, struct weight *to, size_t *ret_n,
                        struct err *e)
{
    size_t n = 0;
    int r = OTK_OK;
    void *i = json_object_iter(header);
    for (; !r && i; i = json_object_iter_next(header, i)) {
        struct str key = str_from(json_object_iter_key(i));
        json_t *value = json_object_iter_value(i);
        if (str_is(key, SAFETENSORS_METADATA)) {
            r = read_metadata(value, e);
            continue;
        }
        r = safetensors_check_name(key, e);
        if (r)
            break;
        struct weight *x = &to[n++];
        *x = (struct weight){.name = arena_str(names, key), .file = file};
        r = read_tensor(value, data, x, e);
    }
    *ret_n = n;
    return r;
}

static int by_place(const void *a, const void *b)
{
    const struct weight *x = a;
    const struct weight *y = b;
    uintptr_t at_x = (uintptr_t)x->data;
    uintptr_t at_y = (uintptr_t)y->data;
    if (at_x != at_y)
        return at_x < at_y ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return str_cmp(x->name, y->name);
}

/* End to end: tensors that share bytes, or bytes of no tensor, hide things. */
static int check_cover(const struct weight *list, size_t n, struct str data,
                       struct err *e)
{
    const char *end = data.p;
    for (size_t i = 0; i < n; i++) {
        const struct weight *x = &list[i];
        const char *at = x->data;
        if (at != end)
            return err_set(e, OTK_EFORMAT,
                           "tensor '" STR_FMT "' begins at byte %zu, the one "
                           "before it ends at %zu: they %s",
                           STR_ARG(x->name), (size_t)(at - data.p),
                           (size_t)(end - data.p),
                           at < end ? "overlap" : "leave a hole");
        end = at + x->bytes;
    }
    size_t rest = data.n - (size_t)(end - data.p);
    if (rest)
        return err_set(e, OTK_EFORMAT, "%zu bytes after the last tensor", rest);
    return OTK_OK;
}

static size_t count_tensors(const json_t *header)
{
    bool told = json_object_get(header, SAFETENSORS_METADATA) != NULL;
    return json_object_size(header) - told;
}

/* Room for `n` more; never NULL, also when there are none. */
static int make_room(struct weight_list *list, size_t n, struct err *e)
{
    if (n > SAFETENSORS_MAX || list->len > SAFETENSORS_MAX - n)
        return err_set(e, OTK_ELIMIT, "more than %d tensors", SAFETENSORS_MAX);
    while (!list->at || list->cap - list->len < n) {
        void *more = mem_try_grow(list->at, list->cap, &list->cap,
                                  sizeof(struct weight));
        if (!more)
            return err_set(e, OTK_ELIMIT, "no memory for %zu tensors", n);
        list->at = more;
    }
    return OTK_OK;
}

static int read_file(struct str bytes, const char *file, struct arena *names,
                     struct weight_list *list, struct err *e)
{
    struct parts p = {0};
    SCOPED(scope_json) json_t *header = NULL;
    int r = cut(bytes, &p, e);
    if (!r)
        r = json_measure(p.header, DEPTH_MAX, VALUES_MAX, e);
    if (!r)
        r = json_read(p.header, SAFETENSORS_HEADER_MAX, &header, e);
    if (!r)
        r = make_room(list, count_tensors(header), e);
    if (r)
        return r;
    size_t n = 0;
    struct weight *to = list->at + list->len;
    r = read_tensors(header, p.data, file, names, to, &n, e);
    if (r)
        return r;
    if (n)
        qsort(to, n, sizeof(*to), by_place);
    r = check_cover(to, n, p.data, e);
    if (!r)
        list->len += n;
    return r;
}

int safetensors_read(struct str bytes, const char *file, struct arena *names,
                     struct weight_list *list, struct err *e)
{
    int r = read_file(bytes, file, names, list, e);
    return r ? err_place(e, r, "%s", file) : OTK_OK;
}
