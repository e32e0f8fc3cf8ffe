/*
 * channel/phone_tls.h - whom we believe over TLS
 *
 * libre takes any certificate. Of a system that we connect to, a chain of
 * certificates must end at one of the authorities, and, where accounts are
 * reached over TLS, name the server or the domain of one of them (RFC 5922, 7).
 * Who connects to us needs none.
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_TLS_H
#define OTK_CHANNEL_PHONE_TLS_H

#include <stdbool.h>

struct phone_account;
struct phone_script;
struct tls;

bool phone_tls_is_wanted(const struct phone_account *x);

/* Everything that `tls` connects to from now on is looked at. `s` must outlive
 * it. An errno. */
int phone_tls_verify(struct tls *tls, struct phone_script *s);

#endif
