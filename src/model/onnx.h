/*
 * model/onnx.h - a model of ours as an ONNX file, for other runtimes
 *
 * Opset 17, one file. Inputs, int64 [batch, length]: `input_ids` and
 * `attention_mask`, 1 for tokens and 0 for padding behind them. Places are
 * counted along the mask, so that a text's scores do not depend on what it is
 * batched with. Outputs, float:
 *
 *   last_hidden_state    [batch, length, hidden]
 *   embedding            [batch, hidden], as model_embed() gives it
 *   logits               [batch, labels], as model_classify(); of classifiers
 *   scores_TASK          [batch, classes]; of heads that finetune() taught
 *   probabilities_TASK   [batch, classes], softmax(temperature * scores)
 *
 * The file's metadata say how texts become tokens, which labels there are and
 * what made the model.
 *
 * In int8 products of the layers are between DequantizeLinear nodes: weights
 * int8 with a scale for each output, the input measured as it comes
 * (DynamicQuantizeLinear), which needs no texts to calibrate with and follows
 * the outliers that encoders have (Dettmers et al. 2022). onnxruntime fuses
 * each into one integer product; a runtime that does not still computes the
 * same. Weights are of -64 ... 64: processors without VNNI add two products of
 * a byte and a weight in 16 bits, which 2 * 255 * 64 does not overflow. The
 * last product of a layer has int8 weights but a float input: behind GELU few
 * places are far larger than all others, and one scale for them costs half of
 * all accuracy. Words' embeddings are int8 with a scale a row; heads, norms and
 * attention stay float. Inputs are measured over the whole batch, so scores
 * differ a little with what a text is batched with.
 *
 * Sources: onnx/onnx.proto, docs/Operators.md of github.com/onnx/onnx.
 */
#ifndef OTK_MODEL_ONNX_H
#define OTK_MODEL_ONNX_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Of a file, so that every reader of protobuf (2 GiB at most) takes it. */
#define ONNX_BYTES_MAX ((size_t)1900 * 1000 * 1000)
enum { ONNX_OUTPUTS_MAX = 24, ONNX_NAME_MAX = 240 };

/* A task of a fine-tuned model. */
struct onnx_head {
    const char *name;
    const char *const *labels; /* NULL: not known */
    size_t n_labels;
    bool has_none;      /* one more class behind the labels: none of them */
    double temperature; /* scores are multiplied by it */
};

struct onnx_options {
    bool int8;
    const char *version;           /* kept as otklik.version; NULL: none */
    const struct onnx_head *heads; /* NULL: those that the files hold, of */
    size_t n_heads;                /* temperature 1 */
};

struct onnx_report {
    size_t bytes, nodes, max_tokens;
    size_t n_outputs;
    char outputs[ONNX_OUTPUTS_MAX][ONNX_NAME_MAX];
};

/*
 * The model in `folder` as the file `path`. In memory: the layers' weights
 * once more, embeddings of type F32 not. OTK_ENOENT, OTK_EFORMAT: what of the
 * folder is missing or wrong; OTK_ELIMIT: the file would be larger than
 * ONNX_BYTES_MAX, which is found out before anything is read; OTK_EIO.
 */
int onnx_export(const char *folder, const struct onnx_options *o,
                const char *path, struct onnx_report *ret, struct err *e);

#endif
