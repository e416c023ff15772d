"""Steps that take long for each question: they join late, behind the leading candidates.

===============  =================================================================
``extra``        what such a step is
``reranking``    reading the best passages again together with the question
``expansion``    searching for what a generator makes of the question
``joining``      which of them are tried, behind what, and what time they are left
===============  =================================================================
"""
