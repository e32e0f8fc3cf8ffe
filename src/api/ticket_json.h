/* api/ticket_json.h - tickets as JSON, for several endpoints */
#ifndef OTK_API_TICKET_JSON_H
#define OTK_API_TICKET_JSON_H

#include "api/api.h"

struct catalog;
struct ticket;

void ticket_put(struct buf *b, const struct catalog *c, const struct ticket *t,
                const char *language);

/* Messages and files as JSON arrays. */
struct message;
void messages_put(struct buf *b, const struct message *m, size_t n);
struct attachment;
void attachments_put(struct buf *b, const struct attachment *x, size_t n);

/* The whole of one ticket is the reply. */
void ticket_reply(const struct http_request *q, int64_t id,
                  struct http_reply *r);

/* Appends it to the reply. */
void ticket_put_brief(const struct http_request *q, const struct ticket *t,
                      struct http_reply *r);
/* The same, read first; not 0: the reply is a problem. */
int ticket_read_brief(const struct http_request *q, int64_t id,
                      struct http_reply *r);

#endif
