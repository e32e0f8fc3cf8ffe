/* SPDX-License-Identifier: Apache-2.0 */
/* otklik model export */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/trtexec.h"
#include "model/hub.h"
#include "model/onnx.h"
#include "model/onnx_graph.h"
#include "triage/model_json.h"

enum { PATH_BYTES = 4096, OUTPUT_BYTES = 1 << 18, MB = 1000000 };

/* ---- which model
 * ------------------------------------------------------------------------ */

static bool print_path(char ret[PATH_BYTES], const char *folder,
                       const char *name)
{
    int n = snprintf(ret, PATH_BYTES, "%s/%s", folder, name);
    return n > 0 && n < PATH_BYTES;
}

static bool holds(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    return print_path(path, folder, name) && file_exists(path);
}

static bool is_model(const char *folder)
{
    return holds(folder, "config.json") || holds(folder, "model.json");
}

/* A folder, one of the desk's models/, or what `model pull` made of a name. */
static int find_model(const struct args *a, struct arena *arena,
                      char ret[PATH_BYTES], struct err *e)
{
    char models[PATH_BYTES];
    struct hub_name hub;
    struct err own = {0};
    const char *name = a->words[0];
    int n = snprintf(ret, PATH_BYTES, "%s", name);
    if (n < 0 || n >= PATH_BYTES ||
        !print_path(models, cli_folder(a), "models"))
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", name);
    if (is_model(ret))
        return OTK_OK;
    if (print_path(ret, models, name) && is_model(ret))
        return OTK_OK;
    if (!hub_name_read(arena, str_from(name), NULL, &hub, &own) &&
        print_path(ret, models, hub.folder) && is_model(ret))
        return OTK_OK;
    return err_set(e, OTK_ENOENT,
                   "no model '%.80s': it is no folder with config.json or "
                   "model.json, and %.80s has none of this name; `otklik model "
                   "pull` fetches one",
                   name, models);
}

/* ---- exporting
 * ------------------------------------------------------------------------ */

/* A model of triage: its heads, with their labels and temperatures. */
static int export_triage(const char *folder, struct arena *arena, bool int8,
                         const char *to, struct onnx_report *ret, struct err *e)
{
    char path[PATH_BYTES];
    struct model_json *m = ARENA_NEW(arena, struct model_json);
    struct onnx_head heads[TRIAGE_TASKS_MAX];
    int r = model_json_read(folder, arena, m, e);
    if (r)
        return r;
    if (strcmp(m->info.engine, "transformer") != 0)
        return err_set(e, OTK_EINVAL,
                       "%s: its engine is '%s'; only language models become "
                       "ONNX: `otklik train --engine transformer`",
                       folder, m->info.engine);
    for (size_t i = 0; i < m->n_tasks; i++) {
        const struct model_task *t = &m->tasks[i];
        heads[i] = (struct onnx_head){
            .name = t->about.name,
            .labels = t->about.labels,
            .n_labels = t->about.n_labels,
            .has_none = t->shape.has_none,
            .temperature = t->calibration.temperature,
        };
    }
    if (!print_path(path, folder, "encoder"))
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", folder);
    const struct onnx_options o = {int8, m->info.version, heads, m->n_tasks};
    return onnx_export(path, &o, to, ret, e);
}

static void put_json(const struct onnx_report *x, const char *to,
                     const char *plan, bool int8, struct buf *b)
{
    buf_puts(b, "{\"onnx\":");
    json_put_text(b, str_from(to));
    buf_printf(b,
               ",\"bytes\":%zu,\"opset\":%d,\"nodes\":%zu,\"precision\":"
               "\"%s\",\"max_tokens\":%zu,\"outputs\":[",
               x->bytes, GRAPH_OPSET, x->nodes, int8 ? "int8" : "f32",
               x->max_tokens);
    for (size_t i = 0; i < x->n_outputs; i++) {
        buf_puts(b, i ? "," : "");
        json_put_text(b, str_from(x->outputs[i]));
    }
    buf_puts(b, "],\"tensorrt\":");
    if (plan)
        json_put_text(b, str_from(plan));
    else
        buf_puts(b, "null");
    buf_puts(b, "}\n");
}

static void put_text(const struct onnx_report *x, const char *to,
                     const char *plan, bool int8, struct buf *b)
{
    buf_printf(b, "%s: %.1f MB, opset %d, %s, %zu nodes\n", to,
               (double)x->bytes / MB, GRAPH_OPSET, int8 ? "int8" : "f32",
               x->nodes);
    buf_puts(b, "  inputs   input_ids, attention_mask\n  outputs  ");
    for (size_t i = 0; i < x->n_outputs; i++)
        buf_printf(b, "%s%s", i ? ", " : "", x->outputs[i]);
    buf_putc(b, '\n');
    if (plan)
        buf_printf(b, "%s: the engine of TensorRT\n", plan);
}

static int check_options(const struct args *a, int64_t *minutes, struct err *e)
{
    enum { MINUTES = 120, MOST_MINUTES = 100000 };
    if (!args_text(a, "onnx"))
        return err_field(e, OTK_EINVAL, "--onnx", "say which file to write");
    if (args_has(a, "int8") && args_text(a, "tensorrt"))
        return err_field(e, OTK_EINVAL, "--int8",
                         "TensorRT does not measure inputs as they come; it "
                         "makes its engine of the file without --int8");
    return args_whole(a, "minutes", MINUTES, 1, MOST_MINUTES, minutes, e)
               ? OTK_EINVAL
               : OTK_OK;
}

static int export(const struct args *a, struct arena *arena, struct buf *out,
                  struct err *e)
{
    enum { MINUTE = 60 };
    char folder[PATH_BYTES];
    char program[TRTEXEC_PATH_BYTES];
    int64_t minutes = 0;
    struct onnx_report *report = ARENA_NEW(arena, struct onnx_report);
    const char *to = args_text(a, "onnx");
    const char *plan = args_text(a, "tensorrt");
    bool int8 = args_has(a, "int8");
    int r = check_options(a, &minutes, e);
    if (!r && plan) /* before minutes of work */
        r = trtexec_find(program, e);
    if (!r)
        r = find_model(a, arena, folder, e);
    if (r)
        return r;
    if (holds(folder, "model.json"))
        r = export_triage(folder, arena, int8, to, report, e);
    else
        r = onnx_export(folder, &(struct onnx_options){.int8 = int8}, to,
                        report, e);
    if (!r && plan)
        r = trtexec_run(&(struct trtexec_job){program, to, plan,
                                              report->max_tokens,
                                              minutes * MINUTE},
                        e);
    if (!r)
        (cli_json(a) ? put_json : put_text)(report, to, plan, int8, out);
    return r;
}

static int run_export(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    struct arena *arena = arena_new();
    int r = export(a, arena, &out, &e);
    arena_free(arena);
    if (r) {
        buf_free(&out);
        return cli_fail(r, &e);
    }
    return cli_print(&out);
}

static const struct arg_option options[] = {
    {'o', "onnx", "FILE", "where the model goes"},
    {0, "int8", NULL, "products in whole numbers (QDQ), a quarter of the size"},
    {0, "tensorrt", "FILE", "an engine of TensorRT too, by trtexec"},
    {0, "minutes", "N", "how long trtexec may take (default 120)"},
    {0},
};

const struct arg_command cmd_model_export = {
    .name = "model export",
    .words = "NAME|FOLDER",
    .min_words = 1,
    .max_words = 1,
    .summary = "Write a model for onnxruntime or TensorRT",
    .about =
        "The model is a folder, one of models/ of the desk, or a name as for\n"
        "`model pull`; a model of triage must be of the engine transformer.\n"
        "Inputs are input_ids and attention_mask, int64 [batch, length], with\n"
        "padding behind the texts. Outputs are last_hidden_state, embedding,\n"
        "logits of a classifier, and scores_TASK and probabilities_TASK of\n"
        "what was trained. Labels and the tokenizer are in the metadata.\n"
        "--tensorrt needs trtexec of NVIDIA TensorRT in PATH; the engine "
        "takes\n"
        "up to 32 texts at a time.\n",
    .options = options,
    .run = run_export,
};
