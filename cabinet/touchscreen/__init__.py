"""The nurse's touchscreen: the controller's screens as pages for one browser on this machine.

A program of its own with only the screen socket; not for rules, devices, ledger or keys. One rule:
it holds no state: what is shown came from the controller, what is pressed goes there.
"""
