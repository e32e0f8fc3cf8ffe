/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tensor layer on a processor that this machine only plays: every table
 * beside reference.c, then the routines made of the one in use.
 *
 *   check TABLE     TABLE: what has to be in use
 */
#include "tensor_cases.h"

static int failures;

static void told(const char *name, const char *what)
{
    (void)printf("  %-10s %s\n", name, what ? what : "ok");
    failures += what ? 1 : 0;
}

int main(int argc, char **argv)
{
    const struct kernels *const *all = kernels_all();
    if (argc != 2) {
        (void)fputs("usage: check TABLE\n", stderr);
        return 2;
    }
    rand_init(&chance, 7);
    (void)printf("uses %s of", kernels_reason());
    for (size_t i = 0; all[i]; i++)
        (void)printf(" %s", all[i]->name);
    (void)printf("\n");
    told("choice", strcmp(kernels()->name, argv[1]) == 0 ? NULL : argv[1]);
    told("tables", case_tables());
    told("linear", case_linear());
    told("outliers", case_outliers());
    told("product", case_product());
    told("attention", case_attention());
    return failures ? 1 : 0;
}
