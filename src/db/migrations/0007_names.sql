-- Teams and skills have a name in each language, as topics and priorities do:
-- {"ru":"…","en":"…"}. Where a language has none, `name` is said.
ALTER TABLE teams ADD COLUMN names_json TEXT NOT NULL DEFAULT '{}';
ALTER TABLE skills ADD COLUMN names_json TEXT NOT NULL DEFAULT '{}';
