"""Steps from one version of the tables to the next; a released step is never edited."""
