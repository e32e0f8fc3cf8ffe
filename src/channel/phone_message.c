/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_message.h"

#include <string.h>
#include <strings.h>

enum { MAX_FORWARDS = 255 };
static const int64_t CSEQ_MAX = (1LL << 31) - 1; /* RFC 3261, 8.1.1.5 */

enum header {
    HEADER_TO,
    HEADER_FROM,
    HEADER_CALL_ID,
    HEADER_CSEQ,
    HEADER_LENGTH,
    HEADER_FORWARDS,
    HEADER_CONTACT,
    HEADERS,
};

static const struct {
    const char *name, *compact;
    bool once;
} headers[HEADERS] = {
    [HEADER_TO] = {"To", "t", true},
    [HEADER_FROM] = {"From", "f", true},
    [HEADER_CALL_ID] = {"Call-ID", "i", true},
    [HEADER_CSEQ] = {"CSeq", "", true},
    [HEADER_LENGTH] = {"Content-Length", "l", true},
    [HEADER_FORWARDS] = {"Max-Forwards", "", true},
    [HEADER_CONTACT] = {"Contact", "m", false},
};

static bool is_named(struct str s, const char *name)
{
    size_t n = strlen(name);
    return n > 0 && s.n == n && strncasecmp(s.p, name, n) == 0;
}

static enum header header_of(struct str name)
{
    for (int i = 0; i < HEADERS; i++) {
        if (is_named(name, headers[i].name) ||
            is_named(name, headers[i].compact))
            return (enum header)i;
    }
    return HEADERS;
}

/* A header with the lines that continue it (RFC 3261, 7.3.1). */
static bool next_header(struct str *rest, struct str *ret)
{
    struct str line;
    if (!str_next(rest, '\n', &line))
        return false;
    *ret = line;
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t') &&
           str_next(rest, '\n', &line))
        ret->n = (size_t)(line.p + line.n - ret->p);
    return true;
}

/* The first word; what follows is left in *s. */
static struct str word(struct str *s)
{
    *s = str_trim(*s);
    size_t n = 0;
    while (n < s->n && !strchr(" \t\r\n", s->p[n]))
        n++;
    struct str w = str_sub(*s, 0, n);
    *s = str_trim(str_sub(*s, n, s->n));
    return w;
}

/* Digits and nothing else, at most `max`. */
static bool is_number(struct str s, int64_t max, int64_t *ret)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return s.n > 0 && str_to_int(s, ret) == 0 && *ret <= max;
}

static bool quotes_close(struct str s)
{
    bool inside = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            inside = !inside;
        else if (inside && s.p[i] == '\\')
            i++;
    }
    return !inside;
}

struct request {
    struct str method;
    int seen[HEADERS];
    size_t body_n, *body;
};

/* NULL: nothing is wrong with it. */
static const char *look_at(struct request *r, enum header h, struct str value)
{
    int64_t n;
    if (r->seen[h]++ && headers[h].once)
        return "Header Twice";
    switch (h) {
    case HEADER_CSEQ:
        if (!is_number(word(&value), CSEQ_MAX, &n))
            return "Bad CSeq";
        return str_eq(value, r->method) ? NULL : "CSeq Of Another Method";
    case HEADER_LENGTH:
        if (!is_number(str_trim(value), INT32_MAX, &n))
            return "Bad Content-Length";
        if ((size_t)n > r->body_n)
            return "Body Is Cut Off";
        *r->body = (size_t)n;
        return NULL;
    case HEADER_FORWARDS:
        return is_number(str_trim(value), MAX_FORWARDS, &n)
                   ? NULL
                   : "Bad Max-Forwards";
    case HEADER_TO:
    case HEADER_FROM:
    case HEADER_CONTACT:
        return quotes_close(value) ? NULL : "Quotes Do Not Close";
    default: return NULL;
    }
}

static bool refuse(struct phone_refusal *ret, uint16_t status,
                   const char *reason)
{
    *ret = (struct phone_refusal){status, reason};
    return false;
}

bool phone_message_check(struct str head, size_t body_n, size_t *ret_body,
                         struct phone_refusal *ret)
{
    struct str line;
    struct request r = {.body_n = body_n, .body = ret_body};
    *ret_body = body_n;
    if (!str_next(&head, '\n', &line))
        return refuse(ret, 400, "Bad Request");
    r.method = word(&line);
    struct str uri = word(&line);
    if (uri.n && uri.p[0] == '<') /* RFC 4475, 3.1.2.7 */
        return refuse(ret, 400, "Bad Request URI");
    while (next_header(&head, &line)) {
        size_t colon = str_find(line, ':');
        enum header h = header_of(str_trim(str_sub(line, 0, colon)));
        const char *wrong =
            h == HEADERS ? NULL
                         : look_at(&r, h, str_sub(line, colon + 1, line.n));
        if (wrong)
            return refuse(ret, 400, wrong);
    }
    return true;
}

size_t phone_message_sound_only(struct str sdp, char *ret)
{
    size_t n = 0;
    bool wanted = true; /* the session's own come first */
    while (sdp.n) {
        size_t end = str_find(sdp, '\n');
        struct str line = str_sub(sdp, 0, end < sdp.n ? end + 1 : sdp.n);
        if (str_starts(line, "m="))
            wanted = str_starts(line, "m=audio");
        if (wanted || !str_starts(line, "a=")) {
            memcpy(ret + n, line.p, line.n);
            n += line.n;
        }
        sdp = str_sub(sdp, line.n, sdp.n);
    }
    return n;
}

char phone_message_key(struct str body)
{
    struct str line;
    struct str said = str_trim(body);
    while (said.n != 1 && str_next(&body, '\n', &line)) {
        if (str_starts(line, "Signal="))
            said = str_trim(str_sub(line, sizeof("Signal=") - 1, line.n));
    }
    return said.n == 1 && said.p[0] && strchr("0123456789*#ABCD", said.p[0])
               ? said.p[0]
               : '\0';
}
