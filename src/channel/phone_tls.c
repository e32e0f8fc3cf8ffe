/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_tls.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "channel/phone_re.h"
#include "channel/phone_script.h"

enum { DEPTH = 8 };

bool phone_tls_is_wanted(const struct phone_account *x)
{
    return strstr(x->server, "transport=tls") ||
           strstr(x->address, "transport=tls") ||
           str_starts(str_from(x->address), "sips:");
}

/* Is the certificate of the host in "sip:user@host:port;x"? */
static bool is_of(X509 *certificate, const char *address)
{
    char host[256];
    struct uri uri;
    struct pl text;
    pl_set_str(&text, address);
    if (!address[0] || uri_decode(&uri, &text) ||
        pl_strcpy(&uri.host, host, sizeof(host)))
        return false;
    return X509_check_host(certificate, host, 0, 0, NULL) == 1 ||
           X509_check_ip_asc(certificate, host, 0) == 1;
}

static bool is_ours(X509 *certificate, const struct phone_script *s)
{
    bool any = false;
    for (size_t i = 0; i < s->n_accounts; i++) {
        const struct phone_account *x = &s->accounts[i];
        if (!phone_tls_is_wanted(x))
            continue;
        any = true;
        if (is_of(certificate, x->server) || is_of(certificate, x->address))
            return true;
    }
    return !any; /* there is no name that it could have */
}

/* The whole verdict on a chain. A callback of each certificate would not do:
 * from 3.5 on OpenSSL asks none about a certificate that is trusted itself. */
static int look_at(X509_STORE_CTX *chain, void *arg)
{
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (SSL_is_server(ssl))
        return 1; /* telephones have certificates of their makers */
    int ok = X509_verify_cert(chain);
    if (ok != 1 || is_ours(X509_STORE_CTX_get0_cert(chain), arg))
        return ok;
    X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

int phone_tls_verify(struct tls *tls, struct phone_script *s)
{
    static const unsigned char name[] = "otklik";
    SSL_CTX *context = tls_openssl_context(tls);
    /* without it, who comes back with a session is refused */
    if (SSL_CTX_set_session_id_context(context, name, sizeof(name) - 1) != 1)
        return EINVAL;
    SSL_CTX_set_verify_depth(context, DEPTH);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, look_at, s);
    return 0;
}
