// All names are found in the sources; nothing to add.
