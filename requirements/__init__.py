"""What the set-up installs: locked lists of packages with the hashes of their files, and a bill of materials.

constraints.txt is where versions are chosen; `make lock` makes the lists here from it, `make sbom` the bill.
"""
