/*
 * api/http_stream.h - replies that never end, asleep between events
 *
 * A stream whose source has nothing to say is suspended; http_streams_wake()
 * lets all of them look again.
 */
#ifndef OTK_API_HTTP_STREAM_H
#define OTK_API_HTTP_STREAM_H

struct MHD_Connection;
struct MHD_Response;
struct http_stream;
struct http_streams;

struct http_streams *http_streams_new(void);
void http_streams_free(struct http_streams *s);

struct MHD_Response *http_streams_open(struct http_streams *s,
                                       struct MHD_Connection *mhd,
                                       const struct http_stream *source);
void http_streams_wake(struct http_streams *s);
/* Every stream, now or opened later, ends at its next look. */
void http_streams_end(struct http_streams *s);

#endif
