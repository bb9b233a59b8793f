"""The maintenance console: a technician's laptop on a serial line, and nothing but text.

A program of its own with only its line and the console socket; not for rules, devices, ledger or
keys. One rule: it is a terminal: it proves nothing and decides nothing, and no byte from outside
reaches the technician's screen raw.
"""
