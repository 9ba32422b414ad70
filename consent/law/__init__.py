"""May this message be sent, and under which section? Pure: facts in, decision out.

Read ``citations`` (the provisions), ``facts`` (what a rule may know), ``decision`` (what it answers), ``casl``
(the rules of the strictest regime, which also governs an unknown place) and ``decide`` (the question).
No rule reads a clock, a database or a file; each docstring cites the section it applies.
"""
