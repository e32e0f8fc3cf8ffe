/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"

int models_path(const struct args *a, const char *name, char ret[PATH_MAX],
                struct err *e)
{
    enum { ROOM = 64 }; /* of files in it */
    int n = snprintf(ret, PATH_MAX, "%s/models%s%s", cli_folder(a),
                     name ? "/" : "", name ? name : "");
    return n < 0 || n >= PATH_MAX - ROOM
               ? err_set(e, OTK_ELIMIT, "%.80s…: path too long", ret)
               : OTK_OK;
}

int models_check_name(const char *name, struct err *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    enum { NAME_MAX_BYTES = 100 };
    size_t n = strlen(name);
    if (n == 0 || n > NAME_MAX_BYTES || name[0] == '.' ||
        strspn(name, letters) != n)
        return err_set(e, OTK_EINVAL,
                       "'%.60s' is no name of a model: up to %d letters, "
                       "digits, '.', '_' and '-'; say another with --name",
                       name, NAME_MAX_BYTES);
    return OTK_OK;
}

bool models_is(const char *folder)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/config.json", folder);
    return n > 0 && (size_t)n < sizeof(path) && file_exists(path);
}

int models_no_config(const char *folder, struct err *e)
{
    return err_set(e, OTK_ENOENT,
                   "%s has no config.json: a model's folder is as Hugging Face "
                   "lays it out",
                   folder);
}

int models_find(const struct args *a, const char *word, char ret[PATH_MAX],
                struct err *e)
{
    if (strstr(word, "://"))
        return err_set(e, OTK_EINVAL,
                       "'%.100s': models are not read over a network; otklik "
                       "model pull OWNER/MODEL fetches one from a hub",
                       word);
    struct err no_name;
    if (!models_check_name(word, &no_name)) {
        int r = models_path(a, word, ret, e);
        if (r || models_is(ret))
            return r;
    }
    int n = snprintf(ret, PATH_MAX, "%s", word);
    if (n < 0 || n >= PATH_MAX)
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", word);
    while (n > 1 && ret[n - 1] == '/')
        ret[--n] = 0;
    if (models_is(ret))
        return OTK_OK;
    if (file_exists(ret))
        return models_no_config(ret, e);
    return err_set(e, OTK_ENOENT,
                   "no model '%.100s', neither in %s/models nor as a folder; "
                   "otklik model list shows those of the desk, otklik model "
                   "pull fetches others",
                   word, cli_folder(a));
}

int models_precision(const struct args *a, enum precision usual,
                     enum precision *ret, struct err *e)
{
    const char *name = args_text(a, "precision");
    *ret = usual;
    if (!name)
        return OTK_OK;
    int r = precision_from(str_from(name), ret, e);
    return r ? err_place(e, r, "--precision") : OTK_OK;
}

void models_tell(const struct model *m)
{
    const char *note = model_info(m)->note;
    if (note)
        log_warn("model", "the packed file was not used: %s", note);
}

void models_put_gives(const struct model_info *i, struct buf *b)
{
    if (i->has_labels)
        buf_printf(b, "%zu labels", i->config->n_labels);
    else
        buf_printf(b, "vectors of %zu numbers, %s%s", i->config->hidden,
                   i->mean ? "mean of tokens" : "first token",
                   i->normalized ? ", length 1" : "");
}
