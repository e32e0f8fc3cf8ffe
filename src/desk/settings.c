/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/settings.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

enum { PATH_BYTES = 4096, FILE_BYTES = 1 << 20 };

#define AT(field) .offset = offsetof(struct settings, field)
#define TEXT(path, field, when, value, max_, help_)                            \
    {                                                                          \
        .name = path, .type = CONF_TEXT, AT(field), .fallback = value,         \
        .min = 1, .max = max_, .help = help_, .change = CONF_##when            \
    }
#define WHOLE(path, field, when, value, min_, max_, help_)                     \
    {                                                                          \
        .name = path, .type = CONF_WHOLE, AT(field), .fallback = value,        \
        .min = min_, .max = max_, .help = help_, .change = CONF_##when         \
    }
#define REAL(path, field, when, value, min_, max_, help_)                      \
    {                                                                          \
        .name = path, .type = CONF_REAL, AT(field), .fallback = value,         \
        .min = min_, .max = max_, .help = help_, .change = CONF_##when         \
    }
#define FLAG(path, field, when, value, help_)                                  \
    {                                                                          \
        .name = path, .type = CONF_FLAG, AT(field), .fallback = value,         \
        .help = help_, .change = CONF_##when                                   \
    }

/* clang-format off */
const struct conf_setting settings_table[] = {
    TEXT("desk.name", desk.name, AT_ONCE, "Otklik", 200, "name of the desk on its pages"),
    {.name = "desk.language", .type = CONF_CHOICE, AT(desk.language), .fallback = "ru", .choices = "ru|en", .help = "language when a text does not tell", .change = CONF_AT_ONCE},

    TEXT("db.url", db.url, BY_HAND, "sqlite:otklik.db", 1024, "the store; a path is relative to the desk folder"),
    WHOLE("db.busy_ms", db.busy_ms, AT_START, "5000", 0, 60000, "wait for another process's lock, milliseconds"),

    TEXT("http.address", http.address, BY_HAND, "127.0.0.1", 64, "address to listen on"),
    WHOLE("http.port", http.port, BY_HAND, "8080", 0, 65535, "port to listen on; 0 takes a free one"),
    WHOLE("http.workers", http.workers, AT_START, "16", 1, 256, "threads that work on requests"),
    WHOLE("http.body_max_kb", http.body_max_kb, AT_START, "1024", 16, 65536, "largest JSON body, KiB"),
    WHOLE("http.upload_max_mb", http.upload_max_mb, AT_ONCE, "64", 1, 4096, "largest attachment, MiB"),
    FLAG("http.behind_proxy", http.behind_proxy, AT_START, "false", "a TLS proxy stands in front: secure cookies, X-Forwarded-For"),

    WHOLE("limits.anonymous_per_minute", limits.anonymous_per_minute, AT_ONCE, "60", 0, 1000000, "requests a minute from one address without a key; 0: no limit"),
    WHOLE("limits.key_per_minute", limits.key_per_minute, AT_ONCE, "0", 0, 100000000, "requests a minute with one API key; 0: no limit"),
    WHOLE("limits.sign_in_per_minute", limits.sign_in_per_minute, AT_ONCE, "10", 1, 10000, "attempts to sign in a minute from one address"),

    FLAG("access.anonymous", access.anonymous, AT_ONCE, "true", "anybody who reaches the page may send a request"),
    WHOLE("access.session_hours", access.session_hours, AT_ONCE, "12", 1, 8760, "how long a sign-in lasts"),

    REAL("triage.auto_threshold", triage.auto_threshold, AT_ONCE, "-1", -1, 1, "confidence to decide alone; -1: as the model was calibrated"),
    REAL("triage.suggest_threshold", triage.suggest_threshold, AT_ONCE, "-1", -1, 1, "confidence to suggest; -1: as the model was calibrated"),
    WHOLE("triage.text_max", triage.text_max, AT_ONCE, "65536", 1000, 1048576, "longest request text, characters"),

    TEXT("models.hub", models.hub, BY_HAND, "https://huggingface.co", 1024, "where `model pull` fetches from: a hub or a mirror of it"),
    WHOLE("models.stall_seconds", models.stall_seconds, AT_ONCE, "60", 1, 3600, "give a transfer up that hardly moves for so long"),

    REAL("knowledge.answer_threshold", knowledge.answer_threshold, AT_ONCE, "0.6", 0, 1, "confidence from which Otklik answers by itself"),
    REAL("knowledge.suggest_threshold", knowledge.suggest_threshold, AT_ONCE, "0.35", 0, 1, "confidence from which staff see a suggested article"),
    FLAG("knowledge.answer_first", knowledge.answer_first, AT_ONCE, "true", "try to answer before a ticket is made"),
    {.name = "knowledge.model", .type = CONF_TEXT, AT(knowledge.model), .fallback = "", .max = 1024, .help = "language model that search asks too: a folder under models/, or a path; empty: words alone", .change = CONF_BY_HAND},
    {.name = "knowledge.precision", .type = CONF_CHOICE, AT(knowledge.precision), .fallback = "int8", .choices = "f32|bf16|int8", .help = "how that model is computed", .change = CONF_AT_START},

    {.name = "speech.recogniser", .type = CONF_CHOICE, AT(speech.recogniser), .fallback = "none", .choices = "none|whisper|http|memory", .help = "what turns recordings into text; memory: a fixed text, for trying out", .change = CONF_BY_HAND},
    {.name = "speech.whisper", .type = CONF_TEXT, AT(speech.whisper), .fallback = "whisper", .max = 1024, .help = "of whisper: a file or folder under models/ of the desk, or a path; what model pull whisper-base fetches is openai-whisper-base", .change = CONF_BY_HAND},
    WHOLE("speech.tries", speech.tries, AT_START, "2", 1, 6, "of whisper: how often half a minute that it does not understand is heard, at rising temperatures"),
    {.name = "speech.url", .type = CONF_TEXT, AT(speech.url), .fallback = "http://127.0.0.1:9000/v1/audio/transcriptions", .max = 1024, .help = "of http: an endpoint that speaks as OpenAI's audio/transcriptions", .change = CONF_BY_HAND},
    {.name = "speech.model", .type = CONF_TEXT, AT(speech.model), .fallback = "whisper-1", .max = 200, .help = "of http: the model's name there", .change = CONF_BY_HAND},
    {.name = "speech.key", .type = CONF_TEXT, AT(speech.key), .fallback = "", .max = 1000, .help = "of http: its key", .secret = true, .change = CONF_BY_HAND},
    WHOLE("speech.timeout_seconds", speech.timeout_seconds, AT_START, "300", 1, 3600, "of http: how long one recording may take"),
    {.name = "speech.memory_text", .type = CONF_TEXT, AT(speech.memory_text), .fallback = "", .max = 4000, .help = "of memory: what it hears in every recording", .change = CONF_BY_HAND},
    {.name = "speech.vocabulary", .type = CONF_TEXT, AT(speech.vocabulary), .fallback = "", .max = 500, .help = "names and words that callers say, between commas; the recogniser hears them before those of staff, topics and articles", .change = CONF_AT_ONCE},
    {.name = "speech.decoder", .type = CONF_TEXT, AT(speech.decoder), .fallback = "", .max = 1024, .help = "program that decodes uploaded sound; empty: otklik-decode beside this one", .change = CONF_BY_HAND},
    {.name = "speech.synthesiser", .type = CONF_TEXT, AT(speech.synthesiser), .fallback = "espeak-ng", .max = 1024, .help = "program that speaks on the phone; empty: only sounds of the owner are played", .change = CONF_BY_HAND},

    FLAG("phone.enabled", phone.enabled, BY_HAND, "false", "answer calls (SIP)"),
    TEXT("phone.address", phone.address, BY_HAND, "0.0.0.0", 500, "addresses to listen on, IPv4 or IPv6; \"0.0.0.0, ::\" is all of both"),
    WHOLE("phone.port", phone.port, BY_HAND, "5060", 0, 65535, "UDP and TCP port of SIP; 0 takes a free one"),
    WHOLE("phone.tls_port", phone.tls_port, BY_HAND, "0", 0, 65535, "TLS port of SIP, usually 5061; 0: no TLS"),
    {.name = "phone.public_address", .type = CONF_TEXT, AT(phone.public_address), .fallback = "", .max = 64, .help = "address that callers send sound to, behind NAT; empty: the one that faces the caller", .change = CONF_BY_HAND},
    WHOLE("phone.rtp_from", phone.rtp_from, BY_HAND, "16384", 1024, 65534, "first UDP port for sound"),
    WHOLE("phone.rtp_to", phone.rtp_to, BY_HAND, "18383", 1026, 65535, "last UDP port for sound; two a call"),
    {.name = "phone.certificate", .type = CONF_TEXT, AT(phone.certificate), .fallback = "", .max = 1024, .help = "PEM file with certificate and key for TLS; a path is relative to the desk folder", .change = CONF_BY_HAND},
    {.name = "phone.authorities", .type = CONF_TEXT, AT(phone.authorities), .fallback = "", .max = 1024, .help = "PEM file of who vouches for telephone systems reached over TLS; empty: those of the system", .change = CONF_BY_HAND},
    {.name = "phone.srtp", .type = CONF_CHOICE, AT(phone.srtp), .fallback = "offered", .choices = "offered|required|never", .help = "encrypt the sound: when the caller offers it, always or never", .change = CONF_AT_START},
    TEXT("phone.codecs", phone.codecs, AT_START, "opus,G722,PCMA,PCMU", 100, "codecs of calls, the one liked best first: opus, G722, PCMA, PCMU; the first two are recorded at 16 kHz, the others at 8"),
    {.name = "phone.allow", .type = CONF_TEXT, AT(phone.allow), .fallback = "", .max = 1000, .help = "addresses that may call: \"192.0.2.1, 10.0.0.0/8\"; empty: anybody", .change = CONF_BY_HAND},
    {.name = "phone.trust", .type = CONF_TEXT, AT(phone.trust), .fallback = "", .max = 1000, .help = "addresses that are never held back: your telephone system", .change = CONF_BY_HAND},
    WHOLE("phone.calls_max", phone.calls_max, AT_ONCE, "50", 1, 1000, "calls at once; above it callers hear busy"),
    WHOLE("phone.calls_per_minute", phone.calls_per_minute, AT_START, "30", 1, 100000, "calls a minute from one address; above it is banned"),
    WHOLE("phone.ban_minutes", phone.ban_minutes, AT_START, "10", 1, 1440, "how long a flooding address is not answered"),
    TEXT("phone.script", phone.script, BY_HAND, "phone.yaml", 1024, "accounts and what is said on which number; need not be there"),
    WHOLE("phone.listen_seconds", phone.listen_seconds, AT_START, "300", 5, 14400, "longest that a caller may speak"),
    WHOLE("phone.silence_ms", phone.silence_ms, AT_START, "3000", 500, 60000, "silence after which the caller has finished"),
    WHOLE("phone.patience_seconds", phone.patience_seconds, AT_START, "8", 2, 120, "wait so long for the first word"),
    WHOLE("phone.hold_seconds", phone.hold_seconds, AT_START, "300", 1, 3600, "longest that a call may be put on hold"),
    WHOLE("phone.session_min_seconds", phone.session_min_seconds, AT_START, "90", 2, 1800, "shortest interval at which a caller may have a call refreshed (session timers); RFC 4028 wants at least 90"),
    WHOLE("phone.keep_days", phone.keep_days, AT_ONCE, "0", 0, 36500, "remove recordings of calls after so many days, the words stay; 0: keep; a line of phone.yaml may say otherwise"),
    WHOLE("phone.answer_seconds", phone.answer_seconds, AT_START, "0", 0, 60, "longest that a caller waits for an answer of the knowledge base; 0: none is looked for"),
    {.name = "phone.incident_ru", .type = CONF_TEXT, AT(phone.incident_ru), .fallback = "", .max = 1000, .help = "what is out of order now: callers hear it first, in Russian; empty: nothing", .change = CONF_AT_ONCE},
    {.name = "phone.incident_en", .type = CONF_TEXT, AT(phone.incident_en), .fallback = "", .max = 1000, .help = "the same in English", .change = CONF_AT_ONCE},

    WHOLE("routing.giveback_minutes", routing.giveback_minutes, AT_ONCE, "120", 0, 100000, "business minutes of silence after which a ticket goes to another; 0: never"),
    WHOLE("routing.refresh_seconds", routing.refresh_seconds, AT_ONCE, "2", 1, 3600, "how soon changes of staff and topics by other processes are seen"),

    WHOLE("jobs.threads", jobs.threads, AT_START, "2", 0, 64, "threads of `otklik serve` for jobs; 0: leave them to `otklik worker`"),

    {.name = "outbox.command", .type = CONF_TEXT, AT(outbox.command), .fallback = "", .max = 4000, .help = "program that sends a message (JSON on its input); empty: replies wait on the page", .change = CONF_BY_HAND},
    TEXT("outbox.channels", outbox.channels, BY_HAND, "email", 200, "what the program can reach: email,phone,telegram"),
    WHOLE("outbox.timeout_seconds", outbox.timeout_seconds, AT_ONCE, "30", 1, 110, "how long the program may take"),

    WHOLE("retention.events_days", retention.events_days, AT_ONCE, "30", 1, 3650, "how long events for followers are kept"),
    WHOLE("retention.idempotency_hours", retention.idempotency_hours, AT_ONCE, "24", 1, 8760, "how long a repeated Idempotency-Key is recognised"),
    WHOLE("retention.closed_tickets_days", retention.closed_tickets_days, AT_ONCE, "0", 0, 36500, "remove the texts of closed tickets after so many days; 0: keep"),
    WHOLE("retention.backups", retention.backups, AT_ONCE, "7", 1, 1000, "how many automatic backups are kept"),

    {.name = "log.level", .type = CONF_CHOICE, AT(log.level), .fallback = "info", .choices = "error|warn|info|debug", .help = "what is logged", .change = CONF_AT_ONCE},
    {0},
};
/* clang-format on */

const char *settings_language(const struct settings *s)
{
    return s->desk.language == SET_LANGUAGE_EN ? "en" : "ru";
}

static int read_file(struct conf *c, const char *folder, struct err *e)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/otklik.yaml", folder);
    if (!file_exists(path))
        return err_set(e, OTK_ENOENT,
                       "%s is not a desk: no otklik.yaml in it; make one with "
                       "`otklik init %s`",
                       folder, folder);
    struct buf text = BUF_INIT(FILE_BYTES);
    int r = file_read(path, &text, e);
    if (!r)
        r = conf_read_yaml(c, path, buf_str(&text), e);
    buf_free(&text);
    return r;
}

int settings_load(const char *folder, const char *const *overrides,
                  int n_overrides, struct settings *ret, struct conf *ret_conf,
                  struct err *e)
{
    *ret = (struct settings){0};
    conf_init(ret_conf, settings_table, ret);
    int r = folder ? read_file(ret_conf, folder, e) : OTK_OK;
    if (!r)
        r = conf_read_environment(ret_conf, "OTKLIK_", environ, e);
    for (int i = 0; !r && i < n_overrides; i++)
        r = conf_override(ret_conf, overrides[i], e);
    if (r)
        conf_free(ret_conf);
    return r;
}
