/*
 * api/http_watch.h - the watchdog that cuts off slow and departed clients
 *
 * libmicrohttpd's own time-out counts from the last byte, so a client that
 * sends one byte a second stays for ever. Each connection is watched here: a
 * head must be complete in time, a body must keep a least pace, and who hung
 * up in the middle of a request is noticed within a second.
 */
#ifndef OTK_API_HTTP_WATCH_H
#define OTK_API_HTTP_WATCH_H

#include <stddef.h>

struct http_watch;
struct watched;

struct http_watch *http_watch_new(int request_s, int idle_s);
void http_watch_free(struct http_watch *w);

/* A connection opened; the watch does not own `fd`. */
struct watched *watch_open(struct http_watch *w, int fd);
void watch_close(struct http_watch *w, struct watched *x);

void watch_body(struct watched *x, size_t n); /* the head is there; n bytes */
void watch_rest(struct watched *x);           /* the request is complete */
void watch_again(struct watched *x);          /* answered: wait for the next */

#endif
