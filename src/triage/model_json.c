/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/model_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"

enum { PATH_BYTES = 4096, FILE_BYTES = 16 << 20, LABEL_BYTES = 200 };

/* ---- reading
 * ----------------------------------------------------------------------- */

/* A number between limits, or an error that names it. */
static int read_real(const json_t *o, const char *name, double min, double max,
                     double *ret, struct err *e)
{
    const json_t *v = json_object_get(o, name);
    if (json_is_null(v) && isnan(*ret))
        return OTK_OK; /* not measured */
    double x = json_number_value(v);
    if (!json_is_number(v) || x < min || x > max)
        return err_field(e, OTK_EFORMAT, name, "must be a number from %g to %g",
                         min, max);
    *ret = x;
    return OTK_OK;
}

static int read_labels(const json_t *o, struct arena *a, struct model_task *t,
                       struct err *e)
{
    const json_t *list = json_object_get(o, "labels");
    size_t n = json_array_size(list);
    if (n < 1 || n > TRIAGE_CLASSES_MAX)
        return err_field(e, OTK_EFORMAT, "labels", "%zu labels", n);
    const char **labels = ARENA_ARRAY(a, const char *, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *l = json_array_get(list, i);
        if (!json_is_string(l) || json_string_length(l) == 0 ||
            json_string_length(l) > LABEL_BYTES)
            return err_field(e, OTK_EFORMAT, "labels",
                             "label %zu is not a short text", i + 1);
        labels[i] = arena_copy(a, str_from(json_string_value(l)));
    }
    t->about.labels = labels;
    t->about.n_labels = t->shape.n_labels = n;
    t->shape.has_none = json_is_true(json_object_get(o, "has_none"));
    return OTK_OK;
}

static int read_calibration(const json_t *o, struct model_task *t,
                            struct err *e)
{
    const json_t *terms = json_object_get(o, "confidence_terms");
    if (json_array_size(terms) != CALIBRATION_TERMS)
        return err_field(e, OTK_EFORMAT, "confidence_terms", "wants %d numbers",
                         CALIBRATION_TERMS);
    for (size_t i = 0; i < CALIBRATION_TERMS; i++) {
        const json_t *v = json_array_get(terms, i);
        if (!json_is_number(v))
            return err_field(e, OTK_EFORMAT, "confidence_terms",
                             "number %zu is none", i + 1);
        t->calibration.terms[i] = json_number_value(v);
    }
    int r = OTK_OK;
    if (json_object_get(o, "network")) /* older models have none */
        r = read_real(o, "network", 0, 1e6, &t->calibration.network, e);
    return r ? r
             : read_real(o, "temperature", 1e-6, 1e6,
                         &t->calibration.temperature, e);
}

static int read_task(const json_t *o, struct arena *a, struct model_task *t,
                     struct err *e)
{
    struct str name;
    struct json_want want = {"name", true, 1, LABEL_BYTES};
    int r = json_text(o, &want, &name, e);
    if (r)
        return r;
    t->about.name = arena_copy(a, name);
    t->about.accuracy = t->about.macro_f1 = t->about.ece = NAN;
    r = read_labels(o, a, t, e);
    if (!r)
        r = read_calibration(o, t, e);
    struct {
        const char *name;
        double *at;
    } reals[] = {
        {"auto_threshold", &t->about.auto_threshold},
        {"suggest_threshold", &t->about.suggest_threshold},
        {"none_below", &t->none_below},
        {"accuracy", &t->about.accuracy},
        {"macro_f1", &t->about.macro_f1},
        {"ece", &t->about.ece},
    };
    for (size_t i = 0; !r && i < sizeof(reals) / sizeof(reals[0]); i++)
        r = read_real(o, reals[i].name, 0, 2, reals[i].at, e);
    return r;
}

static int read_head(const json_t *o, struct arena *a, struct model_json *m,
                     struct err *e)
{
    struct str engine, version, trained;
    int64_t examples = 0;
    struct json_want want[] = {{"engine", true, 1, 32},
                               {"version", true, 1, 64},
                               {"trained_at", true, 1, 40},
                               {"examples", true, 0, INT32_MAX}};
    int r = json_text(o, &want[0], &engine, e);
    if (!r)
        r = json_text(o, &want[1], &version, e);
    if (!r)
        r = json_text(o, &want[2], &trained, e);
    if (!r)
        r = json_whole(o, &want[3], &examples, e);
    if (r)
        return r;
    m->info.engine = arena_copy(a, engine);
    m->info.version = arena_copy(a, version);
    m->info.n_examples = (size_t)examples;
    if (time_parse(trained, &m->info.trained_at))
        return err_field(e, OTK_EFORMAT, "trained_at", "is not a time");
    return OTK_OK;
}

static int read_tasks(const json_t *o, struct arena *a, struct model_json *m,
                      struct err *e)
{
    const json_t *tasks = json_object_get(o, "tasks");
    m->n_tasks = json_array_size(tasks);
    if (m->n_tasks < 1 || m->n_tasks > TRIAGE_TASKS_MAX)
        return err_field(e, OTK_EFORMAT, "tasks", "%zu tasks", m->n_tasks);
    for (size_t i = 0; i < m->n_tasks; i++) {
        int r = read_task(json_array_get(tasks, i), a, &m->tasks[i], e);
        if (r)
            return r;
        m->tasks[i].shape.at = m->n_classes;
        m->n_classes += task_classes(&m->tasks[i].shape);
    }
    return OTK_OK;
}

int model_json_read(const char *folder, struct arena *a, struct model_json *ret,
                    struct err *e)
{
    *ret = (struct model_json){0};
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/model.json", folder);
    if (!file_exists(path))
        return err_set(e, OTK_ENOENT,
                       "%s is not there; make a model with `otklik train`",
                       path);
    struct buf text = BUF_INIT(FILE_BYTES);
    json_t *o = NULL;
    int r = file_read(path, &text, e);
    if (!r)
        r = json_read(buf_str(&text), FILE_BYTES, &o, e);
    if (!r)
        r = read_head(o, a, ret, e);
    if (!r)
        r = read_tasks(o, a, ret, e);
    json_decref(o);
    buf_free(&text);
    return r ? err_place(e, r, "%s", path) : OTK_OK;
}

/* ---- writing
 * ------------------------------------------------------------------------- */

static void put_task(const struct model_task *t, struct buf *b)
{
    buf_puts(b, "    {\n      \"name\": ");
    json_put_text(b, str_from(t->about.name));
    buf_puts(b, ",\n      \"labels\": [");
    for (size_t i = 0; i < t->about.n_labels; i++) {
        buf_puts(b, i ? ", " : "");
        json_put_text(b, str_from(t->about.labels[i]));
    }
    buf_printf(b, "],\n      \"has_none\": %s",
               t->shape.has_none ? "true" : "false");
    const struct {
        const char *name;
        double x;
    } reals[] = {
        {"network", t->calibration.network},
        {"temperature", t->calibration.temperature},
        {"auto_threshold", t->about.auto_threshold},
        {"suggest_threshold", t->about.suggest_threshold},
        {"none_below", t->none_below},
        {"accuracy", t->about.accuracy},
        {"macro_f1", t->about.macro_f1},
        {"ece", t->about.ece},
    };
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        buf_printf(b, ",\n      \"%s\": ", reals[i].name);
        json_put_real(b, reals[i].x);
    }
    buf_puts(b, ",\n      \"confidence_terms\": [");
    for (int i = 0; i < CALIBRATION_TERMS; i++) {
        buf_puts(b, i ? ", " : "");
        json_put_real(b, t->calibration.terms[i]);
    }
    buf_puts(b, "]\n    }");
}

int model_json_write(const char *folder, const struct model_json *m,
                     struct err *e)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    char when[TIME_TEXT];
    time_print(m->info.trained_at, when);
    buf_printf(&b,
               "{\n  \"engine\": \"%s\",\n  \"version\": \"%s\",\n"
               "  \"trained_at\": \"%s\",\n  \"examples\": %zu,\n"
               "  \"tasks\": [\n",
               m->info.engine, m->info.version, when, m->info.n_examples);
    for (size_t i = 0; i < m->n_tasks; i++) {
        put_task(&m->tasks[i], &b);
        buf_puts(&b, i + 1 < m->n_tasks ? ",\n" : "\n");
    }
    buf_puts(&b, "  ]\n}\n");
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/model.json", folder);
    int r = file_write(path, buf_str(&b), 0644, e);
    buf_free(&b);
    return r;
}
