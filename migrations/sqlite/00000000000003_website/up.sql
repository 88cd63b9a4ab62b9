ALTER TABLE accounts ADD COLUMN website TEXT;
