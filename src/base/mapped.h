/*
 * base/mapped.h - a file of weights, mapped and used in place
 *
 * Such files are replaced by rename (file_write()), never shortened where they
 * lie: a shortened one would end the process when its lost part is read.
 */
#ifndef OTK_BASE_MAPPED_H
#define OTK_BASE_MAPPED_H

#include <stddef.h>

struct err;

struct mapped {
    void *at;
    size_t len;
};

/* OTK_ENOENT: not there; OTK_EFORMAT: empty. */
int mapped_open(const char *path, struct mapped *ret, struct err *e);
void mapped_close(struct mapped *m);

#endif
