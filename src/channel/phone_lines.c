/* SPDX-License-Identifier: Apache-2.0 */
/* "lines:" of phone.yaml. */
#include <string.h>

#include "base/err.h"
#include "channel/phone_script_parts.h"

/* A text for which no language is named is of the line's first. */
struct wording {
    const char *plain, *in[PHONE_LANGUAGES];
};

struct line_reader {
    struct phone_line *line;
    struct wording texts[PHONE_TEXTS], sounds[PHONE_TEXTS];
    struct wording question_texts[PHONE_QUESTIONS_MAX];
    struct wording question_sounds[PHONE_QUESTIONS_MAX];
};

/* ---- texts
 * ------------------------------------------------------------------------- */

struct wording_reader {
    struct wording *ret;
    size_t max;
};

static int take_wording_in(struct script_reader *r, const yaml_node_t *key,
                           const yaml_node_t *value, void *arg)
{
    const struct wording_reader *x = arg;
    enum phone_language l;
    if (!phone_language_find(script_scalar(key), &l))
        return script_fail(r, key, "a text is in ru or en");
    return script_text(r, value, x->max, &x->ret->in[l]);
}

/* "Hello", or {ru: "…", en: "…"}. */
static int take_wording(struct script_reader *r, const yaml_node_t *value,
                        size_t max, struct wording *ret)
{
    struct wording_reader x = {ret, max};
    if (value->type == YAML_MAPPING_NODE)
        return script_pairs(r, value, "", take_wording_in, &x);
    return script_text(r, value, max, &ret->plain);
}

/* What the wording says in a language of the line; NULL: nothing. */
static const char *word_in(const struct wording *w, const struct phone_line *l,
                           enum phone_language language)
{
    bool first = l->languages[0] == language;
    return !w->in[language] && first ? w->plain : w->in[language];
}

/* Who changes the greeting says what those hear whom it would name. */
static bool is_greeting_own(const struct line_reader *x, enum phone_language l)
{
    return word_in(&x->texts[PHONE_GREETING], x->line, l) ||
           word_in(&x->sounds[PHONE_GREETING], x->line, l);
}

static bool speaks(const struct phone_line *l, enum phone_language in)
{
    for (size_t i = 0; i < l->n_languages; i++) {
        if (l->languages[i] == in)
            return true;
    }
    return false;
}

static void fill_line(struct line_reader *x)
{
    struct phone_line *l = x->line;
    for (int i = 0; i < PHONE_LANGUAGES; i++) {
        enum phone_language in = (enum phone_language)i;
        for (int t = 0; t < PHONE_TEXTS; t++) {
            const char *text = word_in(&x->texts[t], l, in);
            const char *sound = word_in(&x->sounds[t], l, in);
            l->prompts[i][t] = (struct phone_prompt){
                .text = text ? text : phone_text_usual((enum phone_text)t, in),
                .sound = sound ? sound : "",
            };
        }
        if (is_greeting_own(x, in) && !word_in(&x->texts[PHONE_KNOWN], l, in))
            l->prompts[in][PHONE_KNOWN].text = "";
    }
}

/* ---- questions
 * ---------------------------------------------------------------------- */

enum { SECONDS = 20, SECONDS_MAX = 120 };

struct question_reader {
    struct phone_question *q;
    struct wording *text, *sound;
    const char *kind;
    int64_t digits, seconds;
};

static int take_question_field(struct script_reader *r, const yaml_node_t *key,
                               const yaml_node_t *value, void *arg)
{
    struct question_reader *q = arg;
    struct str name = script_scalar(key);
    if (str_is(name, "field"))
        return script_text(r, value, PHONE_FIELD_NAME_MAX, &q->q->field);
    if (str_is(name, "text"))
        return take_wording(r, value, PHONE_TEXT_MAX, q->text);
    if (str_is(name, "sound"))
        return take_wording(r, value, PHONE_FIELD_MAX, q->sound);
    if (str_is(name, "kind"))
        return script_text(r, value, PHONE_FIELD_MAX, &q->kind);
    if (str_is(name, "digits"))
        return script_number(r, value, 1, PHONE_DIGITS_MAX, "digits is 1 to 20",
                             &q->digits);
    if (str_is(name, "seconds"))
        return script_number(r, value, 1, SECONDS_MAX, "seconds is 1 to 120",
                             &q->seconds);
    return script_unknown(r, key);
}

static int take_question(struct script_reader *r, const yaml_node_t *item,
                         void *arg)
{
    struct line_reader *x = arg;
    struct phone_line *l = x->line;
    if (l->n_questions == PHONE_QUESTIONS_MAX)
        return script_fail(r, item, "at most 5 questions are asked");
    struct question_reader q = {
        .q = &l->questions[l->n_questions],
        .text = &x->question_texts[l->n_questions],
        .sound = &x->question_sounds[l->n_questions],
        .kind = "speech",
        .digits = PHONE_DIGITS_MAX,
        .seconds = SECONDS,
    };
    int err = script_pairs(r, item, "a question must be a mapping",
                           take_question_field, &q);
    if (err)
        return err;
    bool speech = strcmp(q.kind, "speech") == 0;
    if (!speech && strcmp(q.kind, "digits") != 0)
        return script_fail(r, item, "kind is speech or digits");
    if (!q.q->field || !q.q->field[0])
        return script_fail(r, item, "a question needs field: what it is about");
    q.q->how = (struct conversation_question){
        .digits_max = speech ? 0 : (int)q.digits,
        .listen_ms = q.seconds * 1000,
    };
    l->n_questions++;
    return OTK_OK;
}

/* Each must be asked in each language of the line: there is no usual text. */
static int fill_questions(struct script_reader *r, const yaml_node_t *at,
                          struct line_reader *x)
{
    struct phone_line *l = x->line;
    for (size_t i = 0; i < l->n_questions * PHONE_LANGUAGES; i++) {
        size_t q = i / PHONE_LANGUAGES;
        enum phone_language in = (enum phone_language)(i % PHONE_LANGUAGES);
        const char *text = word_in(&x->question_texts[q], l, in);
        const char *sound = word_in(&x->question_sounds[q], l, in);
        if (!text && !sound && speaks(l, in))
            return script_fail(r, at,
                               "a question has no text in a language of "
                               "the line");
        l->questions[q].prompts[in] = (struct phone_prompt){
            .text = text ? text : "", .sound = sound ? sound : ""};
    }
    return OTK_OK;
}

/* ---- a person
 * ------------------------------------------------------------------------- */

/* '#' is how a caller ends. */
static int take_key(struct script_reader *r, const yaml_node_t *value,
                    char *ret)
{
    struct str s = script_scalar(value);
    if (s.n != 1 || !strchr("0123456789*", s.p[0]))
        return script_fail(r, value, "a key is 0 to 9 or *");
    *ret = s.p[0];
    return OTK_OK;
}

static int take_transfer_field(struct script_reader *r, const yaml_node_t *key,
                               const yaml_node_t *value, void *arg)
{
    struct phone_referral *t = arg;
    struct str name = script_scalar(key);
    if (str_is(name, "to"))
        return script_text(r, value, PHONE_FIELD_MAX, &t->to);
    if (str_is(name, "schedule"))
        return script_text(r, value, PHONE_FIELD_MAX, &t->schedule);
    if (str_is(name, "key"))
        return take_key(r, value, &t->key);
    if (str_is(name, "always"))
        return script_flag(r, value, &t->always);
    return script_unknown(r, key);
}

static int take_transfer(struct script_reader *r, const yaml_node_t *value,
                         struct phone_line *l)
{
    struct phone_referral t = {.to = "", .schedule = ""};
    int err = script_pairs(r, value, "transfer must be a mapping",
                           take_transfer_field, &t);
    if (err)
        return err;
    if (!script_is_address(str_from(t.to), true))
        return script_fail(r, value, "transfer needs to: sip:USER@HOST");
    if (!t.key && !t.always)
        return script_fail(r, value, "transfer needs key: or always: true");
    l->transfer = t;
    return OTK_OK;
}

/* A key cannot choose a language and a person. */
static int check_keys(struct script_reader *r, const yaml_node_t *at,
                      const struct phone_line *l)
{
    char key = l->transfer.key;
    bool taken =
        l->n_languages > 1 && key >= '1' && key < '1' + (int)l->n_languages;
    return taken ? script_fail(r, at, "the key of transfer chooses a language")
                 : OTK_OK;
}

/* ---- a line
 * ------------------------------------------------------------------------ */

enum { KEEP_DAYS_MAX = 36500 };

static int take_language(struct script_reader *r, const yaml_node_t *item,
                         void *arg)
{
    struct phone_line *l = arg;
    enum phone_language language;
    if (!phone_language_find(script_scalar(item), &language))
        return script_fail(r, item, "a language is ru or en");
    if (speaks(l, language))
        return script_fail(r, item, "the language is there twice");
    l->languages[l->n_languages++] = language;
    return OTK_OK;
}

static int take_languages(struct script_reader *r, const yaml_node_t *value,
                          struct phone_line *l)
{
    l->n_languages = 0;
    int err = script_items(r, value, "languages is a list, as [ru, en]",
                           take_language, l);
    return err || l->n_languages
               ? err
               : script_fail(r, value, "it names no language");
}

static int take_line_field(struct script_reader *r, const yaml_node_t *key,
                           const yaml_node_t *value, void *arg)
{
    struct line_reader *x = arg;
    struct str name = script_scalar(key);
    if (str_is(name, "languages"))
        return take_languages(r, value, x->line);
    if (str_is(name, "language")) {
        x->line->n_languages = 0;
        return take_language(r, value, x->line);
    }
    if (str_is(name, "questions"))
        return script_items(r, value, "questions is a list", take_question, x);
    if (str_is(name, "transfer"))
        return take_transfer(r, value, x->line);
    if (str_is(name, "greet_by_name"))
        return script_flag(r, value, &x->line->knows_callers);
    if (str_is(name, "keep_days"))
        return script_number(r, value, 0, KEEP_DAYS_MAX,
                             "keep_days is 0 to 36500", &x->line->keep_days);
    for (int t = 0; t < PHONE_TEXTS; t++) {
        const char *text = phone_text_name((enum phone_text)t);
        size_t n = strlen(text);
        if (!str_starts(name, text))
            continue;
        if (name.n == n)
            return take_wording(r, value, PHONE_TEXT_MAX, &x->texts[t]);
        if (str_is(str_sub(name, n, name.n), "_sound"))
            return take_wording(r, value, PHONE_FIELD_MAX, &x->sounds[t]);
    }
    return script_unknown(r, key);
}

void script_usual_line(const struct script_reader *r, struct phone_line *ret)
{
    *ret = (struct phone_line){.number = "default",
                               .languages = {r->language},
                               .n_languages = 1,
                               .knows_callers = true,
                               .keep_days = PHONE_KEEP_AS_DESK,
                               .transfer = {.to = "", .schedule = ""}};
    fill_line(&(struct line_reader){.line = ret});
}

int script_line(struct script_reader *r, const yaml_node_t *key,
                const yaml_node_t *value, void *arg)
{
    struct phone_script *s = r->ret;
    (void)arg;
    struct phone_line l;
    struct line_reader x = {.line = &l};
    script_usual_line(r, &l);
    int err = script_text(r, key, PHONE_FIELD_MAX, &l.number);
    if (!err)
        err = script_pairs(r, value, "a line must be a mapping",
                           take_line_field, &x);
    if (!err)
        err = fill_questions(r, value, &x);
    if (!err)
        err = check_keys(r, value, &l);
    if (err)
        return err;
    fill_line(&x);
    if (strcmp(l.number, "default") == 0) {
        s->lines[0] = l;
        return OTK_OK;
    }
    if (s->n_lines == PHONE_LINES_MAX)
        return script_fail(r, key, "there are too many lines");
    s->lines[s->n_lines++] = l;
    return OTK_OK;
}
