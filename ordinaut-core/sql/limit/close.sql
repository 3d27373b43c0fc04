-- Let no claim run until the end of the transaction: a claim reads the limits, and this waits for
-- those that do.
lock table ordinaut.job_limit in access exclusive mode
