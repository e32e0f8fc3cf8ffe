/*
 * api/upload.h - a file on its way in
 *
 * The bytes go straight into a blob (desk/blob.h) while they arrive, whatever
 * their number; what breaks off leaves nothing. The handler finishes it with
 * upload_finish() and writes the row.
 */
#ifndef OTK_API_UPLOAD_H
#define OTK_API_UPLOAD_H

#include "api/api.h"
#include "desk/attachment.h"

/* Hash, size, name (?name=) and type (Content-Type) into *ret, durably; false:
 * replied already. */
bool upload_finish(const struct http_request *q, struct attachment *ret,
                   struct http_reply *r);

/* A file as the body of a reply, never shown inside a page of ours; or the part
 * of it that is asked for (api/http_range.h). Its ETag is its hash. */
void upload_send(const struct http_request *q, const struct attachment *x,
                 struct http_reply *r);

#endif
