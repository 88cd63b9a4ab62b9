ALTER TABLE accounts DROP COLUMN website;
