-- The desk. Times are milliseconds since 1970 in UTC; names of states are
-- text, so that a dump explains itself. Flags are 0 or 1. JSON is kept in
-- columns named *_json and is never searched by SQL.

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- ---- people ----------------------------------------------------------------

CREATE TABLE schedules (
    id :id:,
    name TEXT NOT NULL UNIQUE,
    time_zone TEXT NOT NULL
);

-- Open hours; minutes of the local day, 0 = Monday. No row: closed that day.
CREATE TABLE schedule_hours (
    schedule_id BIGINT NOT NULL REFERENCES schedules (id),
    weekday INTEGER NOT NULL,
    from_minute INTEGER NOT NULL,
    to_minute INTEGER NOT NULL,
    PRIMARY KEY (schedule_id, weekday, from_minute)
);

-- `day` is local, YYYY-MM-DD; is_open = 1 makes a day off a working day.
CREATE TABLE holidays (
    schedule_id BIGINT NOT NULL REFERENCES schedules (id),
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    is_open INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (schedule_id, day)
);

CREATE TABLE teams (
    id :id:,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    schedule_id BIGINT REFERENCES schedules (id)
);

CREATE TABLE people (
    id :id:,
    name TEXT NOT NULL,
    language TEXT NOT NULL DEFAULT '',
    organisation TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    external_id TEXT UNIQUE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    erased_at BIGINT
);

-- How a person reaches us; `value` is in normal form (lower case, +digits).
CREATE TABLE identities (
    id :id:,
    person_id BIGINT NOT NULL REFERENCES people (id),
    kind TEXT NOT NULL, -- email phone telegram extension browser external
    value TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, value)
);
CREATE INDEX identities_person ON identities (person_id);

CREATE TABLE staff (
    person_id BIGINT PRIMARY KEY REFERENCES people (id),
    login TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL, -- argon2id; empty: may not sign in
    role TEXT NOT NULL, -- admin agent viewer
    team_id BIGINT REFERENCES teams (id),
    schedule_id BIGINT REFERENCES schedules (id), -- NULL: the team's
    languages TEXT NOT NULL DEFAULT '', -- "ru,en"
    max_open INTEGER NOT NULL DEFAULT 10,
    is_active INTEGER NOT NULL DEFAULT 1,
    assigned_at BIGINT NOT NULL DEFAULT 0 -- when last given a ticket
);

CREATE TABLE skills (
    id :id:,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
);

CREATE TABLE staff_skills (
    person_id BIGINT NOT NULL REFERENCES staff (person_id),
    skill_id BIGINT NOT NULL REFERENCES skills (id),
    level INTEGER NOT NULL, -- 1 to 5
    PRIMARY KEY (person_id, skill_id)
);

CREATE TABLE absences (
    id :id:,
    person_id BIGINT NOT NULL REFERENCES staff (person_id),
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX absences_person ON absences (person_id, to_at);

-- ---- what tickets are about --------------------------------------------------

CREATE TABLE slas (
    id :id:,
    name TEXT NOT NULL UNIQUE,
    schedule_id BIGINT REFERENCES schedules (id) -- NULL: round the clock
);

CREATE TABLE priorities (
    id :id:,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    names_json TEXT NOT NULL DEFAULT '{}', -- {"ru": "…"}
    rank INTEGER NOT NULL UNIQUE, -- 1 is the most urgent
    min_level INTEGER NOT NULL DEFAULT 1 -- of skill wanted
);

-- Minutes of business time; NULL: no promise.
CREATE TABLE sla_targets (
    sla_id BIGINT NOT NULL REFERENCES slas (id),
    priority_id BIGINT NOT NULL REFERENCES priorities (id),
    first_minutes INTEGER,
    next_minutes INTEGER,
    solution_minutes INTEGER,
    PRIMARY KEY (sla_id, priority_id)
);

CREATE TABLE topics (
    id :id:,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    names_json TEXT NOT NULL DEFAULT '{}',
    parent_id BIGINT REFERENCES topics (id),
    team_id BIGINT REFERENCES teams (id), -- NULL: the parent's
    skill_id BIGINT REFERENCES skills (id),
    sla_id BIGINT REFERENCES slas (id),
    is_active INTEGER NOT NULL DEFAULT 1
);

-- ---- tickets -------------------------------------------------------------------

CREATE TABLE tickets (
    id :id:,
    subject TEXT NOT NULL,
    state TEXT NOT NULL, -- new open pending hold solved closed merged
    topic_id BIGINT REFERENCES topics (id),
    priority_id BIGINT REFERENCES priorities (id),
    team_id BIGINT REFERENCES teams (id),
    assignee_id BIGINT REFERENCES staff (person_id),
    person_id BIGINT REFERENCES people (id),
    channel TEXT NOT NULL,
    language TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '', -- why it went there, one sentence
    external_id TEXT UNIQUE,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    assigned_at BIGINT,
    first_answer_at BIGINT,
    solved_at BIGINT,
    closed_at BIGINT,
    waiting_since BIGINT, -- the person's oldest unanswered message
    first_due BIGINT,
    next_due BIGINT,
    solution_due BIGINT,
    paused_at BIGINT, -- SLA clock stands still (pending)
    merged_into BIGINT REFERENCES tickets (id)
);
CREATE INDEX tickets_assignee ON tickets (assignee_id, state);
CREATE INDEX tickets_person ON tickets (person_id);
CREATE INDEX tickets_updated ON tickets (updated_at);
CREATE INDEX tickets_state ON tickets (state, id);

CREATE TABLE messages (
    id :id:,
    ticket_id BIGINT NOT NULL REFERENCES tickets (id),
    kind TEXT NOT NULL, -- request reply note system
    author_id BIGINT REFERENCES people (id), -- NULL: Otklik itself
    body TEXT NOT NULL,
    external_id TEXT UNIQUE,
    created_at BIGINT NOT NULL
);
CREATE INDEX messages_ticket ON messages (ticket_id, id);
:fulltext: messages_text

-- Bytes lie outside the database, named by their BLAKE2b hash.
CREATE TABLE attachments (
    id :id:,
    ticket_id BIGINT REFERENCES tickets (id),
    message_id BIGINT REFERENCES messages (id),
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    uploaded_by BIGINT REFERENCES people (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX attachments_ticket ON attachments (ticket_id);
CREATE INDEX attachments_hash ON attachments (hash);

CREATE TABLE ticket_tags (
    ticket_id BIGINT NOT NULL REFERENCES tickets (id),
    tag TEXT NOT NULL,
    PRIMARY KEY (ticket_id, tag)
);
CREATE INDEX ticket_tags_tag ON ticket_tags (tag, ticket_id);

-- One row a link: (a blocks b), (a duplicate-of b), a < b for 'related'.
CREATE TABLE ticket_links (
    ticket_id BIGINT NOT NULL REFERENCES tickets (id),
    other_id BIGINT NOT NULL REFERENCES tickets (id),
    kind TEXT NOT NULL, -- related blocks duplicate split
    PRIMARY KEY (ticket_id, other_id, kind)
);
CREATE INDEX ticket_links_other ON ticket_links (other_id);

CREATE TABLE saved_views (
    id :id:,
    name TEXT NOT NULL,
    owner_id BIGINT REFERENCES staff (person_id), -- NULL: everybody's
    filter_json TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE canned_replies (
    id :id:,
    key TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- ---- in and out ----------------------------------------------------------------

-- Everything that enters. `stage` says which step of intake is done.
CREATE TABLE inbox (
    id :id:,
    channel TEXT NOT NULL, -- form api chat mail phone telegram
    dedup TEXT, -- UNIQUE with channel
    person_id BIGINT REFERENCES people (id),
    text TEXT NOT NULL,
    payload_json TEXT NOT NULL DEFAULT '{}',
    stage TEXT NOT NULL, -- received understood answered ticket ignored
    token TEXT NOT NULL UNIQUE, -- what the sender may ask about it with
    ticket_id BIGINT REFERENCES tickets (id),
    answer_json TEXT,
    received_at BIGINT NOT NULL,
    done_at BIGINT,
    UNIQUE (channel, dedup)
);
CREATE INDEX inbox_ticket ON inbox (ticket_id);

CREATE TABLE outbox (
    id :id:,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    body_json TEXT NOT NULL,
    dedup TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL, -- waiting sending sent unsure failed
    ticket_id BIGINT REFERENCES tickets (id),
    message_id BIGINT REFERENCES messages (id),
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    sent_at BIGINT
);
CREATE INDEX outbox_due ON outbox (run_at) WHERE state = 'waiting';
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE state = 'sending';

CREATE TABLE jobs (
    id :id:,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    dedup TEXT,
    state TEXT NOT NULL, -- waiting running dead
    run_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (kind, run_at, id) WHERE state = 'waiting';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_dedup ON jobs (dedup) WHERE state = 'waiting';

-- What happened, for pages and webhooks that follow along; kept for days.
CREATE TABLE events (
    id :id:,
    kind TEXT NOT NULL, -- ticket.created ticket.updated message.created …
    ticket_id BIGINT,
    body_json TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- ---- decisions and knowledge -----------------------------------------------------

CREATE TABLE predictions (
    id :id:,
    inbox_id BIGINT REFERENCES inbox (id),
    ticket_id BIGINT REFERENCES tickets (id),
    task TEXT NOT NULL, -- topic priority answer
    model TEXT NOT NULL, -- its version
    label TEXT NOT NULL, -- empty: none of these
    confidence DOUBLE PRECISION NOT NULL,
    mode TEXT NOT NULL, -- auto suggest ask
    reason_json TEXT NOT NULL DEFAULT '{}', -- scores, words, nearest tickets
    correction TEXT,
    corrected_by BIGINT REFERENCES people (id),
    corrected_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX predictions_ticket ON predictions (ticket_id, task);

-- Texts with known labels that models are trained on.
CREATE TABLE examples (
    id :id:,
    text TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL,
    topic TEXT NOT NULL, -- key; empty: none of these
    priority TEXT NOT NULL,
    source TEXT NOT NULL, -- starter import correction
    ticket_id BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE articles (
    id :id:,
    key TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL,
    topic TEXT NOT NULL DEFAULT '', -- key
    audience TEXT NOT NULL DEFAULT 'public', -- public staff
    state TEXT NOT NULL DEFAULT 'published', -- draft published archived
    title TEXT NOT NULL,
    questions TEXT NOT NULL DEFAULT '', -- one a line
    answer TEXT NOT NULL, -- Markdown
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE article_versions (
    article_id BIGINT NOT NULL REFERENCES articles (id),
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    questions TEXT NOT NULL,
    answer TEXT NOT NULL,
    changed_by BIGINT REFERENCES people (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (article_id, version)
);

-- Questions without an answer, one row for texts that say the same.
CREATE TABLE unanswered (
    id :id:,
    fingerprint TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    language TEXT NOT NULL,
    topic TEXT NOT NULL DEFAULT '',
    times BIGINT NOT NULL DEFAULT 1,
    state TEXT NOT NULL DEFAULT 'open', -- open answered dismissed
    article_id BIGINT REFERENCES articles (id),
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);

CREATE TABLE feedback (
    id :id:,
    inbox_id BIGINT REFERENCES inbox (id),
    ticket_id BIGINT REFERENCES tickets (id),
    article_id BIGINT REFERENCES articles (id),
    kind TEXT NOT NULL, -- thumb csat
    value INTEGER NOT NULL, -- thumb: 0 or 1; csat: 1 to 5
    comment TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL
);
CREATE INDEX feedback_ticket ON feedback (ticket_id);
CREATE INDEX feedback_inbox ON feedback (inbox_id);

-- ---- who did what, who may -----------------------------------------------------

-- Append-only: hash = BLAKE2b(previous hash, this row). `detail_json` names
-- fields and ids and never holds what a person wrote, so that erasing a
-- person leaves the chain whole.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL, -- "otklik", "staff:7", "key:3", "person:12"
    action TEXT NOT NULL, -- ticket.create ticket.assign person.erase …
    object TEXT NOT NULL, -- "ticket:15"
    detail_json TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE erasures (
    id :id:,
    person_id BIGINT NOT NULL,
    audit_id BIGINT NOT NULL,
    counts_json TEXT NOT NULL, -- rows changed, table by table
    proof TEXT NOT NULL, -- BLAKE2b over person, counts and audit hash
    created_at BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id :id:,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    hint TEXT NOT NULL, -- its first characters, for lists
    scopes TEXT NOT NULL, -- "requests:write tickets:read"
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    person_id BIGINT NOT NULL REFERENCES staff (person_id),
    csrf TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- The reply that a POST with this key got; kept for a day.
CREATE TABLE idempotency_keys (
    owner TEXT NOT NULL, -- who sent it: "key:3", "staff:7", "address:…"
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status INTEGER NOT NULL,
    reply TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
