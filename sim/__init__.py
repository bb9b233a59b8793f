"""A cabinet without hardware: a physical world, byte-level device emulators, faults, people."""
