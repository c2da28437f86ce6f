"""The command line: one command a function, which imports what it needs when it is called.

`main.py` has the exit codes and the list of commands. Commands: `plug_ins.py` (list, check), `runs.py` (run, compare,
report, show), `judging.py` (experiment, grade, ope, ab, tune). Shared: `options.py`, `live.py` (progress, Ctrl-C),
`tables.py` (what is printed).
"""
