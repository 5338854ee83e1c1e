"""Small PTX kernels that measure what a model of the GPU's time needs.

A module per part of the hardware; each has a function `probes()`. To measure
something else, add a function to the module of its part, or a module to
`catalog.py`.
"""
