/*
 * desk/attachment.h - files that belong to tickets and messages
 *
 * The bytes are a blob (desk/blob.h); a row says what it is called, what kind
 * it claims to be and where it belongs.
 */
#ifndef OTK_DESK_ATTACHMENT_H
#define OTK_DESK_ATTACHMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct db_tx;
struct err;

enum {
    ATTACHMENT_NAME_MAX = 255,
    ATTACHMENT_TYPE_MAX = 127,
    ATTACHMENTS_MAX = 200, /* of one ticket */
};

struct attachment {
    int64_t id, ticket_id, message_id, created_at; /* message_id 0: none */
    uint64_t size;
    struct str hash, name, media_type;
};

/*
 * A safe name out of what a client sends: the last part of a path, without
 * control characters; "file" when nothing is left.
 */
struct str attachment_name(struct arena *a, struct str said);

/* "type/subtype" as RFC 6838 has it, else application/octet-stream. */
struct str attachment_type(struct str said);

/* OTK_ENOENT: no such ticket, or no such message of it. OTK_ELIMIT. */
int attachment_add(struct db_tx *tx, const struct attachment *x,
                   struct actor by, int64_t now_ms, int64_t *ret_id,
                   struct err *e);
int attachment_get(struct db_tx *tx, int64_t id, struct arena *a,
                   struct attachment *ret, struct err *e);
int attachment_list(struct db_tx *tx, int64_t ticket_id, struct arena *a,
                    struct attachment **ret, size_t *ret_n, struct err *e);
/* The row; the blob goes when it is swept. */
int attachment_drop(struct db_tx *tx, int64_t id, struct actor by,
                    int64_t now_ms, struct err *e);

#endif
