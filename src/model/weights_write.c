/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/safetensors.h"
#include "model/weights.h"

enum { ALIGN = 8, FILE_MODE = 0644 };

static int check(const struct weight *x, struct map *names, struct err *e)
{
    size_t bytes;
    bool new;
    int r = safetensors_check_name(x->name, e);
    if (r)
        return OTK_EINVAL;
    (void)map_put(names, x->name, &new);
    if (!new || str_is(x->name, SAFETENSORS_METADATA))
        return err_set(e, OTK_EINVAL, "tensor '" STR_FMT "': the name is taken",
                       STR_ARG(x->name));
    if (x->n_dims < 0 || x->n_dims > WEIGHT_DIMS_MAX ||
        !weight_size(x->type, x->dims, x->n_dims, &bytes) || bytes != x->bytes)
        return err_set(e, OTK_EINVAL,
                       "tensor '" STR_FMT
                       "': its shape does not make %zu bytes",
                       STR_ARG(x->name), x->bytes);
    return x->type <= WEIGHT_BF16 ? weight_check(x, e) : OTK_OK;
}

static int check_all(const struct weight *list, size_t n, struct err *e)
{
    if (n > SAFETENSORS_MAX)
        return err_set(e, OTK_EINVAL, "more than %d tensors", SAFETENSORS_MAX);
    struct map *names = map_new();
    int r = OTK_OK;
    for (size_t i = 0; !r && i < n; i++)
        r = check(&list[i], names, e);
    map_free(names);
    return r;
}

static void put_tensor(struct buf *b, const struct weight *x, size_t at)
{
    buf_putc(b, ',');
    json_put_text(b, x->name);
    buf_printf(b, ":{\"dtype\":\"%s\",\"shape\":[", weight_type_name(x->type));
    for (int i = 0; i < x->n_dims; i++)
        buf_printf(b, "%s%zu", i ? "," : "", x->dims[i]);
    buf_printf(b, "],\"data_offsets\":[%zu,%zu]}", at, at + x->bytes);
}

/* The length, the header, and each tensor's bytes in `parts`. */
static void lay_out(const struct weight *list, size_t n, struct buf *header,
                    struct str *parts)
{
    size_t at = 0;
    /* transformers asks for the format before it loads a file */
    buf_puts(header, "{\"" SAFETENSORS_METADATA "\":{\"format\":\"pt\"}");
    for (size_t size = ALIGN; size; size /= 2) {
        for (size_t i = 0; i < n; i++) {
            if (weight_type_size(list[i].type) != size)
                continue;
            put_tensor(header, &list[i], at);
            *parts++ = (struct str){list[i].data, list[i].bytes};
            at += list[i].bytes;
        }
    }
    buf_putc(header, '}');
    while (header->len % ALIGN && !buf_check(header))
        buf_putc(header, ' ');
}

int weights_write(const char *path, const struct weight *list, size_t n,
                  struct err *e)
{
    enum { HEAD = 2 }; /* the length and the header */
    int r = check_all(list, n, e);
    if (r)
        return err_wrap(e, r, "%s", path);
    struct buf header = BUF_INIT(SAFETENSORS_HEADER_MAX);
    struct str *parts = mem_new(n + HEAD, sizeof(*parts));
    lay_out(list, n, &header, parts + HEAD);
    uint64_t len = header.len;
    parts[0] = (struct str){(const char *)&len, sizeof(len)};
    parts[1] = buf_str(&header);
    if (buf_check(&header))
        r = err_set(e, OTK_ELIMIT, "%s: a header of more than %d bytes", path,
                    SAFETENSORS_HEADER_MAX);
    else
        r = file_write_parts(path, parts, n + HEAD, FILE_MODE, e);
    free(parts);
    buf_free(&header);
    return r;
}
