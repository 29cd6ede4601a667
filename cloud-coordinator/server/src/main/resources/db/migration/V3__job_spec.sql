-- An order to tailor holds a profile with its probes for each hardware class of the fleet. Bounded by its writer.
ALTER TABLE job ALTER COLUMN spec SET DATA TYPE VARCHAR(1000000);
