/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/live_settings.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

enum { PATH_BYTES = 4096 };

struct loaded {
    struct settings values;
    struct conf conf;
};

struct live_settings {
    char folder[PATH_BYTES];
    const char *const *overrides;
    int n_overrides;
    pthread_mutex_t lock; /* guards all below */
    struct loaded *now;
    struct loaded *file; /* what the next start would begin with */
    char **former;       /* texts that somebody may still look at */
    size_t n_former, cap_former;
    struct stat seen; /* of the file; zeros: none */
};

static int load(const struct live_settings *l, struct loaded **ret,
                struct err *e)
{
    struct loaded *x = MEM_NEW(struct loaded);
    int r = settings_load(l->folder, l->overrides, l->n_overrides, &x->values,
                          &x->conf, e);
    if (r) {
        free(x);
        return r;
    }
    *ret = x;
    return OTK_OK;
}

static void loaded_free(struct loaded *x)
{
    if (!x)
        return;
    conf_free(&x->conf);
    free(x);
}

static void look(const struct live_settings *l, struct stat *ret)
{
    char path[PATH_BYTES + 16];
    (void)snprintf(path, sizeof(path), "%s/otklik.yaml", l->folder);
    if (stat(path, ret))
        *ret = (struct stat){0};
}

static bool is_seen(const struct live_settings *l, const struct stat *st)
{
    return st->st_ino == l->seen.st_ino && st->st_size == l->seen.st_size &&
           memcmp(&st->st_mtim, &l->seen.st_mtim, sizeof(st->st_mtim)) == 0;
}

int live_settings_open(const char *folder, const char *const *overrides,
                       int n_overrides, struct live_settings **ret,
                       struct err *e)
{
    struct live_settings *l = MEM_NEW(struct live_settings);
    (void)snprintf(l->folder, sizeof(l->folder), "%s", folder);
    l->overrides = overrides;
    l->n_overrides = n_overrides;
    (void)pthread_mutex_init(&l->lock, NULL);
    look(l, &l->seen);
    int r = load(l, &l->now, e);
    if (!r)
        r = load(l, &l->file, e);
    if (r) {
        live_settings_free(l);
        return r;
    }
    log_set_level((enum log_level)l->now->values.log.level);
    *ret = l;
    return OTK_OK;
}

void live_settings_free(struct live_settings *l)
{
    if (!l)
        return;
    loaded_free(l->now);
    loaded_free(l->file);
    for (size_t i = 0; i < l->n_former; i++)
        free(l->former[i]);
    free(l->former);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

struct settings live_settings_get(struct live_settings *l)
{
    pthread_mutex_lock(&l->lock);
    struct settings s = l->now->values;
    pthread_mutex_unlock(&l->lock);
    return s;
}

/* Under the lock. Each text that is kept stands in the audit, or was written
 * by hand: there are not many. */
static void take_up(struct live_settings *l)
{
    for (size_t i = 0; settings_table[i].name; i++) {
        if (settings_table[i].change != CONF_AT_ONCE ||
            conf_same(&l->now->conf, &l->file->conf, i))
            continue;
        log_info("settings", "%s is another now", settings_table[i].name);
        char *old = conf_copy(&l->now->conf, &l->file->conf, i);
        if (!old)
            continue;
        l->former = mem_grow(l->former, l->n_former, &l->cap_former,
                             sizeof(*l->former));
        l->former[l->n_former++] = old;
    }
    log_set_level((enum log_level)l->now->values.log.level);
}

int live_settings_refresh(struct live_settings *l, struct err *e)
{
    struct loaded *old = NULL;
    struct stat st;
    int r = OTK_OK;
    pthread_mutex_lock(&l->lock);
    look(l, &st);
    if (!is_seen(l, &st)) {
        struct loaded *next;
        l->seen = st;
        r = load(l, &next, e);
        if (!r) {
            old = l->file;
            l->file = next;
            take_up(l);
        }
    }
    pthread_mutex_unlock(&l->lock);
    loaded_free(old);
    return r;
}

void live_settings_print(struct live_settings *l, struct buf *b)
{
    pthread_mutex_lock(&l->lock);
    conf_print_json(&l->now->conf, &l->file->conf, b);
    pthread_mutex_unlock(&l->lock);
}

int live_settings_may_edit(struct live_settings *l, struct str name,
                           size_t *ret, struct err *e)
{
    enum conf_source source = CONF_DEFAULT;
    pthread_mutex_lock(&l->lock);
    int r = conf_find(&l->file->conf, name, ret, e);
    if (!r)
        source = l->file->conf.sources[*ret];
    pthread_mutex_unlock(&l->lock);
    if (r)
        return r;
    const struct conf_setting *s = &settings_table[*ret];
    if (s->change == CONF_BY_HAND)
        return err_field(e, OTK_EDENIED, s->name,
                         "is changed in otklik.yaml, by who runs the machine");
    if (source > CONF_FILE)
        return err_field(e, OTK_ECONFLICT, s->name,
                         "is said %s, which comes after otklik.yaml; change it "
                         "there",
                         source == CONF_ENVIRONMENT ? "by the environment"
                                                    : "on the command line");
    return OTK_OK;
}
