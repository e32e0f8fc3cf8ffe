/*
 * api/http_head.h - what is wrong with the head of a request
 *
 * libmicrohttpd takes more than the standards do. Each function is asked on
 * the connection's own thread and says NULL when all is well, else a text for
 * people: a literal, or in `a`.
 */
#ifndef OTK_API_HTTP_HEAD_H
#define OTK_API_HTTP_HEAD_H

struct MHD_Connection;
struct arena;

/* Where a body ends, and for whom it is, must be read alike by every server on
 * its way (RFC 9112 3.2, 6.1, 6.3). */
const char *head_wrong(struct MHD_Connection *mhd, const char *version);

/* A parameter that cannot be decoded, or stands twice, would be taken for one
 * that was not sent: a list without its filter. */
const char *query_wrong(struct MHD_Connection *mhd, struct arena *a);

/* The first parameter that is none of `known`, names between spaces. */
const char *query_unknown(struct MHD_Connection *mhd, const char *known);

#endif
