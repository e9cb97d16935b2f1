"""What can be wrong with a host: looked at once, judged by a table of checks.

`examined` is what was seen, `examination` sees it, `questions` are the slow ones; `check` is what a row of the table
is, `machine`, `registry`, `environment`, `project` and `containers` are the rows, `table` is all of them in order.
"""
