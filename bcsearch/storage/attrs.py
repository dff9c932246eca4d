"""Names of the attributes that bcsearch keeps on Optuna's studies and trials."""

from __future__ import annotations

# of a study
UUID = "bcsearch:uuid"  # key of its slots and ledger rows; survives copies and renumbering
SWEEP = "bcsearch:sweep"  # the sweep it was started from
FINGERPRINT = "bcsearch:fingerprint"  # what must match on resume, a dict of strings
SETTINGS = "bcsearch:settings"  # the sweep and space as resolved, JSON
FILES = "bcsearch:files"  # the folder of its trials' files that its first worker took
FILES_OF = "bcsearch:files:{}"  # of a machine: "shared" where it reaches that folder, else its own
TRIALS = "bcsearch:trials"  # its budget in slots

# of a trial
NOTE = "bcsearch:note"  # one line for the reader, such as why it failed
FAILED_TRIAL = "failed_trial"  # of a retry: the number of the first attempt
RETRY_HISTORY = "retry_history"  # of a retry: the numbers of all earlier attempts
