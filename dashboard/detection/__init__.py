"""The Detection page: the run under way, the history of runs, the rules and trying one."""
