"""From files to passages: find files, read them, cut them into chunks with exact offsets.

``walk`` finds files, ``readers`` turn each into documents, ``chunkers`` cut documents.
Nothing is imported until it is asked for.
"""
