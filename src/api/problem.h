/*
 * api/problem.h - errors for clients: application/problem+json (RFC 9457)
 *
 * `type` is stable ("/problems/invalid-field") and explained in docs/api.md;
 * `field` names the wrong input when there is one.
 */
#ifndef OTK_API_PROBLEM_H
#define OTK_API_PROBLEM_H

struct err;
struct http_reply;

/* By status, with a text for people; `field` may be NULL. */
void problem_reply(struct http_reply *r, int status, const char *field,
                   const char *detail);

/* What an OTK_E* code and its text mean for the client. */
void problem_of(struct http_reply *r, int code, const struct err *e);

/* As http_options.problem wants it. */
void problem_protocol(struct http_reply *r, int status, const char *detail);

#endif
