"""Names of the attributes that bcsearch keeps on Optuna's studies and trials."""

from __future__ import annotations

# of a study
UUID = "bcsearch:uuid"  # key of its slots and ledger rows; survives copies and renumbering
SWEEP = "bcsearch:sweep"  # the sweep it was started from
FINGERPRINT = "bcsearch:fingerprint"  # what must match on resume, a dict of strings
SETTINGS = "bcsearch:settings"  # the sweep and space as resolved, text
FILES = "bcsearch:files"  # the folder of its trials' files, chosen by its first worker
FILES_OF = "bcsearch:files:{}"  # of one machine: "shared" or its own folder
CHECK = "bcsearch:check"  # what it says of its data, a dict
CHOICE = "bcsearch:choice"  # which trial it named at its end, and why, a dict
TRIALS = "bcsearch:trials"  # its budget in slots

# of a trial
NOTE = "bcsearch:note"  # one line, such as why it failed
FAILED_TRIAL = "failed_trial"  # of a retry: the number of the first attempt
FEASIBLE = "feasible"  # name of the constraint: above zero where a trial could not be trained
REPEATS = "bcsearch:repeats"  # how many trials of the same configuration had completed before
RETRY_HISTORY = "retry_history"  # of a retry: the numbers of all earlier attempts
