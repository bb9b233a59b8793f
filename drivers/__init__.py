"""Drivers: one device, one file; bytes and pins in, readings out; they know nothing of medicines."""
