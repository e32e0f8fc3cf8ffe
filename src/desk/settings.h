/*
 * desk/settings.h - everything an owner can set, in one struct
 *
 * The table in settings.c says for each its name in otklik.yaml, default,
 * limits and meaning; `otklik config show` prints it.
 */
#ifndef OTK_DESK_SETTINGS_H
#define OTK_DESK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"

struct err;

enum settings_language { SET_LANGUAGE_RU, SET_LANGUAGE_EN };
enum settings_log { SET_LOG_ERROR, SET_LOG_WARN, SET_LOG_INFO, SET_LOG_DEBUG };

enum set_recogniser {
    SET_HEAR_NONE,
    SET_HEAR_WHISPER,
    SET_HEAR_HTTP,
    SET_HEAR_MEMORY
};

struct settings {
    struct {
        char *name;   /* of the desk, as people see it */
        int language; /* enum settings_language: when a text does not tell */
    } desk;
    struct {
        char *url; /* "sqlite:otklik.db", relative to the desk folder */
        int64_t busy_ms;
    } db;
    struct {
        char *address;
        int64_t port;
        int64_t workers;
        int64_t body_max_kb;
        int64_t upload_max_mb;
        bool behind_proxy; /* cookies are Secure, X-Forwarded-For counts */
    } http;
    struct {
        int64_t anonymous_per_minute; /* per address */
        int64_t key_per_minute;
        int64_t sign_in_per_minute;
    } limits;
    struct {
        bool anonymous; /* anybody who reaches the page may ask */
        int64_t session_hours;
    } access;
    struct {
        double auto_threshold; /* negative: the model's own */
        double suggest_threshold;
        int64_t text_max;
    } triage;
    struct {
        char *hub; /* where `model pull` fetches from */
        int64_t stall_seconds;
    } models;
    struct {
        double answer_threshold;  /* confidence from which Otklik answers */
        double suggest_threshold; /* … from which staff see a suggestion */
        bool answer_first;        /* false: always a ticket */
        char *model;   /* folder under models/ or a path; empty: none */
        int precision; /* enum precision: how the model is computed */
    } knowledge;
    struct {
        int recogniser; /* enum set_recogniser */
        char *whisper;  /* of `whisper`: a name under models/ or a path */
        int64_t tries;
        char *url;   /* of `http` */
        char *model; /* its name there */
        char *key;
        int64_t timeout_seconds;
        char *memory_text; /* what `memory` hears */
        char *vocabulary;  /* words that callers say, between commas */
        char *decoder;     /* a program; empty: the one beside ours */
        char *synthesiser; /* the program that speaks; empty: nothing does */
    } speech;
    struct {
        bool enabled;
        char *address; /* to listen on */
        int64_t port, tls_port;
        char *public_address; /* that callers are told; empty: the one above */
        int64_t rtp_from, rtp_to;
        char *certificate; /* of TLS, PEM with its key */
        char *authorities; /* PEM of those whom we believe over TLS */
        int srtp;     /* enum phone_srtp_rule: when offered, always, never */
        char *codecs; /* the one liked best first */
        char *allow;  /* who may call; empty: anybody */
        char *trust;  /* who is never banned */
        int64_t calls_max;
        int64_t calls_per_minute; /* of one address */
        int64_t ban_minutes;
        char *script;
        int64_t listen_seconds, silence_ms, patience_seconds;
        int64_t hold_seconds, session_min_seconds;
        int64_t keep_days; /* of recordings; 0: as long as the ticket */
        int64_t answer_seconds;
        char *incident_ru, *incident_en; /* said first; empty: all is well */
    } phone;
    struct {
        int64_t giveback_minutes; /* of business time; 0: never */
        int64_t refresh_seconds;  /* how often other processes' changes show */
    } routing;
    struct {
        int64_t threads; /* 0: `otklik worker` does them */
    } jobs;
    struct {
        char *command;  /* see desk/sender.h; empty: nothing goes out */
        char *channels; /* "email,phone": what the command can reach */
        int64_t timeout_seconds;
    } outbox;
    struct {
        int64_t events_days;
        int64_t idempotency_hours;
        int64_t closed_tickets_days; /* 0: kept for ever */
        int64_t backups;             /* how many are kept */
    } retention;
    struct {
        int level; /* enum settings_log */
    } log;
};

extern const struct conf_setting settings_table[];

/* "ru" or "en" */
const char *settings_language(const struct settings *s);

/*
 * Defaults, then FOLDER/otklik.yaml (when `folder` is not NULL), then the
 * environment, then `overrides`. conf_free(ret_conf) frees the texts.
 */
int settings_load(const char *folder, const char *const *overrides,
                  int n_overrides, struct settings *ret, struct conf *ret_conf,
                  struct err *e);

#endif
