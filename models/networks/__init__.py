"""Spiking networks on snntorch neurons: float for the first training, integer-valued for the compressed one."""
