"""`python -m langchain_wikirank`: the command `wikirank` with all its commands."""

from langchain_wikirank.cli import main

if __name__ == "__main__":
    main()
