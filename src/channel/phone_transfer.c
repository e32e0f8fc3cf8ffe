/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_transfer.h"

#include <errno.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/schedule.h"

enum { PROGRESS = 200, REFUSAL = 300 }; /* where each class of status begins */

struct phone_transfer {
    struct sipsub *sub;
    struct tmr later; /* whoever is told may free us: not out of libre */
    const struct phone_account *account; /* NULL: none is ours */
    bool is_over, answered;
    void (*done)(void *arg, bool answered);
    void *arg;
};

/* ---- when
 * ---------------------------------------------------------------------------
 */

bool phone_transfer_is_open(struct desk *d, const struct phone_line *line)
{
    const char *name = line->transfer.schedule;
    if (!name[0])
        return true;
    struct catalog *c = desk_catalog(d);
    const struct catalog_schedule *found = catalog_schedule(c, str_from(name));
    bool open =
        found && schedule_is_open(found->hours, clock_wall(desk_clock(d)));
    if (!found)
        log_error("phone",
                  "line=%s: nobody is put through: the desk has no schedule "
                  "'%s' (transfer in the script)",
                  line->number, name);
    catalog_unref(c);
    return open;
}

/* ---- how it goes
 * --------------------------------------------------------------------- */

static void tell(void *arg)
{
    struct phone_transfer *t = arg;
    t->done(t->arg, t->answered);
}

static void end(struct phone_transfer *t, bool answered)
{
    if (t->is_over)
        return;
    t->is_over = true;
    t->answered = answered;
    tmr_start(&t->later, 0, tell, t);
}

/* The first line of a piece of SIP is all that counts. */
static int status_of(const struct sip_msg *msg)
{
    struct pl digits;
    if (!msg_ctype_cmp(&msg->ctyp, "message", "sipfrag") ||
        re_regex((const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb),
                 "SIP/2.0 [0-9]+", &digits))
        return 0;
    return digits.l == 3 ? (int)pl_u32(&digits) : 0;
}

static void on_notify(struct sip *sip, const struct sip_msg *msg, void *arg)
{
    int status = status_of(msg);
    (void)sip_treply(NULL, sip, msg, 200, "OK");
    if (status >= PROGRESS)
        end(arg, status < REFUSAL);
}

/* Refused, or there is nothing more to tell. */
static void on_close(int err, const struct sip_msg *msg,
                     const struct sipevent_substate *state, void *arg)
{
    struct phone_transfer *t = arg;
    (void)state;
    if (!t->is_over)
        log_warn("phone", "the caller is not put through: %s",
                 err                 ? "no answer to REFER"
                 : msg && msg->scode ? "REFER was refused"
                                     : "nobody said whether it was answered");
    t->sub = mem_deref(t->sub);
    end(t, false);
}

static int on_challenge(char **user, char **password, const char *realm,
                        void *arg)
{
    const struct phone_transfer *t = arg;
    (void)realm;
    if (!t->account)
        return ENOENT;
    int err = str_dup(user, t->account->user);
    return err ? err : str_dup(password, t->account->password);
}

static void destroy(void *arg)
{
    struct phone_transfer *t = arg;
    tmr_cancel(&t->later);
    mem_deref(t->sub);
}

int phone_transfer_start(struct phone_agent *a, struct sipsess *session,
                         const struct phone_line *line, const char *user,
                         void (*done)(void *arg, bool answered), void *arg,
                         struct phone_transfer **ret)
{
    struct phone_transfer *t = mem_zalloc(sizeof(*t), destroy);
    if (!t)
        return ENOMEM;
    tmr_init(&t->later);
    t->done = done;
    t->arg = arg;
    t->account = phone_script_account(a->script, str_from(user));
    int err = sipevent_drefer(&t->sub, a->events, sipsess_dialog(session), user,
                              on_challenge, t, false, on_notify, on_close, t,
                              "Refer-To: <%s>\r\n", line->transfer.to);
    if (err)
        mem_deref(t);
    else
        *ret = t;
    return err;
}
