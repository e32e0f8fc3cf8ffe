-- A prediction that somebody will ask for by a name that cannot be guessed.
ALTER TABLE predictions ADD COLUMN token TEXT;
CREATE UNIQUE INDEX predictions_token ON predictions (token);
