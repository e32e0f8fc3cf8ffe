/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request and as a session description. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "channel/phone_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct phone_refusal r;
    size_t n = 0;
    struct str all = {(const char *)data, size};
    if (phone_message_check(all, size, &n, &r) ? n > size : r.status < 400)
        abort();
    char *sound = mem_new(size + 1, 1);
    struct str once = {sound, phone_message_sound_only(all, sound)};
    char *again = mem_new(size + 1, 1);
    n = phone_message_sound_only(once, again);
    if (once.n > size || n != once.n) /* it has nothing left to take out */
        abort();
    struct buf mended = BUF_INIT(4 * size + 100);
    struct buf twice = BUF_INIT(4 * size + 100);
    bool foreign = false;
    if (phone_message_mend(all, &mended, &foreign) &&
        (buf_check(&mended) ||
         phone_message_mend(buf_str(&mended), &twice, &foreign)))
        abort(); /* it is whole now */
    buf_free(&mended);
    buf_free(&twice);
    char key = phone_message_key(all);
    if (key && !strchr("0123456789*#ABCD", key))
        abort();
    free(again);
    free(sound);
    return 0;
}
