/*
 * channel/phone_re.h - libre's headers, as the distribution built them
 *
 * Without the three names its headers do not compile or, worse, make `bool` a
 * char and the ABI another one; its pkg-config file does not give them. Its API
 * moves between versions: whatever differs is told apart here and nowhere else.
 * What is called is the same in 1.1 (Debian 12) and 2.0 (Debian 13).
 *
 * To be included only by the files of the telephone that need it.
 */
#ifndef OTK_CHANNEL_PHONE_RE_H
#define OTK_CHANNEL_PHONE_RE_H

#ifndef HAVE_INTTYPES_H
#define HAVE_INTTYPES_H 1
#endif
#ifndef HAVE_STDBOOL_H
#define HAVE_STDBOOL_H 1
#endif
#ifndef HAVE_INET6
#define HAVE_INET6 1
#endif
#ifndef USE_OPENSSL /* for tls_openssl_context() alone */
#define USE_OPENSSL 1
#endif

/* Names that src/base has, too; those of libre are not called. */
#define str_cmp     re_str_cmp
#define rand_init   re_rand_init
#define utf8_decode re_utf8_decode
#define utf8_encode re_utf8_encode
#include <re/re.h>

#define DEBUG_MODULE "otklik" /* wanted by the next header */
#define DEBUG_LEVEL  0
#include <re/re_dbg.h>
#undef str_cmp
#undef rand_init
#undef utf8_decode
#undef utf8_encode

#include "base/str.h"

/* Its texts are ours: a pointer and a length. */
static inline struct str str_of(const struct pl *p)
{
    return (struct str){p->p, p->l};
}

#endif
