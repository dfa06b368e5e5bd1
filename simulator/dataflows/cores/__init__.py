"""A network on the cores of a many-core chip: which neurons lie where, when they work, and whom their spikes reach.

schema           the section of a machine file that says how neurons are placed
chip_steps       in which timestep of the chip a population works, and which neurons send a tensor's spikes
placement        neurons on cores
fan_out          the cores, and the synapses there, that spikes reach, worked out when they are sent
through_synapse  those that the values that enter a synapse reach
events           what a sample's spikes come to on every core in every timestep of the chip
memory           what all of it takes of the computer's memory at most

Several dataflows are made of it; it is none itself.
"""
