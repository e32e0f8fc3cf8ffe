/* SPDX-License-Identifier: Apache-2.0 */
/* A build without libre: the telephone is not there, and says so. */
#include "base/err.h"
#include "channel/phone.h"

bool phone_is_built(void)
{
    return false;
}

int phone_start(struct desk *d, struct phone **ret, struct err *e)
{
    (void)d;
    (void)ret;
    return err_set(
        e, OTK_EDENIED,
        "phone.enabled: this program was built without the "
        "telephone; install libre-dev and libssl-dev and build it again");
}

void phone_stop(struct phone *p)
{
    (void)p;
}

int phone_port(const struct phone *p)
{
    (void)p;
    return 0;
}

void phone_put_metrics(void *p, struct buf *b)
{
    (void)p;
    (void)b;
}
