/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mapped.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

int mapped_open(const char *path, struct mapped *ret, struct err *e)
{
    /* to open a pipe would wait for somebody to write */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) {
        (void)err_errno(e, OTK_ENOENT, "%s", path);
        if (fd >= 0)
            (void)close(fd);
        return OTK_ENOENT;
    }
    ret->len = (size_t)st.st_size;
    ret->at = ret->len ? mmap(NULL, ret->len, PROT_READ, MAP_PRIVATE, fd, 0)
                       : MAP_FAILED;
    (void)close(fd);
    if (ret->at == MAP_FAILED)
        return err_set(e, OTK_EFORMAT, "%s is empty or cannot be mapped", path);
    return OTK_OK;
}

void mapped_close(struct mapped *m)
{
    (void)munmap(m->at, m->len);
}
