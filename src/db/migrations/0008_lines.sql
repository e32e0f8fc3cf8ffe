-- The line that a call came on, by its name in phone.yaml ("default": of
-- numbers that it does not name): how long a recording is kept depends on it.
-- Empty: no call, or one of before.
ALTER TABLE inbox ADD COLUMN line TEXT NOT NULL DEFAULT '';
