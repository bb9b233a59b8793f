"""The cabinet: what happens when, from an event to its records and the lock that moves."""
