"""Drivers: one device, one file; bytes and pins in, readings out; nothing of medicines."""
