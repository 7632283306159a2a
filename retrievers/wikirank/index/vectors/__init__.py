"""The dense index: vectors in Chroma, embedded, on a server, or on several."""
