/* SPDX-License-Identifier: Apache-2.0 */
/* The telephone as a whole: what it is made of, its thread, and its stack. */
#include "channel/phone.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "channel/phone_agent.h"
#include "channel/phone_datagram.h"
#include "channel/phone_guard.h"
#include "channel/phone_hands.h"
#include "channel/phone_message.h"
#include "channel/phone_tls.h"
#include "channel/phone_voice.h"
#include "desk/desk.h"

enum {
    TABLE = 1024, /* of transactions and sessions */
    SOCKETS_MAX = 8192,
    PARTING_MS = 300, /* for the last BYE and REGISTER to leave */
    VOICED_MS = 300,
    ASKS = 2,
    CHOOSE_MS = 3000,
    DIGIT_MS = 5000,
    TRANSFER_MS = 45 * 1000, /* until somebody answers */
    PREPARE_MS = 2000,
    HELPED_MS = 8000,
    HANDS = 2,
    SERVERS_MAX = 8, /* of names */
    PATH_BYTES = 8192,
};

enum message { MESSAGE_DONE, MESSAGE_STOP };

struct account {
    struct phone *phone;
    const struct phone_account *said;
    struct sipreg *registration;
    int status; /* of the last answer */
};

struct phone {
    struct arena *arena;
    struct phone_script script;
    struct phone_voice *voice;
    struct phone_counts counts;
    struct phone_agent agent;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* guards: */
    pthread_cond_t changed;
    struct mqueue *queue; /* NULL: the thread takes nothing */
    bool ready, failed;
    struct err why;
    /* of the thread: */
    struct sip_lsnr *requests, *no_requests, *no_responses;
    struct dnsc *names;
    struct tls *tls; /* NULL: none */
    struct tmr parting;
    struct account accounts[PHONE_ACCOUNTS_MAX];
    int port;
    bool listens; /* on one address at least */
};

/* ---- requests
 * ------------------------------------------------------------------------ */

static bool is_met(const struct sip_msg *msg, const char *name)
{
    return pl_strcmp(&msg->met, name) == 0;
}

static void refuse(struct phone *p, const struct sip_msg *msg, uint16_t status,
                   const char *reason, const char *headers)
{
    p->counts.refused++;
    (void)sip_treplyf(NULL, NULL, p->agent.sip, msg, false, status, reason,
                      "%sContent-Length: 0\r\n\r\n", headers);
}

/* What libre took and should not have. True: it was refused; an ACK is never
 * answered. */
static bool refuse_broken(struct phone *p, const struct sip_msg *msg)
{
    struct phone_refusal no;
    size_t n;
    const char *body = (const char *)mbuf_buf(msg->mb);
    struct str head = {msg->met.p, (size_t)(body - msg->met.p)};
    bool whole = phone_message_check(head, mbuf_get_left(msg->mb), &n, &no);
    if (phone_datagram_is_foreign(&p->agent, msg)) {
        no = (struct phone_refusal){505, "Version Not Supported"};
        whole = false;
    }
    if (!whole) {
        if (!is_met(msg, "ACK"))
            refuse(p, msg, no.status, no.reason, "");
        return true;
    }
    mbuf_set_end(msg->mb, msg->mb->pos + n); /* RFC 3261, 18.3 */
    return false;
}

const char phone_allow[] =
    "Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,INFO,UPDATE,NOTIFY\r\n";

/* What we do not speak of what is required; the first of it. */
static bool is_foreign(const struct sip_hdr *h, const struct sip_msg *msg,
                       void *arg)
{
    (void)msg;
    (void)arg;
    return pl_strcasecmp(&h->val, "timer") != 0; /* true ends the search */
}

/* A new call: what RFC 3261, 8.2 wants looked at. True: it was refused. */
static bool refuse_call(struct phone *p, const struct sip_msg *msg)
{
    char headers[160];
    const struct settings s = desk_settings(p->agent.desk);
    const struct sip_hdr *require =
        sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, is_foreign, NULL);
    bool body = mbuf_get_left(msg->mb) > 0;
    if (pl_strcasecmp(&msg->uri.scheme, "sip") != 0 &&
        pl_strcasecmp(&msg->uri.scheme, "sips") != 0) {
        refuse(p, msg, 416, "Unsupported URI Scheme", "");
    } else if (require) {
        (void)re_snprintf(headers, sizeof(headers), "Unsupported: %r\r\n",
                          &require->val);
        refuse(p, msg, 420, "Bad Extension", headers);
    } else if (body && !msg_ctype_cmp(&msg->ctyp, "application", "sdp")) {
        refuse(p, msg, 415, "Unsupported Media Type",
               "Accept: application/sdp\r\n");
    } else if (p->agent.stopping) {
        refuse(p, msg, 503, "Service Unavailable", "");
    } else if (p->counts.active >= s.phone.calls_max) {
        p->counts.busy++;
        (void)sip_treply(NULL, p->agent.sip, msg, 486, "Busy Here");
    } else {
        return false;
    }
    return true;
}

/* Before anything else looks at it. True: nobody else is to see it. */
static bool on_request(const struct sip_msg *msg, void *arg)
{
    struct phone *p = arg;
    struct phone_address from;
    int64_t now = clock_mono(&clock_real);
    if (phone_datagram_join(&p->agent, msg))
        return true;
    bool inside = pl_isset(&msg->to.tag); /* of a dialog */
    bool begins = is_met(msg, "INVITE") && !inside;
    bool known = inside || is_met(msg, "ACK") || is_met(msg, "CANCEL") ||
                 is_met(msg, "OPTIONS");
    if (!phone_address_of(&msg->src.u.sa, &from) ||
        !(known ? phone_guard_may_speak(p->agent.guard, &from, now)
                : phone_guard_may_call(p->agent.guard, &from, now))) {
        p->counts.banned++;
        return true;
    }
    if (refuse_broken(p, msg))
        return true;
    if (is_met(msg, "OPTIONS")) {
        (void)sip_treplyf(NULL, NULL, p->agent.sip, msg, false, 200, "OK",
                          "%sAccept: application/sdp\r\n"
                          "Supported: timer\r\nContent-Length: 0\r\n\r\n",
                          phone_allow);
        return true;
    }
    if (begins)
        return refuse_call(p, msg);
    if (is_met(msg, "INVITE") || is_met(msg, "UPDATE"))
        return phone_call_refreshed(&p->agent, msg);
    if (is_met(msg, "ACK") || is_met(msg, "BYE") || is_met(msg, "CANCEL") ||
        is_met(msg, "INFO") ||
        (inside && is_met(msg, "NOTIFY"))) /* of a transfer */
        return false;
    refuse(p, msg, 405, "Method Not Allowed", phone_allow);
    return true;
}

/* Nobody took it, and libre would print it. */
static bool on_leftover(const struct sip_msg *msg, void *arg)
{
    struct phone *p = arg;
    if (msg->req && is_met(msg, "CANCEL"))
        refuse(p, msg, 481, "Call Does Not Exist", "");
    return true;
}

static void on_call(const struct sip_msg *msg, void *arg)
{
    struct phone *p = arg;
    phone_call_take(&p->agent, msg);
}

/* ---- accounts
 * ----------------------------------------------------------------------- */

static int on_challenge(char **user, char **password, const char *realm,
                        void *arg)
{
    const struct account *x = arg;
    (void)realm;
    int err = str_dup(user, x->said->user);
    return err ? err : str_dup(password, x->said->password);
}

static void count_registered(struct phone *p)
{
    int64_t n = 0;
    for (size_t i = 0; i < p->script.n_accounts; i++)
        n += p->accounts[i].status == 200;
    p->counts.registered = n;
}

static void on_registered(int err, const struct sip_msg *msg, void *arg)
{
    struct account *x = arg;
    int status = err || !msg ? -1 : msg->scode;
    if (status != x->status && status == 200)
        log_info("phone", "account=%s is registered", x->said->address);
    else if (status != x->status && status > 0)
        log_error("phone",
                  "account=%s: refused with %d: check user and "
                  "password in the script",
                  x->said->address, status);
    else if (status != x->status)
        log_error("phone", "account=%s: no answer: %s%s", x->said->address,
                  strerror(err ? err : ETIMEDOUT),
                  err == EPROTO && phone_tls_is_wanted(x->said)
                      ? "; its certificate must be of phone.authorities and "
                        "name the server or the domain"
                      : "");
    x->phone->counts.unregistered += status != 200;
    x->status = status;
    count_registered(x->phone);
}

/* "sip:host" of "sip:user@host:port;x". */
static const char *host_of(struct arena *a, const char *address)
{
    struct str s = str_from(address);
    struct str scheme = str_sub(s, 0, str_find(s, ':') + 1);
    struct str host = str_sub(s, str_find(s, '@') + 1, s.n);
    return arena_printf(a, STR_FMT STR_FMT, STR_ARG(scheme), STR_ARG(host));
}

static int register_account(struct phone *p, size_t i)
{
    struct account *x = &p->accounts[i];
    const struct phone_account *s = &p->script.accounts[i];
    *x = (struct account){.phone = p, .said = s};
    struct str server = str_from(s->server);
    /* a loose router: the server of the domain, wherever that is */
    const char *route =
        server.n ? arena_printf(p->arena, STR_FMT ";lr", STR_ARG(server))
                 : NULL;
    return sipreg_register(
        &x->registration, p->agent.sip, host_of(p->arena, s->address),
        s->address, NULL, s->address, (uint32_t)s->expires_s, s->user,
        route ? &route : NULL, route ? 1 : 0, 0, on_challenge, x, false,
        on_registered, x, NULL, NULL);
}

/* ---- the stack
 * ---------------------------------------------------------------------- */

static int fail(struct phone *p, int err, const char *what)
{
    (void)err_set(&p->why, OTK_EIO, "phone: %s: %s", what, strerror(err));
    return err;
}

/* A free port (0) is that of UDP, and TCP has the same. */
static int add_both(struct phone *p, const struct sa *at)
{
    struct sa bound = *at;
    struct sa both = *at;
    int err = sip_transp_add(p->agent.sip, SIP_TRANSP_UDP, at);
    if (!err)
        err = sip_transp_laddr(p->agent.sip, &bound, SIP_TRANSP_UDP, at);
    if (!err)
        phone_datagram_probe(&bound);
    sa_set_port(&both, sa_port(&bound));
    if (!err)
        err = sip_transp_add(p->agent.sip, SIP_TRANSP_TCP, &both);
    if (!err)
        p->port = sa_port(&both);
    return err;
}

/* What is free of UDP may be taken of TCP: then another. Only the first address
 * is asked for a free port, so nothing else is flushed. */
static int add_transports(struct phone *p, const struct sa *at)
{
    enum { TRIES = 10 };
    int err = add_both(p, at);
    for (int i = 1; err == EADDRINUSE && !sa_port(at) && i < TRIES; i++) {
        sip_transp_flush(p->agent.sip);
        err = add_both(p, at);
    }
    p->listens = p->listens || !err;
    return err;
}

struct addresses {
    struct phone *phone;
    int family;
};

static bool each_address(const char *name, const struct sa *sa, void *arg)
{
    const struct addresses *x = arg;
    struct sa at = *sa;
    (void)name;
    if (sa_af(sa) != x->family || sa_is_linklocal(sa))
        return false;
    sa_set_port(&at, (uint16_t)x->phone->port);
    (void)add_transports(x->phone, &at); /* another may do */
    return false;
}

/* An account that is reached over TLS needs a transport of that kind. */
static bool wants_tls(const struct phone *p)
{
    for (size_t i = 0; i < p->script.n_accounts; i++) {
        if (phone_tls_is_wanted(&p->script.accounts[i]))
            return true;
    }
    return desk_settings(p->agent.desk).phone.tls_port > 0;
}

static void path_in_desk(const struct phone *p, const char *name,
                         char ret[PATH_BYTES])
{
    if (name[0] == '/')
        (void)snprintf(ret, PATH_BYTES, "%s", name);
    else
        (void)snprintf(ret, PATH_BYTES, "%s/%s", desk_folder(p->agent.desk),
                       name);
}

static int open_tls(struct phone *p)
{
    const struct settings s = desk_settings(p->agent.desk);
    char certificate[PATH_BYTES] = "";
    char authorities[PATH_BYTES] = "/etc/ssl/certs/ca-certificates.crt";
    if (!wants_tls(p))
        return 0;
    if (s.phone.certificate[0])
        path_in_desk(p, s.phone.certificate, certificate);
    else if (s.phone.tls_port)
        return fail(p, EINVAL, "phone.tls_port wants phone.certificate");
    if (s.phone.authorities[0])
        path_in_desk(p, s.phone.authorities, authorities);
    int err = tls_alloc(&p->tls, TLS_METHOD_SSLV23,
                        certificate[0] ? certificate : NULL, NULL);
    if (err)
        return fail(p, err, "phone.certificate cannot be used");
    err = tls_add_ca(p->tls, authorities);
    if (err && s.phone.authorities[0])
        return fail(p, err, "phone.authorities cannot be used");
    err = phone_tls_verify(p->tls, &p->script);
    for (int i = 0; !err && i < PHONE_FAMILIES; i++) {
        struct sa at = p->agent.listen[i];
        if (!sa_isset(&at, SA_ADDR))
            continue;
        sa_set_port(&at, (uint16_t)s.phone.tls_port);
        err = sip_transp_add(p->agent.sip, SIP_TRANSP_TLS, &at, p->tls);
    }
    return err ? fail(p, err, "cannot listen on phone.tls_port") : 0;
}

/* Contact and Via name the address that is bound: with all of them meant, each
 * is bound by itself. */
static int listen_to(struct phone *p, struct str address)
{
    struct sa at;
    struct pl host = {address.p, address.n};
    int err = sa_set(&at, &host, (uint16_t)p->port);
    if (err)
        return err;
    struct sa *sound = &p->agent.listen[sa_af(&at) == AF_INET6];
    if (!sa_isset(sound, SA_ADDR)) {
        *sound = at;
        sa_set_port(sound, 0);
    }
    if (!sa_is_any(&at))
        return add_transports(p, &at);
    struct addresses x = {p, sa_af(&at)};
    return net_if_apply(each_address, &x);
}

static int listen_to_all(struct phone *p)
{
    const struct settings s = desk_settings(p->agent.desk);
    struct str rest = str_from(s.phone.address);
    struct str address;
    int err = 0;
    p->port = (int)s.phone.port;
    for (int i = 0; i < PHONE_FAMILIES; i++)
        sa_init(&p->agent.listen[i], AF_UNSPEC);
    while (!err && str_next(&rest, ',', &address))
        err = listen_to(p, str_trim(address));
    if (!err && !p->listens)
        err = EADDRNOTAVAIL;
    return err ? fail(p, err, "cannot listen on phone.address, phone.port") : 0;
}

static int open_names(struct phone *p)
{
    struct sa servers[SERVERS_MAX];
    uint32_t n = SERVERS_MAX;
    int err = dns_srv_get(NULL, 0, servers, &n);
    if (!err)
        err = dnsc_alloc(&p->names, NULL, servers, n);
    if (err)
        log_warn("phone", "no names can be looked up, only addresses work: %s",
                 strerror(err));
    return 0;
}

static int open_stack(struct phone *p)
{
    struct phone_agent *a = &p->agent;
    (void)open_names(p);
    int err = sip_alloc(&a->sip, p->names, TABLE, TABLE, TABLE,
                        "otklik/" OTK_VERSION, NULL, NULL);
    if (err)
        return fail(p, err, "libre does not start");
    err = listen_to_all(p);
    if (!err)
        err = open_tls(p);
    if (err)
        return err;
    /* ours before that of the sessions: it is asked first */
    err = sip_listen(&p->requests, a->sip, true, on_request, p);
    if (!err)
        err = sipsess_listen(&a->sessions, a->sip, TABLE, on_call, p);
    if (!err)
        err = sipevent_listen(&a->events, a->sip, TABLE, TABLE, NULL, NULL);
    /* and this after all others: it is asked last */
    if (!err)
        err = sip_listen(&p->no_requests, a->sip, true, on_leftover, p);
    if (!err)
        err = sip_listen(&p->no_responses, a->sip, false, on_leftover, p);
    for (size_t i = 0; !err && i < p->script.n_accounts; i++)
        err = register_account(p, i);
    return err ? fail(p, err, "libre does not start") : 0;
}

static void close_stack(struct phone *p)
{
    for (size_t i = 0; i < p->script.n_accounts; i++)
        p->accounts[i].registration = mem_deref(p->accounts[i].registration);
    tmr_cancel(&p->parting);
    p->requests = mem_deref(p->requests);
    p->no_requests = mem_deref(p->no_requests);
    p->no_responses = mem_deref(p->no_responses);
    if (p->agent.sessions)
        sipsess_close_all(p->agent.sessions);
    p->agent.sessions = mem_deref(p->agent.sessions);
    p->agent.events = mem_deref(p->agent.events);
    if (p->agent.sip)
        sip_close(p->agent.sip, true);
    p->agent.sip = mem_deref(p->agent.sip);
    p->tls = mem_deref(p->tls);
    p->names = mem_deref(p->names);
}

/* ---- the thread
 * --------------------------------------------------------------------- */

static void end_loop(void *arg)
{
    (void)arg;
    re_cancel();
}

static void stop_now(struct phone *p)
{
    p->agent.stopping = true;
    phone_calls_end(&p->agent);
    for (size_t i = 0; i < p->script.n_accounts; i++)
        p->accounts[i].registration = mem_deref(p->accounts[i].registration);
    tmr_start(&p->parting, PARTING_MS, end_loop, p);
}

static void on_message(int id, void *data, void *arg)
{
    struct phone *p = arg;
    if (id == MESSAGE_DONE)
        phone_call_done(&p->agent, data);
    else
        stop_now(p);
}

static void tell(struct phone *p, struct mqueue *q, bool failed)
{
    pthread_mutex_lock(&p->lock);
    p->queue = q;
    p->ready = true;
    p->failed = failed;
    (void)pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static void *run(void *arg)
{
    struct phone *p = arg;
    struct mqueue *queue = NULL;
    int err = libre_init();
    if (err) {
        (void)fail(p, err, "libre does not start");
        tell(p, NULL, true);
        return NULL;
    }
    dbg_init(DBG_EMERG, DBG_NONE); /* else it prints what callers send */
    (void)fd_setsize(SOCKETS_MAX); /* before the first socket */
    (void)poll_method_set(METHOD_EPOLL);
    tmr_init(&p->parting);
    err = mqueue_alloc(&queue, on_message, p);
    if (err)
        (void)fail(p, err, "libre does not start");
    else
        err = open_stack(p);
    tell(p, err ? NULL : queue, err != 0);
    if (!err)
        err = re_main(NULL);
    tell(p, NULL, err != 0);
    phone_calls_end(&p->agent);
    close_stack(p);
    mem_deref(queue);
    libre_close();
    return NULL;
}

/* From a thread of the hands. */
static void on_done(void *arg, struct phone_done *f)
{
    struct phone *p = arg;
    pthread_mutex_lock(&p->lock);
    bool taken = p->queue && mqueue_push(p->queue, MESSAGE_DONE, f) == 0;
    pthread_mutex_unlock(&p->lock);
    if (!taken)
        phone_done_free(f);
}

/* ---- start and stop
 * ----------------------------------------------------------------- */

static void take_limits(struct phone *p)
{
    const struct settings s = desk_settings(p->agent.desk);
    enum { TALKING_MS = 20 * MS_MINUTE }; /* greetings, questions, number */
    p->agent.limits = (struct conversation_limits){
        .silence_ms = s.phone.silence_ms,
        .patience_ms = s.phone.patience_seconds * MS_SECOND,
        .listen_ms = s.phone.listen_seconds * MS_SECOND,
        .hold_ms = s.phone.hold_seconds * MS_SECOND,
        .voiced_ms = VOICED_MS,
        .call_ms = (s.phone.listen_seconds + s.phone.hold_seconds) * MS_SECOND +
                   TALKING_MS,
        .choose_ms = CHOOSE_MS,
        .digit_ms = DIGIT_MS,
        .transfer_ms = TRANSFER_MS,
        .prepare_ms = PREPARE_MS,
        .think_ms = s.phone.answer_seconds * MS_SECOND,
        .helped_ms = HELPED_MS,
        .asks = ASKS,
    };
}

static int make_guard(struct phone *p, struct err *e)
{
    const struct settings s = desk_settings(p->agent.desk);
    struct phone_guard_options o = {
        .allow = str_from(s.phone.allow),
        .trust = str_from(s.phone.trust),
        .per_minute = s.phone.calls_per_minute,
        .ban_ms = s.phone.ban_minutes * MS_MINUTE,
    };
    return phone_guard_new(&o, &p->agent.guard, e);
}

/* Who thinks does not keep others waiting: it can take long. */
static int start_hands(struct phone *p, struct err *e)
{
    const struct settings s = desk_settings(p->agent.desk);
    struct phone_hands_options o = {
        .desk = p->agent.desk,
        .voice = p->voice,
        .counts = &p->counts,
        .folder = p->agent.folder,
        .threads = HANDS,
        .voiced_ms = VOICED_MS,
        .done = on_done,
        .arg = p,
    };
    int r = phone_hands_start(&o, &p->agent.hands, e);
    o.folder = NULL;
    o.threads = 1;
    if (!r && s.phone.answer_seconds)
        r = phone_hands_start(&o, &p->agent.thinkers, e);
    return r;
}

static int start_thread(struct phone *p, struct err *e)
{
    p->has_thread = pthread_create(&p->thread, NULL, run, p) == 0;
    if (!p->has_thread)
        return err_set(e, OTK_EAGAIN, "no thread for the telephone");
    pthread_mutex_lock(&p->lock);
    while (!p->ready)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    bool failed = p->failed;
    pthread_mutex_unlock(&p->lock);
    return failed ? err_set(e, p->why.code, "%s", p->why.msg) : OTK_OK;
}

int phone_start(struct desk *d, struct phone **ret, struct err *e)
{
    size_t missing;
    struct phone *p = MEM_NEW(struct phone);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    p->arena = arena_new();
    p->agent.desk = d;
    p->agent.script = &p->script;
    p->agent.counts = &p->counts;
    (void)snprintf(p->agent.folder, sizeof(p->agent.folder), "%s/calls",
                   desk_folder(d));
    take_limits(p);
    int r = phone_load_script(d, p->arena, &p->script, e);
    if (!r)
        r = phone_codecs_read(str_from(desk_settings(d).phone.codecs),
                              &p->agent.codecs, e);
    if (!r)
        r = make_guard(p, e);
    if (!r) {
        p->counts.accounts = (int64_t)p->script.n_accounts;
        p->voice = phone_voice_new(d, &p->script, &missing);
        p->agent.voice = p->voice;
        r = start_hands(p, e);
    }
    if (!r)
        r = start_thread(p, e);
    if (r) {
        phone_stop(p);
        return r;
    }
    *ret = p;
    return OTK_OK;
}

void phone_stop(struct phone *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    if (p->queue)
        (void)mqueue_push(p->queue, MESSAGE_STOP, NULL);
    pthread_mutex_unlock(&p->lock);
    if (p->has_thread)
        (void)pthread_join(p->thread, NULL);
    phone_hands_stop(p->agent.thinkers);
    phone_hands_stop(p->agent.hands);
    phone_guard_free(p->agent.guard);
    phone_voice_free(p->voice);
    arena_free(p->arena);
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_cond_destroy(&p->changed);
    free(p);
}

bool phone_is_built(void)
{
    return true;
}

int phone_port(const struct phone *p)
{
    return p->port;
}

void phone_put_metrics(void *p, struct buf *b)
{
    const struct phone *x = p;
    phone_counts_put(&x->counts, b);
}
