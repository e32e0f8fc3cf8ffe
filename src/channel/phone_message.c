/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_message.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

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
    HEADER_VIA,
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
    [HEADER_VIA] = {"Via", "v", false},
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

/* ---- what libre drops
 * ------------------------------------------------------------------- */

/* "SIP/7.0"; that of RFC 3261, however it is written, is none. */
static bool is_other_version(struct str s)
{
    static const char name[] = "SIP/";
    enum { NAME = sizeof(name) - 1 };
    int64_t n;
    if (s.n < NAME || strncasecmp(s.p, name, NAME) != 0)
        return false;
    struct str number = str_sub(s, NAME, s.n);
    size_t dot = str_find(number, '.');
    return is_number(str_sub(number, 0, dot), INT32_MAX, &n) &&
           is_number(str_sub(number, dot + 1, number.n), INT32_MAX, &n) &&
           !str_is(number, "2.0");
}

/* The first value of a Via: parameters that are some, and no branch. */
static bool lacks_branch(struct str via)
{
    struct str part;
    if (str_find(via, '"') < via.n || !str_next(&via, ';', &part))
        return false;
    while (str_next(&via, ';', &part)) {
        struct str name = str_trim(str_sub(part, 0, str_find(part, '=')));
        if (name.n == 0 || is_named(name, "branch"))
            return false;
    }
    return str_trim(part).n > 0;
}

/* What is the same in all requests of a transaction. */
struct marks {
    struct str uri, via, from, call_id, cseq;
};

static void read_marks(struct str head, struct marks *ret)
{
    struct str line;
    while (next_header(&head, &line) && str_trim(line).n) {
        size_t colon = str_find(line, ':');
        struct str value = str_trim(str_sub(line, colon + 1, line.n));
        switch (header_of(str_trim(str_sub(line, 0, colon)))) {
        case HEADER_VIA:
            if (!ret->via.n)
                ret->via = str_trim(str_sub(value, 0, str_find(value, ',')));
            break;
        case HEADER_FROM: ret->from = value; break;
        case HEADER_CALL_ID: ret->call_id = value; break;
        case HEADER_CSEQ: ret->cseq = word(&value); break;
        default: break;
        }
    }
}

static void put_branch(const struct marks *m, struct buf *ret)
{
    const struct str parts[] = {m->uri, m->via, m->from, m->call_id, m->cseq};
    uint64_t all = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        all = all * 31 + str_hash(parts[i]);
    buf_printf(ret, ";branch=z9hG4bK2543%016llx", (unsigned long long)all);
}

bool phone_message_mend(struct str datagram, struct buf *ret,
                        bool *ret_is_foreign)
{
    struct marks m = {0};
    struct str line;
    struct str rest = datagram;
    if (!str_next(&rest, '\n', &line))
        return false;
    struct str method = word(&line);
    m.uri = word(&line);
    struct str version = str_trim(line);
    bool is_foreign = is_other_version(version);
    if (str_starts(method, "SIP/") ||
        (!is_foreign && !str_is(version, "SIP/2.0")))
        return false;
    read_marks(rest, &m);
    bool lacks = m.via.n && lacks_branch(m.via);
    if (!is_foreign && !lacks)
        return false;
    const char *end = datagram.p + datagram.n;
    const char *after = version.p + version.n;
    const char *at = lacks ? m.via.p + m.via.n : after;
    buf_put(ret, datagram.p, (size_t)(version.p - datagram.p));
    buf_puts(ret, "SIP/2.0");
    buf_put(ret, after, (size_t)(at - after));
    if (lacks)
        put_branch(&m, ret);
    buf_put(ret, at, (size_t)(end - at));
    *ret_is_foreign = is_foreign;
    return true;
}

/* ---- bodies
 * ------------------------------------------------------------------------ */

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
