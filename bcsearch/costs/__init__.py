"""What a study costs on this machine: counted passes and bytes, measured speeds."""
