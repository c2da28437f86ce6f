"""What is run: scenario files, the runner, executors, the tuner and the command line.

`api.py` is the way in. A scenario: `schema.py`, `hashes.py`. Plug-ins: `kinds.py`, `built_in.py`, `checks.py`. Agents:
`agent_names.py`, `compose.py`, `agent_calls.py`, `oracle_agent.py`. Runs: `runner.py`, `executors.py`, `run_folder.py`,
`tune.py`. From a run to an estimate: `replay.py`, `bandit_log.py`. Folders: `cli`, `experiment`, `grade`, `own_log`,
`vary`; `catalog` has the packaged scenarios, `tuned` what tuning found for them.
"""
