"""The vocabulary of the knowledge base and its storage; ``vectorstore.store.Store`` is the face.

Nothing is imported here, so that a command which needs the records only does not load Chroma.
"""
