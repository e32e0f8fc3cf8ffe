/* SPDX-License-Identifier: Apache-2.0 */
/* Options of fine-tuning by name: whatever is taken lies within its range. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "model/finetune.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct err e = {0};
    struct finetune_options o = {.batch = 1, .rate = 0.5, .layer_decay = 1};
    int r = finetune_set(&o, (struct str){(const char *)p, n}, &e);
    if (r && (r != OTK_EINVAL || !e.msg[0]))
        abort();
    if (o.batch < 1 || o.batch > 4096 || o.lora_rank > 1024)
        abort();
    if (!(o.rate > 0 && o.rate < 1 && o.dropout >= -1 && o.dropout < 0.9 &&
          o.layer_decay > 0 && o.smoothing >= 0))
        abort();
    return 0;
}
