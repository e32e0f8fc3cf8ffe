#include "tensor/kernels.h"
const struct kernels *kernels_avx2(void)
{
    return NULL;
}
