/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails, under the SQLite driver: a file system layer of SQLite's
 * own kind (a VFS) in front of the real one, which counts and refuses.
 */
#include <sqlite3.h>
#include <stdatomic.h>

#include "store.h"

struct shim {
    sqlite3_file base; /* first */
    bool is_log;
    sqlite3_file *real; /* behind it in the same block */
};

static sqlite3_vfs *below;
static atomic_int syncs; /* of logs */
static atomic_bool fail_sync, fail_write;

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct shim *)f)->real;
}

static int shim_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (((struct shim *)f)->is_log && atomic_load(&fail_write))
        return SQLITE_IOERR_WRITE;
    return real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    return real_of(f)->pMethods->xTruncate(real_of(f), n);
}

static int shim_sync(sqlite3_file *f, int flags)
{
    if (((struct shim *)f)->is_log) {
        if (atomic_load(&fail_sync))
            return SQLITE_IOERR_FSYNC;
        atomic_fetch_add(&syncs, 1);
    }
    return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), ret);
}

static int shim_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int shim_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int shim_check_lock(sqlite3_file *f, int *ret)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int shim_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int shim_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int shim_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int shim_shm_map(sqlite3_file *f, int page, int size, int extend,
                        void volatile **ret)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, ret);
}

static int shim_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void shim_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int shim_shm_unmap(sqlite3_file *f, int delete)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_lock,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_traits,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f,
                     int flags, int *ret_flags)
{
    struct shim *s = (struct shim *)f;
    (void)vfs;
    s->real = (sqlite3_file *)(s + 1);
    s->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    int r = below->xOpen(below, name, s->real, flags, ret_flags);
    s->base.pMethods = s->real->pMethods ? &methods : NULL;
    return r;
}

static int put_shim(void **state)
{
    static sqlite3_vfs vfs;
    if (make_folder(state))
        return 1;
    below = sqlite3_vfs_find(NULL);
    vfs = *below;
    vfs.zName = "shim";
    vfs.szOsFile = (int)sizeof(struct shim) + below->szOsFile;
    vfs.xOpen = shim_open;
    return sqlite3_vfs_register(&vfs, 1);
}

/* No write is acknowledged that the disk has not confirmed. */
static void test_synced(void **state)
{
    struct db *db = open_fresh(state);
    for (int i = 0; i < 20; i++) {
        char name[32];
        int before = atomic_load(&syncs);
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(put(db, name, NULL), 0);
        assert_true(atomic_load(&syncs) > before);
    }
    db_close(db);
}

static void test_unsure(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    assert_int_equal(put(db, "before", &e), 0);
    atomic_store(&fail_sync, true);
    assert_int_equal(put(db, "x", &e), OTK_EUNSURE);
    assert_non_null(strstr(e.msg, "did not confirm"));
    assert_int_equal(put(db, "y", &e), OTK_EUNSURE);
    atomic_store(&fail_sync, false);
    assert_int_equal(put(db, "after", &e), 0);
    assert_int_equal(db_verify(db, &e), 0);
    db_close(db);
}

static void test_not_written(void **state)
{
    struct db *db = open_fresh(state);
    struct err e = {0};
    assert_int_equal(put(db, "before", &e), 0);
    atomic_store(&fail_write, true);
    assert_int_equal(put(db, "x", &e), OTK_EAGAIN);
    atomic_store(&fail_write, false);
    assert_int_equal(count_of(db), 1);
    assert_int_equal(put(db, "x", &e), 0);
    assert_int_equal(count_of(db), 2);
    db_close(db);
}

#define ON_FILES(test) ON(test, "sqlite:"), ON(test, "trace:sqlite:")

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILES(test_synced),
        ON_FILES(test_unsure),
        ON_FILES(test_not_written),
    };
    return cmocka_run_group_tests(tests, put_shim, remove_folder);
}
