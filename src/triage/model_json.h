/*
 * triage/model_json.h - model.json: what a person reads about a model
 *
 * Engine, version, tasks with labels, calibration, thresholds and how well
 * each did on texts it was not trained on.
 */
#ifndef OTK_TRIAGE_MODEL_JSON_H
#define OTK_TRIAGE_MODEL_JSON_H

#include "triage/calibrate.h"
#include "triage/engine.h"
#include "triage/triage.h"

struct arena;

struct model_task {
    struct triage_task about; /* texts live in the arena */
    struct task_shape shape;
    struct calibration calibration;
    double none_below; /* confidence under which it is none of these */
};

struct model_json {
    struct triage_info info; /* tasks points to `about` of none: see tasks */
    struct model_task tasks[TRIAGE_TASKS_MAX];
    size_t n_tasks;
    size_t n_classes; /* of all tasks */
};

int model_json_read(const char *folder, struct arena *a, struct model_json *ret,
                    struct err *e);
int model_json_write(const char *folder, const struct model_json *m,
                     struct err *e);

#endif
