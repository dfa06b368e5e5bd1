"""Charts as SVG text: small functions from numbers to a drawing. They know results of no kind and write no files.

A drawing is made for a width in pixels, so that a phone gets its own; colours are CSS variables of `palette`, so that
one drawing serves light and dark pages. A mark that can be pointed at has a `<title>`, which viewers of SVG show.
"""
