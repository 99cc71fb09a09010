-- Chains of another hash function than SHA-256: each stream has the suite that its opening names.

ALTER TABLE stream ADD COLUMN suite INTEGER NOT NULL DEFAULT 1;   -- see Suite::number
